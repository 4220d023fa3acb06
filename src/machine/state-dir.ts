import { statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { BreakglassError } from '../base/errors.ts';

/** `$XDG_STATE_HOME/breakglass`, or `$HOME/.local/state/breakglass` (XDG Base Directory). Throws `USAGE` without either. */
export function defaultStateDir(env: Readonly<Record<string, string | undefined>>): string {
  const { XDG_STATE_HOME: xdg, HOME: home } = env;
  if (xdg && isAbsolute(xdg)) return join(xdg, 'breakglass');
  if (home && isAbsolute(home)) return join(home, '.local', 'state', 'breakglass');
  throw new BreakglassError('USAGE', 'there is no default state directory: HOME is not set', {
    hint: 'give --state DIR. Nothing was done.',
  });
}

/** Throws `STATE_EXPOSED` if anybody but its owner may change what is in the folder. */
export function checkStateDirectory(dir: string): void {
  const { mode } = statSync(dir);
  if ((mode & 0o022) === 0) return;
  throw new BreakglassError('STATE_EXPOSED', `others may write into the state directory ${dir}`, {
    hint: `run: chmod 700 ${dir}. On a FAT stick mount with umask=077. Nothing was done.`,
  });
}
