import type { KeyObject } from 'node:crypto';
import { isBreakglassError } from '../base/errors.ts';
import type { Ed25519Jwk } from '../base/schema.ts';
import { loadPublicKey, type PublicKey } from '../key/public.ts';
import { activeKey, type Trust } from '../trust/trust-file.ts';
import { KeyRing } from './key-ring.ts';
import { isCeremonyRecord } from './record.ts';
import type { RecordFile } from './record-file.ts';
import type { TrustHistory } from './trust-history.ts';

/** Whose signature a record must bear: a key, one that is not known (yet), or a refusal because of who signed it. */
export type SignerJudgement =
  | { readonly ring: KeyRing }
  | { readonly unknown: 'recorder' | 'trust' }
  | { readonly refusal: string };

/** How many signatures are verified at a time, at most: no two of them with the same KeyObject. */
export const verificationsInFlight = 32;

/** Who may sign what (docs/format.md §3): the trail key of the trust in force, and the recorders that ceremonies named. */
export class Signers {
  readonly #history: TrustHistory;
  #trust: Trust | 'not begun' | 'lost' = 'not begun';
  readonly #trailKids: ReadonlySet<string>;
  readonly #recorders = new Map<string, KeyRing>();
  readonly #trailRings = new Map<string, KeyRing>();
  readonly #enrolled = new Set<string>();

  constructor(history: TrustHistory) {
    this.#history = history;
    const trailKeys = history.versions.flatMap((trust) => trust.keys.filter(({ use }) => use === 'trail'));
    this.#trailKids = new Set(trailKeys.map((key) => key.public.kid));
  }

  /** The trust version in force at this place; undefined while it is not known. */
  get trust(): Trust | undefined {
    return typeof this.#trust === 'string' ? undefined : this.#trust;
  }

  /** From here on this version is in force; undefined: a version that is not at hand. */
  enter(trust: Trust | undefined): void {
    this.#trust = trust ?? 'lost';
  }

  judge({ record, jws }: RecordFile): SignerJudgement {
    const { kid } = jws.header;
    if (!isCeremonyRecord(record)) {
      if (this.#trailKids.has(kid)) return { refusal: 'a recorder signs this type, not the trail key' };
      if (kid !== record.recorder) return { refusal: 'the key that signed it is not the recorder it names' };
      const ring = this.#recorders.get(kid);
      return ring ? { ring } : { unknown: 'recorder' };
    }
    if (this.#trust === 'not begun') this.#guess(kid);
    const { trust } = this;
    if (!trust)
      return this.#trust === 'lost' ? { unknown: 'trust' } : { refusal: 'no trail key of this trust signed it' };
    const { public: trail } = activeKey(trust, 'trail');
    if (kid === trail.kid) return { ring: this.#trailRing(trail) };
    return { refusal: `the trail key of trust version ${trust.payload.version} must sign it, and another key did` };
  }

  // The beginning is gone or spoilt, which was said: what follows is still worth judging.
  #guess(kid: string): void {
    const trust = this.#history.versions.find((version) => activeKey(version, 'trail').public.kid === kid);
    if (trust) this.#trust = trust;
  }

  /** A ceremony record names this recorder, for the whole trail. `refused`: its key is unfit. */
  enrol(jwk: Ed25519Jwk): 'new' | 'known' | 'refused' {
    if (this.#enrolled.has(jwk.x)) return 'known';
    try {
      const key = loadPublicKey(jwk, 'recorder');
      this.#recorders.set(key.kid, ringOf(key));
      this.#enrolled.add(jwk.x);
      return 'new';
    } catch (error) {
      if (isBreakglassError(error, 'KEY_REFUSED')) return 'refused';
      throw error;
    }
  }

  /** The key of this thumbprint among all that may sign records here, whatever the type. */
  find(kid: string): KeyObject | undefined {
    const trail = this.trust ? activeKey(this.trust, 'trail').public : undefined;
    return trail?.kid === kid ? trail.key : this.#recorders.get(kid)?.next();
  }

  recorders(): ReadonlySet<string> {
    return new Set(this.#recorders.keys());
  }

  #trailRing(key: PublicKey): KeyRing {
    const ring = this.#trailRings.get(key.kid) ?? ringOf(key);
    this.#trailRings.set(key.kid, ring);
    return ring;
  }
}

function ringOf(key: PublicKey): KeyRing {
  return new KeyRing(key, verificationsInFlight + 1);
}
