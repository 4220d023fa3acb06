import { readdirSync, readFileSync } from 'node:fs';

/** A file of /proc or /sys that a check cannot do without and that is not there. */
export class Unreadable extends Error {
  override readonly name = 'Unreadable';
}

/** The text of a kernel file without its last line feed. Throws `Unreadable`. */
export function kernelText(path: string): string {
  const text = kernelTextIfThere(path);
  if (text === undefined) throw new Unreadable(path);
  return text;
}

export function kernelTextIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1').trimEnd();
  } catch {
    return undefined;
  }
}

/** The lines of a kernel table as their fields. */
export function kernelRows(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => line.trim().split(/\s+/));
}

/** The names in a kernel folder, sorted. Throws `Unreadable`. */
export function kernelNames(path: string): string[] {
  const names = kernelNamesIfThere(path);
  if (!names) throw new Unreadable(path);
  return names;
}

export function kernelNamesIfThere(path: string): string[] | undefined {
  try {
    return readdirSync(path).sort();
  } catch {
    return undefined;
  }
}
