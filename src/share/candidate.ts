import { secretBytes, wipe } from '../base/bytes.ts';
import { bitsAt } from '../base/words.ts';
import type { ShareSet } from '../trust/trust-schema.ts';
import { committedCustodian } from './commitment.ts';
import { isSpelling, type ShareForm } from './form.ts';
import {
  copyPacked,
  readFields,
  type Share,
  type ShareLayout,
  type Strength,
  setHead,
  shareChecksum,
  shareLayouts,
  wipeShare,
} from './share.ts';

/** Proves cards of one form and strength by the thousand, in two buffers that `wipe` clears. */
export class CandidateProver {
  readonly #form: ShareForm;
  readonly #layout: ShareLayout;
  readonly #setByHead: ReadonlyMap<number, ShareSet>;
  readonly #bits: Uint8Array;
  readonly #packed: Uint8Array;

  constructor(form: ShareForm, strength: Strength, sets: readonly ShareSet[]) {
    this.#form = form;
    this.#layout = shareLayouts[strength];
    this.#setByHead = new Map(sets.filter((set) => set.strength === strength).map((set) => [setHead(set), set]));
    this.#bits = secretBytes(this.#layout.bitsLength);
    this.#packed = secretBytes(this.#layout.packedLength);
  }

  /** The share if `symbols` are the card of one that was dealt: the cheap tests first, the commitment decides. */
  prove(symbols: Uint16Array): Share | undefined {
    this.#form.join(symbols, this.#bits);
    const set = this.#setByHead.get(bitsAt(this.#bits, 0, 28));
    if (!set || !this.#hasIndexOf(set) || !this.#hasChecksum()) return undefined;
    const share = readFields(this.#bits, this.#layout);
    if (committedCustodian(share, set) !== undefined && isSpelling(this.#form, symbols, share)) return share;
    wipeShare(share);
    return undefined;
  }

  wipe(): void {
    wipe(this.#bits, this.#packed);
  }

  #hasIndexOf(set: ShareSet): boolean {
    const index = bitsAt(this.#bits, 28, 8);
    return set.shares.some((share) => share.index === index);
  }

  #hasChecksum(): boolean {
    const { fieldBits, checksumBits } = this.#layout;
    copyPacked(this.#bits, this.#layout, this.#packed);
    return shareChecksum(this.#packed, checksumBits) === bitsAt(this.#bits, fieldBits, checksumBits);
  }
}
