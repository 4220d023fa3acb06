import { Chalk } from 'chalk';
import type { Colour } from './colour.ts';

/** What decides about colour: `NO_COLOR` (any value but empty) before `FORCE_COLOR` before whether a terminal is there. */
export interface ColourSource {
  readonly terminal: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Sixteen colours at most: a plain Linux console has no more. */
export function openColour(source: ColourSource): Colour {
  const chalk = new Chalk({ level: hasColour(source) ? 1 : 0 });
  return {
    good: chalk.green,
    bad: chalk.redBright,
    warn: chalk.yellow,
    dim: chalk.dim,
    strong: chalk.bold,
    production: chalk.bold.white.bgRed,
    drill: chalk.black.bgCyan,
  };
}

function hasColour({ terminal, env }: ColourSource): boolean {
  if (env['NO_COLOR']) return false;
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  return terminal && env['TERM'] !== 'dumb';
}
