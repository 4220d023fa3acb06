import { BreakglassError } from '../base/errors.ts';
import { type RandomBytes, randomId } from '../base/random.ts';
import { ed25519JwkOf } from '../key/derive.ts';
import type { HighWater, State } from '../machine/state.ts';
import { appendFile } from '../medium/append.ts';
import type { OpenMedium } from '../medium/medium.ts';
import { type Request, requestFingerprint } from '../trust/request.ts';
import { openTrust, type Trust } from '../trust/trust-file.ts';
import type { OpenTrail } from './open-trail.ts';
import type { CeremonyMembers, CeremonySigning, TrailHead } from './trail-writer.ts';
import { trustFilesFor } from './trust-files.ts';

/** Every copy of the trail is gone; the quorum of this ceremony begins it anew behind `after` (docs/format.md §9, restart). */
export interface LostTrail {
  readonly after: TrailHead;
  /** What the record says about where `after` comes from. */
  readonly anchor: string;
  /** Writes what waited, once the restart is on the record. */
  writeWaiting(): Promise<unknown>;
}

/** The place behind which a lost trail goes on. Throws `TRAIL_MISSING` when nothing remembers one. */
export function placeAfterLoss(highWater: HighWater | null): TrailHead {
  if (highWater) return highWater;
  throw new BreakglassError(
    'TRAIL_MISSING',
    'no medium and no local copy holds a record of the trail, and this machine remembers none',
    {
      hint: 'plug in a stick that was used before, or the state directory of the machine that was. Nobody was asked for a share and no token was issued.',
    },
  );
}

/** Puts the trust files on media that lost everything, so that what follows can be checked. */
export async function restoreTrustFiles(state: State, media: readonly OpenMedium[]): Promise<void> {
  const recorder = ed25519JwkOf(await state.recorder());
  for (const bytes of state.trustFiles()) {
    for (const [name, content] of trustFilesFor(openTrust(bytes), recorder)) {
      for (const medium of media) appendFile(medium, name, content);
      state.appendLocal(name, content);
    }
  }
}

type QuorumMembers = Pick<
  Extract<CeremonyMembers, { readonly type: 'restart' }>,
  'custodians' | 'm' | 'n' | 'media' | 'preflight'
>;

/** The quorum's word that the trail begins anew: a record of its own, before the one that it met for. */
export async function appendRestart(
  trail: OpenTrail,
  lost: LostTrail,
  ceremony: {
    readonly request: Request;
    readonly trust: Trust;
    readonly quorum: QuorumMembers;
    readonly signing: CeremonySigning;
  },
  random: RandomBytes,
): Promise<void> {
  const { trust, quorum, signing } = ceremony;
  const request = restartRequest(ceremony.request, random);
  await trail.writer.appendCeremony(
    {
      type: 'restart',
      request,
      requestSha256: requestFingerprint(request).sha256,
      ...quorum,
      trust: { version: trust.payload.version, sha256: trust.sha256 },
      anchor: lost.anchor,
    },
    signing,
  );
  await lost.writeWaiting();
}

/** Nobody brings a request for a loss that shows at the table: the custodians confirmed it as an anomaly. */
function restartRequest(request: Request, random: RandomBytes): Request {
  return {
    ...request,
    kind: 'restart',
    id: randomId(random),
    subject: null,
    role: null,
    circumstance: null,
    reason: 'every copy of the trail is lost: it begins anew, in the same ceremony as the request of this incident',
    lifetimeSeconds: null,
    durationSeconds: null,
    holder: null,
    recipient: null,
  };
}
