import { BreakglassError } from '../base/errors.ts';
import { readInput } from '../machine/files.ts';
import { isAgeFile } from '../machine/sealed.ts';
import { openStrip, type Strip } from '../token/strip.ts';

/** No strip that fits its record is longer: 640 KiB of claims make about a thousand tokens. */
const bundleMaxBytes = 16 * 1024 * 1024;

/**
 * The token or the tokens of a file that mint wrote; `-` is standard input. `reader` is the command that takes an opened bundle from
 * there. Throws what `readInput` and `openStrip` throw, or `BAD_INPUT` for one that is sealed.
 */
export function readBundle(path: string, reader: string): Strip {
  const bytes = readInput(path, { what: 'the token or bundle', maxBytes: bundleMaxBytes });
  if (!isAgeFile(bytes)) return openStrip(bytes);
  throw new BreakglassError('BAD_INPUT', 'the token or bundle is sealed', {
    hint: `open it with the key that it was sealed to: age -d -i KEY ${path === '-' ? 'BUNDLE' : path} | ${reader}. No token was printed.`,
  });
}
