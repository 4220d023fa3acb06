import { readDeparture } from '../ceremony/departure.ts';
import { readTrail } from '../ceremony/trail-sources.ts';
import { departureJson, describeDeparture, describePeople, peopleJson } from '../report/people.ts';
import { listPeople } from '../trail/people-list.ts';
import { identifierFlag } from './flags.ts';
import { type CommandIo, productJson } from './io.ts';
import type { LeaveFlags, TrailFlags } from './people.ts';
import { noteDoubts, trailReading, trustReading } from './trail-reading.ts';

/** `people list`: the trail in, who has which part and what is overdue out. */
export async function runPeopleList(paths: readonly string[], flags: TrailFlags, io: CommandIo): Promise<void> {
  const trail = await readTrail(await trailReading(paths, flags, io));
  const list = listPeople(trail.trust, trail.chain.facts, io.clock.now());
  noteDoubts(trail, io);
  if (trail.doubts.length > 0) io.exit('undecided');
  if (flags.json) return productJson(io, { ...peopleJson(list), findings: trail.findings });
  io.product(describePeople(list, trail.trust.payload.name));
}

/** `people leave`: a label in, who could still combine and what to run out. Reads only. */
export async function runPeopleLeave(label: string, flags: LeaveFlags, io: CommandIo): Promise<void> {
  const first = identifierFlag('the label', label);
  const also = (flags.also ?? []).map((other) => identifierFlag('--also', other));
  const leaving: [string, ...string[]] = [first, ...new Set(also.filter((other) => other !== first))];
  const reading = await trustReading(flags.trust ?? [], flags.state, io);
  const { departure, refused } = await readDeparture(leaving, reading, io.clock.now());
  for (const reason of refused) io.note(`note: a trust file was not used: ${reason}`);
  if (!departure.decided) io.exit('undecided');
  if (flags.json) return productJson(io, departureJson(departure));
  io.product(describeDeparture(departure));
}
