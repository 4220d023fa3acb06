import { randomId } from '../base/random.ts';
import { formatTime } from '../base/time.ts';
import { type Change, changeParameters } from '../ceremony/change-plan.ts';
import { writeExclusive } from '../machine/files.ts';
import type { State } from '../machine/state.ts';
import { awaitInput } from '../machine/waiting-input.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { formatRequest, openRequest, type Request, requestFingerprint } from '../trust/request.ts';
import type { Trust } from '../trust/trust-file.ts';
import type { ChangeFlags } from './change-flags.ts';
import { requireFlags } from './flags.ts';
import { type CommandIo, productJson } from './io.ts';
import { askReason } from './request-fields.ts';

/** Written beforehand, so that its words can be compared: without a terminal there is no other way to confirm. */
export async function prepareRequest(
  file: string,
  change: Change,
  { trust }: State,
  flags: ChangeFlags,
  terminal: Terminal | undefined,
  io: CommandIo,
): Promise<void> {
  if (!terminal) requireFlags('--prepare', { '--reason': flags.reason });
  const request = await newChangeRequest(change, trust, flags, terminal, io);
  writeExclusive(file, formatRequest(request), { mode: 0o644 });
  const fingerprint = requestFingerprint(request);
  if (flags.json) return productJson(io, { file, id: request.id, fingerprint });
  io.product(`Wrote ${file}. Its words:\n\n  ${fingerprint.words.join(' ')}\n`);
}

/** The request that `--prepare` wrote, or a new one. */
export async function requestFor(
  change: Change,
  trust: Trust,
  flags: ChangeFlags,
  terminal: Terminal | undefined,
  io: CommandIo,
): Promise<Request> {
  if (flags.request !== undefined)
    return openRequest(await awaitInput(flags.request, { what: 'the request', maxBytes: 64 * 1024 }));
  return newChangeRequest(change, trust, flags, terminal, io);
}

async function newChangeRequest(
  change: Change,
  trust: Trust,
  flags: ChangeFlags,
  terminal: Terminal | undefined,
  io: CommandIo,
): Promise<Request> {
  return {
    v: 1,
    trust: trust.id,
    kind: change.kind,
    id: randomId(io.random),
    incident: null,
    subject: null,
    role: null,
    circumstance: null,
    reason: flags.reason ?? (await askReason(terminal, trust.payload.policy)),
    lifetimeSeconds: null,
    durationSeconds: null,
    holder: null,
    recipient: null,
    createdAt: formatTime(io.clock.now()),
    parameters: changeParameters(change),
  };
}
