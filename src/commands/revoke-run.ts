import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { BreakglassError } from '../base/errors.ts';
import { localTrail, readIssuedTokens } from '../ceremony/issued-tokens.ts';
import { type Closing, type Revoked, revoke } from '../ceremony/revoke.ts';
import { readInput } from '../machine/files.ts';
import { defaultStateDir } from '../machine/state-dir.ts';
import { describeRevoked, type RevokedView, revokedJson } from '../report/revoked.ts';
import type { Selector } from '../revocation/denial.ts';
import { indexDenials } from '../revocation/denials.ts';
import { type KillFile, openKillFile } from '../revocation/kill-file.ts';
import { confirmKey } from '../terminal/prompts.ts';
import { holdingTerminal, openTerminal, type Terminal } from '../terminal/terminal.ts';
import { effectOf, type IssuedToken } from '../token/issued.ts';
import { longestLifeSeconds } from '../token/over-policy.ts';
import type { Trust } from '../trust/trust-file.ts';
import { requireFlags } from './flags.ts';
import { type CommandIo, productJson } from './io.ts';
import { loadTrustOfMachine } from './load-trust.ts';
import { passphraseSource } from './people/passphrases.ts';
import type { RevokeFlags } from './revoke.ts';
import { beforeOf, givenTokens, reasonOf, selectorsOf } from './revoke-selectors.ts';
import { findRevokerKey, openRevoker } from './revoker-key.ts';

/** `revoke`: what is to die, one denial, what died. */
export async function runRevoke(flags: RevokeFlags, io: CommandIo): Promise<void> {
  const stateDir = resolve(flags.state ?? defaultStateDir(io.env));
  const trust = await loadTrustOfMachine(flags.trust, stateDir, io);
  requirePlaces(flags);
  const known = new KnownTokens(trust, [...(flags.trail ?? []), ...localTrail(stateDir)], givenTokens(flags, trust));
  const closing = await closingOf(flags, { trust, stateDir, known, io });
  const revoked = await revoke({ trust, closing, list: flags.list, sendTo: flags.sendTo ?? [], stateDir }, io);
  await report(revoked, closing, { flags, trust, known, io });
}

interface Desk {
  readonly trust: Trust;
  readonly stateDir: string;
  readonly known: KnownTokens;
  readonly io: CommandIo;
}

/** The tokens at hand. The trails are read when they are asked for: after the denial, unless somebody chooses from them. */
export class KnownTokens {
  readonly given: readonly IssuedToken[];
  readonly #trust: Trust;
  readonly #trails: readonly string[];
  #read: ReturnType<typeof readIssuedTokens> | undefined;

  constructor(trust: Trust, trails: readonly string[], given: readonly IssuedToken[]) {
    this.#trust = trust;
    this.#trails = trails;
    this.given = given;
  }

  get hasTrail(): boolean {
    return this.#trails.length > 0;
  }

  async all(): Promise<{ readonly tokens: readonly IssuedToken[]; readonly problems: readonly string[] }> {
    this.#read ??= readIssuedTokens(this.#trails, this.#trust);
    const { tokens, problems } = await this.#read;
    const byId = new Map([...tokens, ...this.given].map((token) => [token.claims.jti, token]));
    return { tokens: [...byId.values()], problems };
  }
}

async function closingOf(flags: RevokeFlags, desk: Desk): Promise<Closing> {
  const selectors = selectorsOf(flags, desk.known.given);
  if (flags.kill) return { kind: 'kill-file', file: openKillFiles(flags, selectors, desk) };
  const signed = { before: beforeOf(flags), reason: reasonOf(flags) };
  const file = findRevokerKey(flags.key);
  const terminal = flags.passphraseFd !== undefined && selectors.length > 0 ? undefined : await openTerminal();
  try {
    if (!terminal) requireAllFlags(flags, selectors, file?.path);
    if (!file) throw noKey();
    const work = async (): Promise<Closing> => {
      const chosen =
        selectors.length > 0 || !terminal ? { selectors, ...signed } : await choose(terminal, signed, flags, desk);
      const passphrases = passphraseSource(flags.passphraseFd, terminal, 'open');
      const revoker = await openRevoker(file, desk.trust, { stateDir: desk.stateDir, passphrases, note: desk.io.note });
      return { kind: 'signed', revoker, ...chosen };
    };
    return await (terminal ? holdingTerminal(terminal, work) : work());
  } finally {
    terminal?.close();
  }
}

type Chosen = Omit<Extract<Closing, { kind: 'signed' }>, 'kind' | 'revoker'>;

async function choose(
  terminal: Terminal,
  signed: Pick<Chosen, 'before' | 'reason'>,
  flags: RevokeFlags,
  { trust, stateDir, known, io }: Desk,
): Promise<Chosen> {
  const { chooseOpen } = await import('./choose-open.ts');
  const { tokens } = await known.all();
  const choice = await chooseOpen(terminal, { tokens, trust, stateDir, list: flags.list, now: io.clock.now() });
  // At a terminal the passphrase is the confirmation; without one to type, a key is.
  if (flags.passphraseFd === undefined || (await confirmKey(terminal, 'Deny it now?'))) return { ...signed, ...choice };
  throw new BreakglassError('ABORTED', 'nothing was confirmed', { hint: 'nothing was denied.' });
}

function openKillFiles(flags: RevokeFlags, selectors: readonly Selector[], { trust, io }: Desk): KillFile {
  const strange = { '--key': flags.key, '--before': flags.before, '--reason': flags.reason, '--closed': flags.closed };
  const also = Object.entries(strange).flatMap(([flag, value]) => (value === undefined ? [] : [flag]));
  if (selectors.length > 0 || also.length > 0) {
    const what = also.length > 0 ? also.join(', ') : 'selectors';
    throw new BreakglassError('USAGE', `a kill file says itself what it denies: --kill goes without ${what}`, {
      hint: 'run the two one after the other. Nothing was denied.',
    });
  }
  const files = (flags.kill ?? []).map((path) => {
    const file = openKillFile(readInput(path, { what: 'the kill file', maxBytes: 64 * 1024 * 1024 }), trust, path);
    for (const { line, message } of file.alarms) io.note(`breakglass: alarm: line ${line} of ${path}: ${message}`);
    return file;
  });
  return {
    lines: files.flatMap(({ lines }) => lines),
    entries: files.flatMap(({ entries }) => entries),
    alarms: [],
  };
}

function requireAllFlags(flags: RevokeFlags, selectors: readonly Selector[], key: string | undefined): void {
  requireFlags('revoke', {
    'a selector (--incident, --subject, --token …)': selectors.length > 0 ? selectors : undefined,
    '--key': key,
    '--passphrase-fd': flags.passphraseFd,
  });
}

function noKey(): BreakglassError {
  return new BreakglassError('NOT_FOUND', 'there is no revoker key in this directory', {
    hint: 'give --key LABEL.revoker.age; or publish a kill file, which needs no key: --kill INCIDENT.kill.jws. Nothing was denied.',
  });
}

/** Mistyped paths are told before anybody types a passphrase. A directory to send to may be missing: that stops nothing. */
function requirePlaces({ trail = [] }: RevokeFlags): void {
  const missing = trail.find((path) => !existsSync(path));
  if (missing === undefined) return;
  throw new BreakglassError('NOT_FOUND', `there is no trail at ${missing}`, {
    hint: 'check the path, or leave --trail out: it is only to say what dies. Nothing was denied.',
  });
}

async function report(
  revoked: Revoked,
  closing: Closing,
  {
    flags,
    trust,
    known,
    io,
  }: { readonly flags: RevokeFlags; readonly trust: Trust; readonly known: KnownTokens; readonly io: CommandIo },
): Promise<void> {
  const now = io.clock.now();
  const { tokens, problems } = await known.all();
  const effective = revoked.added.filter((entry) => !revoked.allowedAgain.includes(entry));
  const denials = { before: revoked.before.denials, added: indexDenials(effective) };
  const effect = effectOf(tokens, denials, now);
  const view: RevokedView = {
    ...revoked,
    effect,
    openFamilies: closing.kind === 'signed' ? familiesLeft(known.given, revoked) : [],
    trailRead: known.hasTrail,
    problems,
    frozenUntil: frozenUntil(revoked, effect.dying, { trust, known, now }),
    now,
  };
  tellAlarms(revoked, problems, flags.list, io);
  const failed = [revoked.list, revoked.seen, ...revoked.sent].filter(({ error }) => error !== null);
  if (failed.length > 0) io.exit('media');
  else if (effective.length === 0) io.exit('no');
  if (flags.json) productJson(io, revokedJson(view));
  else io.product(describeRevoked(view));
  for (const { path, error } of failed) {
    io.note(`breakglass: ${path}: ${error?.message}`);
    io.note(`hint: ${error?.hint} The denial stands everywhere else that is named above.`);
  }
}

/** Families of tokens that were denied one by one: the others of a strip live on. */
function familiesLeft(given: readonly IssuedToken[], { known }: Revoked): string[] {
  const families = given
    .map(({ kid, claims }) => ({ kid, claims: { ...claims, jti: '' } }))
    .filter((sibling) => known.denials.find(sibling) === undefined)
    .map(({ claims }) => claims.breakglass.family);
  return [...new Set(families)];
}

/** Exactly, where all tokens that are meant are known; otherwise no token of this policy lives longer. */
function frozenUntil(
  { added }: Revoked,
  dying: readonly IssuedToken[],
  { trust, known, now }: { readonly trust: Trust; readonly known: KnownTokens; readonly now: number },
): number {
  const all = known.hasTrail || added.every(({ kind }) => kind === 'jti');
  if (all && dying.length > 0) return Math.max(...dying.map(({ claims }) => claims.exp));
  return now + longestLifeSeconds(trust.payload.policy);
}

function tellAlarms({ written, lost }: Revoked, problems: readonly string[], list: string, io: CommandIo): void {
  for (const { line, message } of written.alarms)
    io.note(`breakglass: alarm: line ${line} of ${list}: ${message}. It was kept as it is.`);
  if (lost > 0)
    io.note(
      `breakglass: alarm: ${list} has lost ${lost} statements that were accepted here before; their denials stay`,
    );
  for (const problem of problems) io.note(`breakglass: ${problem}`);
}
