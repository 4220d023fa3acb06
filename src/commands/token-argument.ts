import { existsSync } from 'node:fs';
import { readInput } from '../machine/files.ts';

/** The token of the command line, of a file or of standard input; a line end after it is not part of it. */
export function tokenFrom(argument: string): string {
  if (argument !== '-' && !existsSync(argument) && !looksLikePath(argument)) return argument;
  const bytes = readInput(argument, { what: 'the token', maxBytes: 8 * 1024 * 1024 });
  return Buffer.from(bytes)
    .toString('latin1')
    .replace(/\r?\n$/, '');
}

/** The same for a file that may hold several, one a line: the tokens of a strip. */
export function tokensFrom(argument: string): string[] {
  return tokenFrom(argument).split(/\r?\n/);
}

// No token has a slash, and none ends like a file: for a mistyped path the file is what is missing.
function looksLikePath(argument: string): boolean {
  return argument.includes('/') || /^[^.]+\.(?:jwt|jws|token|txt|age)$/.test(argument);
}
