import { resolve } from 'node:path';
import { BreakglassError, isBreakglassError } from '../base/errors.ts';
import { publicationNamed } from '../ceremony/publication.ts';
import { publishTrust } from '../ceremony/publish.ts';
import { openTrailSources, stateReading, type TrailReading } from '../ceremony/trail-sources.ts';
import type { State } from '../machine/state.ts';
import { describePublished, publishedJson } from '../report/published.ts';
import { visible } from '../terminal/voice.ts';
import { trustFingerprint } from '../trust/trust-file.ts';
import { type CommandIo, productJson } from './io.ts';
import { openMachineState } from './machine-trail.ts';
import { revocationSources } from './revocation-sources.ts';
import { noteDoubts, trailReading } from './trail-reading.ts';
import type { TrustPublishFlags } from './trust.ts';

/** `trust publish`: what the trail says is in force, to every folder; one that fails stops no other. */
export async function runTrustPublish(dirs: readonly string[], flags: TrustPublishFlags, io: CommandIo): Promise<void> {
  const media = (flags.medium ?? []).map((path) => resolve(path));
  const state = ownState(flags, media, io);
  const reading = await readingOf(state, media, flags, io);
  const publication = await publicationNamed(reading, state, revocationSources(flags.revocations));
  const { trust, doubts, alarms } = publication;
  noteDoubts({ doubts }, io);
  for (const { file, line, message } of alarms)
    io.note(visible(`breakglass: alarm: line ${line} of ${file}: ${message}. It was not published.`));

  const folders = dirs.map((dir) => publishTrust(publication, dir));
  const failed = folders.filter(({ error }) => error !== null);
  if (failed.length > 0) io.exit('media');
  if (flags.json) {
    const { payload, sha256, id } = trust;
    const { words } = trustFingerprint(trust);
    const warnings = doubts.map(({ code, message }) => ({ code, message }));
    const version = { trustId: id, trust: { version: payload.version, sha256, words }, epoch: payload.epoch };
    productJson(io, { ...version, folders: folders.map(publishedJson), alarms, warnings });
  } else io.product(visible(describePublished(trust, folders)));
  for (const { error } of failed) {
    io.note(visible(`breakglass: not published: ${error?.message}`));
    io.note(visible(`hint: ${error?.hint} Then run the same command again.`));
  }
}

/** Undefined where the state of this machine is lost and media stand for it. */
function ownState(flags: TrustPublishFlags, media: readonly string[], io: CommandIo): State | undefined {
  try {
    return openMachineState(flags, io);
  } catch (error) {
    const lost = isBreakglassError(error, 'STATE_MISSING') || isBreakglassError(error, 'STATE_DAMAGED');
    if (!lost) throw error;
    if (media.length === 0)
      throw new BreakglassError(error.code, error.message, {
        hint: 'give --state DIR; or, if it is lost, a medium of the trail: --medium DIR. Nothing was published.',
        cause: error,
      });
    io.note(visible(`${error.message}: going by the media alone. Denials come from --revocations and the folders.`));
    return undefined;
  }
}

async function readingOf(
  state: State | undefined,
  media: readonly string[],
  flags: TrustPublishFlags,
  io: CommandIo,
): Promise<TrailReading> {
  if (!state) return trailReading(media, flags, io);
  const own = await stateReading(state);
  return { ...own, sources: [...own.sources, ...(await openTrailSources(media, state.trust.id))] };
}
