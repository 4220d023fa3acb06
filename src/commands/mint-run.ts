import { resolve } from 'node:path';
import { wipe } from '../base/bytes.ts';
import { BreakglassError, isBreakglassError } from '../base/errors.ts';
import { readInitJournal } from '../ceremony/init-journal.ts';
import { type Minted, mint } from '../ceremony/mint.ts';
import type { FoundAnomaly, QuorumPeople } from '../ceremony/people.ts';
import { fingerprintOfDigest, headWordCount } from '../key/fingerprint.ts';
import { monotonicMilliseconds } from '../machine/clock.ts';
import { readInput } from '../machine/files.ts';
import { lockState } from '../machine/lock.ts';
import { machinePreflight, preflightEntry } from '../machine/preflight-entry.ts';
import { createRecorder } from '../machine/recorder.ts';
import { checkRecipient } from '../machine/sealed.ts';
import { createState, openState, type State } from '../machine/state.ts';
import { defaultStateDir } from '../machine/state-dir.ts';
import { realHost } from '../medium/real-host.ts';
import { describeMinted } from '../report/minted.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { holdingTerminal, openTerminal } from '../terminal/terminal.ts';
import { openRequest, type Request } from '../trust/request.ts';
import { acceptTrust, openTrust } from '../trust/trust-file.ts';
import { durationFlag, requireFlags } from './flags.ts';
import { type CommandIo, formatJson } from './io.ts';
import type { MintFlags } from './mint.ts';
import { flagPeople } from './people/flag-people.ts';
import { passphraseSource } from './people/passphrases.ts';
import { terminalPeople } from './people/terminal-people.ts';
import { completeFields, newRequest } from './request-fields.ts';
import { type Delivery, orUndelivered, refuseExistingOut, tokenDelivery } from './token-delivery.ts';

const trustMaxBytes = 4 * 1024 * 1024;

/** `mint`: flags and questions in, one ceremony, the token out. */
export async function runMint(flags: MintFlags, io: CommandIo): Promise<void> {
  const startedAt = monotonicMilliseconds();
  const terminal = flags.confirm === undefined ? await openTerminal() : undefined;
  try {
    if (!terminal) requireAllFlags(flags);
    const stateDir = resolve(flags.state ?? defaultStateDir(io.env));
    const { state, anomalies } = await openOrRebuildState(stateDir, flags, io);
    const lock = lockState(stateDir);
    try {
      await runLocked(flags, state, anomalies, terminal, startedAt, io);
    } finally {
      lock.release();
    }
  } finally {
    terminal?.close();
  }
}

function requireAllFlags(flags: MintFlags): void {
  const fields = {
    '--incident': flags.incident,
    '--subject': flags.subject,
    '--role': flags.role,
    '--circumstance': flags.circumstance,
    '--reason': flags.reason,
  };
  const request = Object.values(fields).some((value) => value !== undefined) ? fields : { '--request': flags.request };
  requireFlags('mint', {
    ...(flags.request === undefined ? request : {}),
    '--share': flags.share,
    '--confirm': flags.confirm,
    '--clock': flags.clock,
    '--head': flags.head,
  });
}

/** The state directory; a lost one is begun anew from the trust file, which every custodian confirms as an anomaly (P10). */
async function openOrRebuildState(
  dir: string,
  flags: MintFlags,
  io: CommandIo,
): Promise<{ state: State; anomalies: FoundAnomaly[] }> {
  refuseUnfinishedInit(dir);
  try {
    const state = openState(dir);
    if (flags.trust !== undefined) compareTrust(state, flags.trust);
    return { state, anomalies: anomaliesOf(state) };
  } catch (error) {
    if (!isBreakglassError(error, 'STATE_MISSING') || flags.trust === undefined) throw error;
    const trust = openTrust(readInput(flags.trust, { what: 'the trust file', maxBytes: trustMaxBytes }));
    const recorder = await createRecorder();
    try {
      const state = createState(dir, { trust, recorder: recorder.pkcs8, revocations: new Uint8Array(0) });
      io.note(`there was no state directory ${dir}: began it anew from ${flags.trust}`);
      return { state, anomalies: anomaliesOf(state) };
    } finally {
      wipe(recorder.pkcs8);
    }
  }
}

/** A state directory that was begun anew has no high-water mark, until a quorum has confirmed that and given it one. */
function anomaliesOf(state: State): FoundAnomaly[] {
  const damage = state.damage.map(({ message }) => ({ code: 'STATE_DAMAGED' as const, detail: message }));
  if (state.highWater !== null || damage.length > 0) return damage;
  return [{ code: 'STATE_NEW', detail: 'the state directory was lost and begun anew from the trust file' }];
}

function refuseUnfinishedInit(dir: string): void {
  if (readInitJournal(dir) === undefined) return;
  throw new BreakglassError('INIT_UNFINISHED', `an init in ${dir} was interrupted`, {
    hint: 'run breakglass init with the same --state: it finishes, or says that it begins afresh. No token was issued.',
  });
}

function compareTrust(state: State, file: string): void {
  const given = openTrust(readInput(file, { what: 'the trust file', maxBytes: trustMaxBytes }));
  if (given.sha256 === state.trust.sha256) return;
  acceptTrust(state.trust, given);
  throw new BreakglassError(
    'TRUST_OTHER',
    `${file} is version ${given.payload.version}, and this machine is at version ${state.trust.payload.version}`,
    {
      hint: 'a ceremony takes only the version that its trail names. Leave --trust out, or give that version. No token was issued.',
    },
  );
}

async function runLocked(
  flags: MintFlags,
  state: State,
  anomalies: readonly FoundAnomaly[],
  terminal: Terminal | undefined,
  startedAt: number,
  io: CommandIo,
): Promise<void> {
  refuseExistingOut(flags.out);
  const delivery = tokenDelivery({ out: flags.out, json: flags.json ? 'json' : 'text' }, io);
  const ceremony = async () =>
    mint(
      {
        state,
        mode: flags.drill ? 'drill' : 'production',
        mediaPaths: (flags.medium ?? []).map((path) => resolve(path)),
        mediaRule: flags.allowFixed ? 'fixed-allowed' : 'removable',
        startsInSeconds: durationFlag('--starts-in', flags.startsIn),
        preflight: preflightEntry(state.trust.payload.policy.preflight, machinePreflight()),
        anomalies,
      },
      {
        clock: io.clock,
        random: io.random,
        host: realHost,
        people: await peopleOf(flags, terminal),
        request: async () => {
          const request = await requestOf(flags, state, terminal, io);
          // After the record it would be too late to learn that nothing can be sealed to it.
          if (request.recipient !== null) await checkRecipient(request.recipient);
          return request;
        },
        elapsedMs: () => Math.round(monotonicMilliseconds() - startedAt),
        deliver: delivery.deliver,
        note: io.note,
      },
    );
  const minted = await (terminal ? holdingTerminal(terminal, ceremony) : ceremony());
  if (flags.json) orUndelivered(() => io.product(formatJson(mintedJson(minted, delivery))));
  io.note(describeMinted(minted, delivery.file));
  if (flags.qr && terminal && delivery.tokens) await showQrCodes(delivery.tokens, terminal);
}

// Loaded when asked for: the tables of the encoder take a while to build.
async function showQrCodes(tokens: readonly string[], terminal: Terminal): Promise<void> {
  const { renderQrOn } = await import('../terminal/qr.ts');
  terminal.write(tokens.map((token) => `${renderQrOn(token, terminal)}\n`).join(''));
}

async function requestOf(
  flags: MintFlags,
  state: State,
  terminal: Terminal | undefined,
  io: CommandIo,
): Promise<Request> {
  if (flags.request !== undefined)
    return openRequest(readInput(flags.request, { what: 'the request', maxBytes: 64 * 1024 }));
  const fields = await completeFields('mint', flags, state.trust.payload.policy, terminal);
  return newRequest(flags.drill ? 'drill' : 'mint', fields, null, state.trust, io);
}

async function peopleOf(flags: MintFlags, terminal: Terminal | undefined): Promise<QuorumPeople> {
  if (terminal) {
    const passphrases =
      flags.passphraseFd === undefined ? undefined : passphraseSource(flags.passphraseFd, terminal, 'open');
    return terminalPeople(terminal, { shareFiles: flags.share ?? [], passphrases });
  }
  return flagPeople({
    confirm: flags.confirm ?? '',
    clock: flags.clock ?? '',
    head: flags.head ?? '',
    shares: flags.share ?? [],
    accept: flags.accept ?? [],
    passphrases: passphraseSource(flags.passphraseFd, undefined, 'open'),
  });
}

function mintedJson(minted: Minted, delivery: Delivery) {
  const words = fingerprintOfDigest(minted.headCode.sha256, headWordCount).words;
  return {
    token: delivery.file === null ? (delivery.tokens?.[0] ?? delivery.sealed) : null,
    file: delivery.file,
    family: minted.claims[0]?.breakglass.family ?? null,
    tokens: minted.claims.map(({ jti, nbf, exp, breakglass }, position) => ({
      sequence: breakglass.sequence,
      jti,
      nbf,
      exp,
      token: delivery.file === null ? (delivery.tokens?.[position] ?? null) : null,
    })),
    record: minted.record,
    head: minted.head,
    headCode: { seq: minted.headCode.seq, words },
    custodians: minted.custodians,
    warnings: minted.warnings,
    mended: minted.mended,
  };
}
