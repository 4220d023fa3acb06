import type { Seconds } from '../base/time.ts';
import { isIssuance, type RecordOf, type TrailRecord } from './record.ts';

/** What of each kind is remembered; the oldest is forgotten first, so that a hostile trail cannot fill the memory. */
const kept = 4096;

/** When a card was last seen to be good. */
export interface CardSeen {
  readonly time: string;
  readonly by: 'checked' | 'ceremony';
}

/** The token of a person that is valid longest. */
export interface LongestToken {
  readonly exp: Seconds;
  readonly epoch: number;
}

/** What a trail tells about drills, cards, media and people: what somebody must see to. Times are those of the records. */
export interface Upkeep {
  /** When the trust was made; null when genesis is not there. */
  readonly genesis: string | null;
  readonly lastDrill: string | null;
  /** The newest policy record, or genesis. */
  readonly lastPolicy: string | null;
  /** Since when each set of shares was the active one. */
  readonly sets: ReadonlyMap<string, string>;
  cardSeen(setId: string, index: number): CardSeen | undefined;
  /** Media by id that the trail names and that were not reported lost since. */
  readonly media: ReadonlyMap<string, { readonly label: string; readonly removable: boolean | null }>;
  /** By subject, drills excluded. */
  readonly tokens: ReadonlyMap<string, LongestToken>;
}

/** Gathers it while a trail is read, from records whose signature was right. */
export class UpkeepKeeper implements Upkeep {
  genesis: string | null = null;
  lastDrill: string | null = null;
  lastPolicy: string | null = null;
  readonly sets = new Map<string, string>();
  readonly media = new Map<string, { readonly label: string; readonly removable: boolean | null }>();
  readonly tokens = new Map<string, LongestToken>();
  readonly #cards = new Map<string, CardSeen>();

  cardSeen(setId: string, index: number): CardSeen | undefined {
    return this.#cards.get(`${setId} ${index}`);
  }

  /** `setId` is the active set at the record's place, before what the record itself changes. */
  note(record: TrailRecord, setId: string | undefined): void {
    if (record.type === 'share.checked') {
      if (record.code === null) this.#seen(record.setId, record.index, { time: record.time, by: 'checked' });
    } else if (record.type === 'media.added') this.#addMedium(record);
    else if (record.type === 'media.lost') this.media.delete(record.medium);
    else if (record.type === 'genesis') this.genesis = record.time;
    else if (record.type === 'drill') this.lastDrill = record.time;
    if (record.type === 'genesis' || record.type === 'policy') this.lastPolicy = record.time;
    if ('media' in record) for (const medium of record.media) this.#addMedium(medium);
    if ('custodians' in record && 'm' in record && setId !== undefined)
      for (const { index } of record.custodians) this.#seen(setId, index, { time: record.time, by: 'ceremony' });
    if (isIssuance(record) && record.type === 'mint.issued') this.#addTokens(record);
  }

  /** The active set behind a ceremony record. */
  inForce(setId: string | undefined, time: string): void {
    if (setId !== undefined && !this.sets.has(setId)) remember(this.sets, setId, time);
  }

  #seen(setId: string, index: number, seen: CardSeen): void {
    const key = `${setId} ${index}`;
    const before = this.#cards.get(key);
    if (!before || before.time < seen.time) remember(this.#cards, key, seen);
  }

  #addMedium({ medium, label, removable }: { medium: string; label: string; removable: boolean | null }): void {
    const known = this.media.get(medium);
    if (known?.label === label && known.removable === removable) return;
    remember(this.media, medium, { label, removable });
  }

  #addTokens({ tokens }: RecordOf<'mint.issued'>): void {
    for (const { claims } of tokens) {
      const { sub, exp, breakglass } = claims;
      const before = this.tokens.get(sub);
      if (before && before.epoch >= breakglass.epoch && before.exp >= exp) continue;
      remember(this.tokens, sub, { exp, epoch: breakglass.epoch });
    }
  }
}

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  if (map.size >= kept && !map.has(key)) {
    const [oldest] = map.keys();
    if (oldest !== undefined) map.delete(oldest);
  }
  map.set(key, value);
}
