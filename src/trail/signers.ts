import type { KeyObject } from 'node:crypto';
import { isBreakglassError } from '../base/errors.ts';
import type { Ed25519Jwk } from '../base/schema.ts';
import { loadPublicKey } from '../key/public.ts';
import { activeKey, type Trust } from '../trust/trust-file.ts';
import { isCeremonyRecord, type RecordOf } from './record.ts';
import type { RecordFile } from './record-file.ts';
import type { TrustHistory } from './trust-history.ts';

/** Whose signature a record must bear: a key, one that is not known (yet), or a refusal because of who signed it. */
export type SignerJudgement =
  | { readonly key: KeyObject }
  | { readonly unknown: 'recorder' | 'trust' }
  | { readonly refusal: string };

/** Who may sign what (docs/format.md §3): the trail key of the trust in force, and the recorders that ceremonies named. */
export class Signers {
  readonly #history: TrustHistory;
  #trust: Trust | 'not begun' | 'lost' = 'not begun';
  readonly #trailKids: ReadonlySet<string>;
  readonly #recorders = new Map<string, KeyObject>();
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
      const key = this.#recorders.get(kid);
      return key ? { key } : { unknown: 'recorder' };
    }
    if (this.#trust === 'not begun') this.#guess(kid);
    const trust = record.type === 'restart' ? this.#named(record) : this.trust;
    if (!trust)
      return this.#trust === 'lost' ? { unknown: 'trust' } : { refusal: 'no trail key of this trust signed it' };
    const { public: trail } = activeKey(trust, 'trail');
    if (kid === trail.kid) return { key: trail.key };
    return { refusal: `the trail key of trust version ${trust.payload.version} must sign it, and another key did` };
  }

  /** A restart is judged under the version that it names, which comes into force when its signature is right. */
  #named({ trust }: RecordOf<'restart'>): Trust | undefined {
    return this.#history.find(trust.version, trust.sha256);
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
      const { kid, key } = loadPublicKey(jwk, 'recorder');
      this.#recorders.set(kid, key);
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
    return trail?.kid === kid ? trail.key : this.#recorders.get(kid);
  }

  recorders(): ReadonlySet<string> {
    return new Set(this.#recorders.keys());
  }
}
