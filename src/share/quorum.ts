import { copySecret, wipe } from '../base/bytes.ts';
import { BreakglassError, isBreakglassError } from '../base/errors.ts';
import { custodianLabels, type Trust } from '../trust/trust-file.ts';
import { parseShare } from './card.ts';
import { combineShares } from './combine.ts';
import { identifyShare } from './identify.ts';
import { shareRefusal } from './refusal.ts';
import { type Share, wipeShare } from './share.ts';
import { findSlip, type Slip, slipRefusal } from './slip.ts';

/** A custodian who has given a share that counts. */
export interface GivenShare {
  readonly label: string;
  readonly index: number;
}

export interface AcceptedShare extends GivenShare {
  /** How many shares are still needed. */
  readonly missing: number;
}

/** What became of a share: it counts, or it is refused by name, perhaps with the slip that explains it. */
export type Offer =
  | { readonly accepted: AcceptedShare }
  | { readonly refused: BreakglassError; readonly slip: Slip | undefined };

export interface QuorumOptions {
  readonly trust: Trust;
  /** The threshold, or more where the policy wants more shares. */
  readonly needed: number;
  /** The custodian whose share does not count because the token is for them. */
  readonly separated: string | null;
}

/**
 * Collects shares of the active set until enough have been given. A refusal costs nothing but the share refused. It guards
 * that every share inside is proved, of one set, and of a custodian of its own; `wipe` ends it.
 */
export class Quorum {
  readonly #trust: Trust;
  #needed: number;
  readonly #least: number;
  readonly #separated: string | null;
  readonly #held: (GivenShare & { readonly share: Share })[] = [];
  readonly #shown: Slip[] = [];

  constructor({ trust, needed, separated }: QuorumOptions) {
    const counted = custodianLabels(trust.set).filter((label) => label !== separated);
    if (!Number.isInteger(needed) || needed < trust.set.threshold || needed > counted.length)
      throw new TypeError('a quorum needs at least the threshold and at most every custodian that counts');
    this.#trust = trust;
    this.#needed = needed;
    this.#least = needed;
    this.#separated = separated;
  }

  /** Takes a share as typed, scanned or read from a file; `typed` stays the caller's to wipe. */
  offer(typed: Uint8Array): Offer {
    try {
      return this.#admit(parseShare(typed));
    } catch (error) {
      if (!isBreakglassError(error)) throw error;
      return this.#explain(typed, error);
    }
  }

  /** Takes the share of a slip: the person compared what was shown with the card and agreed. */
  accept(slip: Slip): Offer {
    try {
      return this.#admit({ ...slip.share, value: copySecret(slip.share.value) });
    } catch (error) {
      if (!isBreakglassError(error)) throw error;
      return { refused: error, slip: undefined };
    }
  }

  /** Who has given a share, in that order. */
  get given(): readonly GivenShare[] {
    return this.#held.map(({ label, index }) => ({ label, index }));
  }

  get missing(): number {
    return Math.max(0, this.#needed - this.#held.length);
  }

  get complete(): boolean {
    return this.missing === 0;
  }

  /** Asks for one share more, if anybody is left whose share would count. */
  needOneMore(): void {
    if (this.waitingFor.length > 0) this.#needed = this.#held.length + 1;
  }

  /** Goes on with what was given, if that was enough before one more was asked for. */
  contentWithGiven(): void {
    this.#needed = Math.max(this.#least, Math.min(this.#needed, this.#held.length));
  }

  /** The custodians whose share would still count. */
  get waitingFor(): readonly string[] {
    return custodianLabels(this.#trust.set).filter((label) => label !== this.#separated && !this.#hasGiven(label));
  }

  /** Rebuilds the seed from all given shares, lends it to `use`, and wipes it. Throws `SHARE_TOO_FEW` before it is complete. */
  async withSeed<T>(use: (seed: Uint8Array) => Promise<T>): Promise<T> {
    if (!this.complete) throw this.#tooFew();
    const seed = await combineShares(this.#held.map(({ share }) => share));
    try {
      return await use(seed);
    } finally {
      wipe(seed);
    }
  }

  /** Forgets every share that it holds or has shown the correction of. */
  wipe(): void {
    for (const { share } of [...this.#held.splice(0), ...this.#shown.splice(0)]) wipeShare(share);
  }

  /** Owns `share`: keeps it, or wipes it and throws. */
  #admit(share: Share): Offer {
    try {
      const label = this.#check(share);
      this.#held.push({ label, index: share.index, share });
      return { accepted: { label, index: share.index, missing: this.missing } };
    } catch (error) {
      wipeShare(share);
      throw error;
    }
  }

  #check(share: Share): string {
    const { label } = identifyShare(share, this.#trust);
    if (label === this.#separated) throw notCounted(label);
    if (this.#hasGiven(label)) throw duplicate(label);
    return label;
  }

  #explain(typed: Uint8Array, refusal: BreakglassError): Offer {
    const slip = isSlipCode(refusal) ? findSlip(typed, this.#trust.payload.sets) : undefined;
    if (!slip) return { refused: refusal, slip: undefined };
    this.#shown.push(slip);
    try {
      this.#check(slip.share);
      return { refused: slipRefusal(slip), slip };
    } catch (error) {
      // The card that was meant would not count either: better said now than after a correction.
      if (!isBreakglassError(error)) throw error;
      return { refused: error, slip: undefined };
    }
  }

  #hasGiven(label: string): boolean {
    return this.#held.some((given) => given.label === label);
  }

  #tooFew(): BreakglassError {
    return new BreakglassError(
      'SHARE_TOO_FEW',
      `${this.#held.length} of ${this.#needed} shares were given, ${this.missing} more ${this.missing === 1 ? 'is' : 'are'} needed`,
      { hint: 'have more custodians enter their shares. The key was not rebuilt and nothing was signed.' },
    );
  }
}

/** What a slip looks like before it is found; the other refusals are of a card that was entered right. */
function isSlipCode({ code }: BreakglassError): boolean {
  return (
    code === 'SHARE_CHECKSUM' ||
    code === 'SHARE_LENGTH' ||
    code === 'SHARE_WORD_UNKNOWN' ||
    code === 'SHARE_NOT_A_SHARE'
  );
}

function duplicate(label: string): BreakglassError {
  return shareRefusal(
    'SHARE_DUPLICATE',
    `the share of ${label} was given before`,
    'have another custodian enter their share',
  );
}

function notCounted(label: string): BreakglassError {
  return shareRefusal(
    'SHARE_NOT_COUNTED',
    `the share of ${label} does not count: the token is for ${label}, and with separation the responder's own share is left out`,
    'have another custodian enter their share',
  );
}
