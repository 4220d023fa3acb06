import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { BreakglassError, errorExits } from '../base/errors.ts';
import { isFreeText, showable } from '../base/text.ts';
import { addMedium, findStick, loseMedium, mendMedia } from '../ceremony/media-care.ts';
import { knownSticks, listMedia, pluggedMedia } from '../ceremony/media-list.ts';
import { type TestedMedium, testMedium, testRecord } from '../ceremony/media-test.ts';
import type { OpenTrailPorts } from '../ceremony/open-trail.ts';
import { letWait, type Recorded, type RecorderOptions, recordOrWait } from '../ceremony/recorder-record.ts';
import type { State } from '../machine/state.ts';
import type { FoundMedium } from '../medium/find.ts';
import { realHost } from '../medium/real-host.ts';
import {
  describeAdded,
  describeLost,
  describeMediaList,
  describeMended,
  describeTested,
  mendedJson,
} from '../report/media.ts';
import { askText } from '../terminal/prompts.ts';
import { holdingTerminal, openTerminal } from '../terminal/terminal.ts';
import { requireFlags } from './flags.ts';
import { type CommandIo, productJson } from './io.ts';
import {
  type MachineTrail,
  noteRecorded,
  noteWarnings,
  openMachineState,
  recordedJson,
  withMachineTrail,
} from './machine-trail.ts';
import type { MediaFlags } from './media.ts';
import { noReplug, replugAt } from './people/replug.ts';

/** `media list`: reads only. */
export async function runMediaList(flags: MediaFlags, io: CommandIo): Promise<void> {
  const state = openMachineState(flags, io);
  const list = await listMedia(
    state,
    (flags.medium ?? []).map((path) => resolve(path)),
    realHost,
  );
  if (flags.json) return productJson(io, list);
  io.product(describeMediaList(list));
}

/** `media add` */
export async function runMediaAdd(dir: string, flags: MediaFlags, io: CommandIo): Promise<void> {
  const state = openMachineState(flags, io);
  const added = await withMachineTrail(state, flags, io, ({ options, ports }) =>
    addMedium(resolve(dir), options, ports),
  );
  noteWarnings(added.warnings, io);
  if (flags.json) return productJson(io, added);
  io.product(describeAdded(added));
}

/** `media mend` */
export async function runMediaMend(flags: MediaFlags, io: CommandIo): Promise<void> {
  const state = openMachineState(flags, io);
  const mended = await withMachineTrail(state, flags, io, ({ options, ports }) => mendMedia(options, ports));
  noteWarnings(mended.warnings, io);
  if (mended.failures.length > 0) io.exit('media');
  if (flags.json) return productJson(io, mendedJson(mended));
  io.product(describeMended(mended));
}

/** `media lost` */
export async function runMediaLost(name: string, flags: MediaFlags, io: CommandIo): Promise<void> {
  const reason = (flags.reason ?? (await askReason(name))).trim();
  if (!isFreeText(reason)) {
    throw new BreakglassError('BAD_INPUT', '--reason is not visible text of 1 to 1,024 characters', {
      hint: 'say in a few words how it was lost. Nothing was recorded.',
    });
  }
  const state = openMachineState(flags, io);
  const lost = await withMachineTrail(state, flags, io, ({ options, ports }) =>
    loseMedium(name, reason, options, ports),
  );
  noteRecorded(lost.recorded, io);
  const { medium, label, left, copies, recorded } = lost;
  if (left.length < copies)
    io.note(
      `Warning: ${left.length} known media are left and a token leaves only with ${copies}: breakglass media add DIR.`,
    );
  if (flags.json) return productJson(io, { medium, label, left, copies, ...recordedJson(recorded) });
  io.product(describeLost(lost));
}

async function askReason(name: string): Promise<string> {
  const terminal = await openTerminal();
  if (!terminal) {
    requireFlags('media lost', { '--reason': undefined });
    return '';
  }
  try {
    const validate = (text: string) => (isFreeText(text) ? undefined : 'a few words; they go on the record');
    return await askText(terminal, `How was ${showable(name)} lost?`, { validate });
  } finally {
    terminal.close();
  }
}

/** `media test`: at a terminal the medium is unplugged in between. */
export async function runMediaTest(name: string, flags: MediaFlags, io: CommandIo): Promise<void> {
  const terminal = await openTerminal();
  try {
    const state = openMachineState(flags, io);
    const work = () => withMachineTrail(state, flags, io, (trail) => test(name, state, flags, trail, io, terminal));
    await (terminal ? holdingTerminal(terminal, work) : work());
  } finally {
    terminal?.close();
  }
}

async function test(
  name: string,
  state: State,
  flags: MediaFlags,
  { options, ports }: MachineTrail,
  io: CommandIo,
  terminal: Awaited<ReturnType<typeof openTerminal>>,
): Promise<void> {
  const path = await placeOf(name, state, options.mediaPaths);
  const find = () => pluggedMedia(state, [path, ...options.mediaPaths], realHost);
  const replug = terminal ? replugAt(terminal, find) : noReplug;
  const tested = await testMedium(path, state.trust.id, { random: io.random, host: realHost, replug });
  const recorded = await recordTest(tested, find(), options, ports);
  noteRecorded(recorded, io);
  if (tested.error) io.exit(errorExits[tested.error.code]);
  if (flags.json) {
    const { medium, label, removable, replugged, bytes, error } = tested;
    const outcome = { ok: error === null, code: error?.code ?? null, message: error?.message ?? null };
    return productJson(io, {
      ...outcome,
      medium,
      label,
      path: tested.path,
      removable,
      replugged,
      bytes,
      ...recordedJson(recorded),
    });
  }
  io.product(describeTested(tested));
  if (tested.error) io.note(`hint: ${tested.error.hint}`);
}

/** A stick that failed must not be written to again in this plugging: a second flush can lie (docs/threat-model.md). */
async function recordTest(
  tested: TestedMedium,
  found: readonly FoundMedium[],
  options: RecorderOptions,
  ports: OpenTrailPorts,
): Promise<Recorded> {
  const { error, path } = tested;
  const record = testRecord(tested);
  if (error === null || errorExits[error.code] === 'aborted') return recordOrWait(record, options, ports);
  const hand = options.mediaPaths.length > 0 ? options.mediaPaths : found.map((medium) => medium.path);
  const others = hand.filter((other) => other !== path);
  if (others.length === 0) return letWait(record, options, ports, error);
  return recordOrWait(record, { ...options, mediaPaths: others }, ports);
}

async function placeOf(name: string, state: State, mediaPaths: readonly string[]): Promise<string> {
  const known = await knownSticks(state, mediaPaths, realHost);
  const called = known.some(({ id, label }) => id === name || label === name);
  if (!called && existsSync(name)) return resolve(name);
  const stick = findStick(name, known);
  if (stick.pluggedIn && stick.path !== null) return stick.path;
  throw new BreakglassError('MEDIUM_NOT_FOUND', `medium ${stick.label} is not plugged in`, {
    hint: `plug it in and mount it${stick.path === null ? '' : ` at ${stick.path}`}, or name the directory where it is mounted. Nothing was written.`,
  });
}
