import { BreakglassError } from '../base/errors.ts';
import { formatTime } from '../base/time.ts';
import { endIfAsked } from '../terminal/signals.ts';
import { type Request, requestFingerprint } from '../trust/request.ts';
import type { Trust } from '../trust/trust-file.ts';
import type { Attempt } from './attempt.ts';
import type { ChangeOptions, ChangePorts } from './change.ts';
import type { Prepared } from './change-prepare.ts';
import { dealCards } from './dealer.ts';
import { clearVoidCards, writeDealing } from './dealing.ts';
import type { Met } from './meet.ts';
import type { OpenTrail } from './open-trail.ts';
import type { CeremonySigning, RecorderMembers } from './trail-writer.ts';

/** Step 11 of a change: what is dealt is on the record first, and a dealing that ends early leaves nothing that counts. */
export async function dealNewCards(
  { state, setId, change }: ChangeOptions,
  { dealer, clock, signals, note }: ChangePorts,
  attempt: Attempt,
  made: {
    readonly prepared: Prepared;
    readonly met: Met;
    readonly signing: CeremonySigning;
    readonly request: Request;
  },
): Promise<void> {
  const { prepared, met, signing, request } = made;
  const { deal, trust: next } = prepared;
  if (deal && change.kind === 'rotate.shares') {
    const { set } = deal;
    await attempt.trail?.writer.appendCeremony(
      {
        type: 'rotate.begun',
        request,
        requestSha256: requestFingerprint(request).sha256,
        ...met.members,
        setId: set.setId,
        nonce: set.nonce,
        threshold: set.threshold,
        strength: set.strength,
        commitments: set.shares,
      },
      signing,
    );
  }
  attempt.stage = 'dealing';
  const dealing = { v: 1 as const, startedAt: formatTime(clock.now()), setId, shareFiles: [...dealer.shareFiles] };
  writeDealing(state.dir, dealing);
  try {
    await dealer.begin();
    if (deal && next) await dealCards(deal, next, dealer, signals);
    // The last moment at which a signal undoes it.
    await endIfAsked(signals);
  } catch (error) {
    dealer.undo();
    clearVoidCards(state.dir, dealing);
    if (deal)
      note(`cards of set ${setId} that were copied already are void: destroy them. The old cards are the cards.`);
    throw error;
  }
}

/** Attested after everything else: an old card that is still needed would have been destroyed too early. */
export async function recordDestroyed(
  { change }: ChangeOptions,
  ports: ChangePorts,
  trail: OpenTrail,
  before: Trust,
): Promise<void> {
  if (!('deal' in change)) return;
  const { set } = before;
  const attested = await ports.destroyed(set.shares.map(({ custodian }) => custodian));
  for (const { custodian, index } of set.shares.filter((share) => attested.includes(share.custodian))) {
    const members: RecorderMembers = { type: 'share.checked', custodian, setId: set.setId, index, code: 'DESTROYED' };
    try {
      await trail.writer.appendRecorder(members);
    } catch (error) {
      if (!(error instanceof BreakglassError)) throw error;
      ports.note(`breakglass: that the old card of ${custodian} was destroyed is not on the record: ${error.message}`);
    }
  }
}
