import { dirname, resolve } from 'node:path';
import { type Minted, mint } from '../ceremony/mint.ts';
import type { FoundAnomaly } from '../ceremony/people.ts';
import { fingerprintOfDigest, headWordCount } from '../key/fingerprint.ts';
import { monotonicMilliseconds } from '../machine/clock.ts';
import { lockState } from '../machine/lock.ts';
import { machinePreflight, preflightEntry } from '../machine/preflight-entry.ts';
import { checkRecipient } from '../machine/sealed.ts';
import type { State } from '../machine/state.ts';
import { defaultStateDir } from '../machine/state-dir.ts';
import { awaitInput } from '../machine/waiting-input.ts';
import { realHost } from '../medium/real-host.ts';
import { describeMinted } from '../report/minted.ts';
import { holdingSignals, type Signals } from '../terminal/signals.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { holdingTerminal, openTerminal } from '../terminal/terminal.ts';
import { openRequest, type Request } from '../trust/request.ts';
import { openOrRebuildState } from './ceremony-state.ts';
import { durationFlag, requireFlags } from './flags.ts';
import { type CommandIo, formatJson } from './io.ts';
import type { MintFlags } from './mint.ts';
import { peopleOf } from './people/quorum-people.ts';
import { refuseNoFamily, renewedFields } from './renewed-fields.ts';
import { completeFields, newRequest } from './request-fields.ts';
import { reviewSources, revocationSources } from './revocation-sources.ts';
import { type Delivery, orUndelivered, refuseExistingOut, tokenDelivery } from './token-delivery.ts';

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

async function runLocked(
  flags: MintFlags,
  state: State,
  anomalies: readonly FoundAnomaly[],
  terminal: Terminal | undefined,
  startedAt: number,
  io: CommandIo,
): Promise<void> {
  refuseExistingOut(flags.out);
  refuseNoFamily(flags.renews);
  const revocations = revocationSources(flags.revocations);
  const reviews = reviewSources(flags.review);
  const delivery = tokenDelivery({ out: flags.out, json: flags.json ? 'json' : 'text' }, io);
  const ceremony = async (signals: Signals) =>
    mint(
      {
        state,
        mode: flags.drill ? 'drill' : 'production',
        mediaPaths: (flags.medium ?? []).map((path) => resolve(path)),
        mediaRule: flags.allowFixed ? 'fixed-allowed' : 'removable',
        startsInSeconds: durationFlag('--starts-in', flags.startsIn),
        renews: flags.renews ?? null,
        revocations,
        reviews,
        killDir: dirname(flags.out ?? '.'),
        preflight: preflightEntry(state.trust.payload.policy.preflight, machinePreflight()),
        anomalies,
      },
      {
        clock: io.clock,
        random: io.random,
        host: realHost,
        people: peopleOf(flags, terminal),
        signals,
        request: async () => {
          const request = await requestOf(flags, state, terminal, io);
          // After the record it would be too late to learn that nothing can be sealed to it.
          if (request.recipient !== null) await checkRecipient(request.recipient);
          return request;
        },
        elapsedMs: () => Math.round(monotonicMilliseconds() - startedAt),
        prepareDelivery: delivery.prepare,
        deliver: delivery.deliver,
        note: io.note,
      },
    );
  await holdingSignals(async (signals) => {
    const minted = await (terminal ? holdingTerminal(terminal, () => ceremony(signals)) : ceremony(signals));
    if (flags.json) orUndelivered(() => io.product(formatJson(mintedJson(minted, delivery))));
    const warnings = [...minted.warnings, ...delivery.warnings];
    io.note(describeMinted({ ...minted, warnings }, delivery));
  });
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
    return openRequest(await awaitInput(flags.request, { what: 'the request', maxBytes: 64 * 1024 }));
  const { known, holder } = await renewedFields(flags, state);
  const fields = await completeFields('mint', known, state.trust.payload.policy, terminal);
  return newRequest(flags.drill ? 'drill' : 'mint', fields, holder, state.trust, io);
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
      file: delivery.pieces[position] ?? null,
    })),
    record: minted.record,
    head: minted.head,
    headCode: { seq: minted.headCode.seq, words },
    custodians: minted.custodians,
    kill: minted.kill,
    warnings: [...minted.warnings, ...delivery.warnings],
    mended: minted.mended,
  };
}
