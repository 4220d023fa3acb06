import { type GivenShare, Quorum } from '../share/quorum.ts';
import type { PreflightEntry } from '../trail/record.ts';
import type { Request } from '../trust/request.ts';
import type { Trust } from '../trust/trust-file.ts';
import { type Attempt, type CeremonyPorts, enter } from './attempt.ts';
import { gatherExtraShare, gatherShares } from './gather-shares.ts';
import { checkClock, checkHeadCode } from './mint-checks.ts';
import type { OpenTrail } from './open-trail.ts';
import { type PanelText, panelOf } from './panel.ts';
import type { FoundAnomaly, Panel } from './people.ts';

export interface MeetOptions {
  readonly trust: Trust;
  readonly trail: OpenTrail;
  readonly request: Request;
  readonly text: PanelText;
  /** Found before the meeting. */
  readonly anomalies: readonly FoundAnomaly[];
  /** How many shares the ceremony wants: the threshold, or more. */
  readonly needed: number;
  /** The custodian whose share does not count, because the token is for them. */
  readonly separated: string | null;
  /** Why one share more is wanted, if somebody can give it; null: it is not. */
  readonly extraShare: string | null;
  readonly preflight: PreflightEntry;
}

/** A quorum that has met: the seed can be lent from it once, until it is wiped. */
export interface Met {
  readonly shares: Quorum;
  readonly custodians: readonly GivenShare[];
  readonly labels: readonly string[];
  readonly panel: Panel;
  /** Every anomaly that each of them has confirmed. */
  readonly anomalies: readonly FoundAnomaly[];
  /** What a quorum's record says of who met with what. */
  readonly members: QuorumMembers;
}

export interface QuorumMembers {
  readonly custodians: { readonly label: string; readonly index: number }[];
  readonly m: number;
  readonly n: number;
  readonly media: OpenTrail['mediaEntries'][number][];
  readonly preflight: PreflightEntry;
}

/** Steps 6 to 9 of every quorum ceremony: head code, clock, panel, shares. */
export async function meet(options: MeetOptions, ports: CeremonyPorts, attempt: Attempt): Promise<Met> {
  const { trust, trail, request } = options;
  const { clock, people } = ports;
  const anomalies = [...options.anomalies];

  // 6. Head code
  anomalies.push(...(await checkHeadCode(trail, people)));

  // 7. Clock
  await enter('clock', attempt, ports);
  const now = clock.now();
  trail.writer.clockConfirmed(await people.confirmClock(now));
  anomalies.push(...checkClock(trail, now));

  // 8. The panel
  attempt.stage = 'confirmation';
  const panel = panelOf(options.text, trust, request, anomalies);
  await people.confirmRequest(panel);

  // 9. Shares
  attempt.stage = 'shares';
  const shares = new Quorum({ trust, needed: options.needed, separated: options.separated });
  attempt.quorum = shares;
  const cardWords = trust.set.strength === 128 ? 17 : 29;
  await gatherShares(shares, panel, people, cardWords);
  if (options.extraShare !== null)
    anomalies.push(...(await gatherExtraShare(shares, panel, people, { why: options.extraShare, cardWords })));
  const custodians = [...shares.given];
  return {
    shares,
    custodians,
    labels: custodians.map(({ label }) => label),
    panel,
    anomalies,
    members: {
      custodians: custodians.map(({ label, index }) => ({ label, index })),
      m: trust.set.threshold,
      n: trust.set.shares.length,
      media: [...trail.mediaEntries],
      preflight: options.preflight,
    },
  };
}
