import { resolve } from 'node:path';
import { BreakglassError } from '../base/errors.ts';
import { isFreeText, isPrintable } from '../base/text.ts';
import { askNumber, askText } from '../terminal/prompts.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { Policy } from '../trust/policy.ts';
import { identifierFlag, integerFlag, pairFlag, requireFlags } from './flags.ts';
import type { InitOptions } from './init.ts';
import { loadPolicy } from './load-policy.ts';

export interface Answers {
  readonly name: string;
  readonly issuer: string;
  readonly policy: Policy;
  readonly threshold: number;
  readonly custodians: readonly string[];
  readonly revokers: readonly string[];
  readonly mediumPaths: readonly string[];
  readonly cardDirs: ReadonlyMap<string, string>;
}

export async function completeAnswers(options: InitOptions, terminal: Terminal | undefined): Promise<Answers> {
  const cardDirs = new Map((options.cardDir ?? []).map((value) => readCardDir(value)));
  const shown = (options.custodian ?? [])
    .map((label) => identifierFlag('--custodian', label))
    .filter((label) => !cardDirs.has(label));
  if (!terminal) {
    const fromFlags = {
      '--name': options.name,
      '--issuer': options.issuer,
      '--policy': options.policy,
      '--threshold': options.threshold,
    };
    const cards = Object.fromEntries(shown.map((label) => [`--card-dir ${label}=DIR`, undefined]));
    requireFlags('init', { ...fromFlags, '--custodian': options.custodian, '--medium': options.medium, ...cards });
    if (options.revoker && options.passphraseFd === undefined) requireFlags('init', { '--passphrase-fd': undefined });
  }
  const policy = await loadPolicy(options.policy ?? (await ask(terminal, 'Policy file', 'policy.toml')));
  const name = options.name ?? (await ask(terminal, 'Name of the trust'));
  const issuer = options.issuer ?? (await ask(terminal, 'Issuer of its tokens (iss)', 'https://breakglass.invalid'));
  const custodians = options.custodian ?? words(await ask(terminal, 'Custodians', custodiansOf(policy).join(' ')));
  const threshold =
    options.threshold === undefined
      ? await askThreshold(terminal, custodians.length)
      : integerFlag('--threshold', options.threshold);
  const mediumPaths = options.medium ?? words(await ask(terminal, 'Directories of the media (two or more)'));
  return {
    name: checkName(name),
    issuer: checkIssuer(issuer),
    policy,
    threshold,
    custodians: custodians.map((label) => identifierFlag('--custodian', label)),
    revokers: (options.revoker ?? []).map((label) => identifierFlag('--revoker', label)),
    mediumPaths,
    cardDirs,
  };
}

function readCardDir(value: string): readonly [string, string] {
  const [label, dir] = pairFlag('--card-dir', value);
  return [identifierFlag('--card-dir', label), resolve(dir)];
}

function checkName(name: string): string {
  if (isFreeText(name) && name.length <= 64) return name;
  throw new BreakglassError('BAD_INPUT', 'the name of the trust must be 1 to 64 visible characters', {
    hint: 'mend --name. Nothing was done.',
  });
}

function checkIssuer(issuer: string): string {
  if (isPrintable(issuer)) return issuer;
  throw new BreakglassError('BAD_INPUT', 'the issuer must be 1 to 256 printable characters without spaces', {
    hint: 'mend --issuer. Nothing was done.',
  });
}

function custodiansOf(policy: Policy): string[] {
  return Object.keys(policy.people).filter((label) => policy.people[label]?.includes('custodian'));
}

function words(text: string): string[] {
  return text.split(/[\s,]+/).filter((word) => word !== '');
}

async function ask(terminal: Terminal | undefined, question: string, proposal?: string): Promise<string> {
  if (!terminal) throw new TypeError('missing flags were refused before');
  return askText(terminal, question, proposal === undefined ? {} : { initial: proposal });
}

function askThreshold(terminal: Terminal | undefined, count: number): Promise<number> {
  if (!terminal) throw new TypeError('missing flags were refused before');
  const most = Math.max(2, Math.min(16, count));
  return askNumber(terminal, `How many of the ${count} make a quorum`, {
    least: 2,
    most,
    initial: Math.min(most, Math.floor(count / 2) + 1),
  });
}
