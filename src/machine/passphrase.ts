import { fstatSync } from 'node:fs';
import { copySecret, wipe } from '../base/bytes.ts';
import { BreakglassError } from '../base/errors.ts';
import { asBadInput } from './input-bytes.ts';
import { awaitDescriptor } from './waiting-input.ts';

/**
 * The passphrases that a descriptor gives (`--passphrase-fd N`), one a line, LF or CRLF; the last line may lack its end.
 * They are secrets: the caller wipes each. Throws `BAD_INPUT`, and `ABORTED` when a signal ends the
 * waiting for them.
 */
export async function passphrasesFromDescriptor(descriptor: number): Promise<Uint8Array[]> {
  const what = `passphrase descriptor ${descriptor}`;
  const bytes = await awaitDescriptor(descriptor, { what, maxBytes: 64 * 1024 });
  try {
    return splitLines(bytes).map((line, index) => {
      if (line.length === 0) throw emptyLine(what, index + 1);
      return copySecret(line);
    });
  } finally {
    wipe(bytes);
  }
}

/** Throws `BAD_INPUT` for a descriptor that nobody has opened, before anything waits for it. */
export function requireOpen(descriptor: number): void {
  try {
    fstatSync(descriptor);
  } catch (cause) {
    throw asBadInput(`passphrase descriptor ${descriptor}`, cause);
  }
}

/** Views into `bytes`, without their line ends. */
function splitLines(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let start = 0; start < bytes.length; ) {
    const found = bytes.indexOf(0x0a, start);
    const end = found < 0 ? bytes.length : found;
    lines.push(bytes.subarray(start, end > start && bytes[end - 1] === 0x0d ? end - 1 : end));
    start = end + 1;
  }
  return lines;
}

function emptyLine(what: string, line: number): BreakglassError {
  return new BreakglassError('BAD_INPUT', `line ${line} of ${what} is empty`, {
    hint: 'give one passphrase a line, in the order of the files. Nothing was opened.',
  });
}
