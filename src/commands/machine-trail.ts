import { resolve } from 'node:path';
import type { OpenTrailPorts } from '../ceremony/open-trail.ts';
import type { Recorded, RecorderOptions } from '../ceremony/recorder-record.ts';
import { lockState } from '../machine/lock.ts';
import { openState, type State } from '../machine/state.ts';
import { defaultStateDir } from '../machine/state-dir.ts';
import { realHost } from '../medium/real-host.ts';
import { visible } from '../terminal/voice.ts';
import { refuseUnfinishedInit } from './ceremony-state.ts';
import type { CommandIo } from './io.ts';

/** The flags of a command that writes a record without a quorum. */
export interface MachineFlags {
  readonly state?: string;
  readonly medium?: readonly string[];
  readonly allowFixed?: true;
}

export interface MachineTrail {
  readonly options: RecorderOptions;
  readonly ports: OpenTrailPorts;
}

/** The state directory of this machine. Throws `STATE_MISSING` or `INIT_UNFINISHED`. */
export function openMachineState(flags: Pick<MachineFlags, 'state'>, io: CommandIo): State {
  const dir = resolve(flags.state ?? defaultStateDir(io.env));
  refuseUnfinishedInit(dir);
  return openState(dir);
}

/** Lends what a record of the recorder is written with, under the lock of the state directory. */
export async function withMachineTrail<T>(
  state: State,
  flags: MachineFlags,
  io: CommandIo,
  work: (trail: MachineTrail) => Promise<T>,
): Promise<T> {
  const lock = lockState(state.dir);
  try {
    return await work({
      options: {
        state,
        mediaPaths: (flags.medium ?? []).map((path) => resolve(path)),
        mediaRule: flags.allowFixed ? 'fixed-allowed' : 'removable',
      },
      ports: { clock: io.clock, random: io.random, host: realHost, note: io.note },
    });
  } finally {
    lock.release();
  }
}

/** How a record is told of in JSON. */
export function recordedJson({ record, media, warnings }: Recorded) {
  return { record, waiting: record === null, media, warnings };
}

/** Says where the record is, or why it waits. */
export function noteRecorded(recorded: Recorded, io: CommandIo): void {
  const { record, media, waitsFor, warnings } = recorded;
  noteWarnings(warnings, io);
  if (record) {
    io.note(`Recorded: record ${record.seq}, on ${media.join(', ')}.`);
    return;
  }
  const why = waitsFor ? ` (${waitsFor.message})` : '';
  io.note(
    visible(`No medium could take the record${why}. It waits in the state directory and is written first next time.`),
  );
}

/** What looks wrong waits for the next quorum; fixed media are confirmed by the flag. */
export function noteWarnings(warnings: Recorded['warnings'], io: CommandIo): void {
  for (const { code, message } of warnings) io.note(visible(`Warning ${code}: ${message}.`));
}
