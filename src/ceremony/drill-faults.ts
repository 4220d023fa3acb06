import { readFileSync, writeFileSync } from 'node:fs';

/** One character of the text form is replaced by another of its alphabet. */
export function spoil(card: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(card);
  copy[20] = copy[20] === 0x71 ? 0x70 : 0x71;
  return copy;
}

export function flipByte(path: string): void {
  const bytes = readFileSync(path);
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = bytes[middle] === 0x41 ? 0x42 : 0x41;
  writeFileSync(path, bytes);
}

/** The lines of a log but for one in the middle. */
export function dropLine(from: string, to: string): void {
  const lines = readFileSync(from, 'latin1').split('\n');
  lines.splice(Math.floor((lines.length - 1) / 2), 1);
  writeFileSync(to, lines.join('\n'), 'latin1');
}
