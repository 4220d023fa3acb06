import { BreakglassError, errorExits, isBreakglassError } from '../base/errors.ts';
import { type ReadTrail, readTrail } from '../ceremony/trail-sources.ts';
import { describeDrillDates } from '../report/drill-due.ts';
import { drillDates } from '../trail/due.ts';
import type { DrillFlags } from './drill.ts';
import { type CommandIo, productJson } from './io.ts';
import { noteDoubts, trailReading } from './trail-reading.ts';

/** `drill --due`: the exit status is the answer, for a calendar. Only a drill record that the trail key signed counts. */
export async function runDrillDue(paths: readonly string[], flags: DrillFlags, io: CommandIo): Promise<void> {
  if (!flags.due) {
    throw new BreakglassError('USAGE', 'drill takes a path only with --due', {
      hint: 'breakglass drill runs in a sandbox of its own. Nothing was done.',
    });
  }
  const trail = await orNotDecided(async () => readTrail(await trailReading(paths, flags, io)));
  const dates = drillDates(trail.chain.facts.upkeep, trail.trust.payload.policy, io.clock.now());
  // What cannot be read could hold a newer drill, never take one back.
  const decided = dates.state === 'not-due' || (dates.state === 'due' && trail.doubts.length === 0);
  const answer = decided ? dates.state === 'due' : null;
  noteDoubts(trail, io);
  io.exit(answer === null ? 'undecided' : answer ? 'done' : 'no');
  if (flags.json) {
    const { last, next, overdue } = dates;
    return productJson(io, { due: answer, last, next, every: trail.trust.payload.policy.drill.every, overdue });
  }
  io.product(describeDrillDates(dates, answer, trail.trust.payload.policy.drill.every));
}

/** A calendar must not take "there is nothing to read" for a yes or a no. */
async function orNotDecided(read: () => Promise<ReadTrail>): Promise<ReadTrail> {
  try {
    return await read();
  } catch (error) {
    if (!isBreakglassError(error) || errorExits[error.code] === 'undecided') throw error;
    throw new BreakglassError('NOT_JUDGED', `whether a drill is due cannot be decided: ${error.message}`, {
      hint: error.hint,
      cause: error,
    });
  }
}
