import type { DurableReceipt } from '../medium/commit.ts';

declare const held: unique symbol;

/** Signed tokens that nobody can read: their text comes out only for the receipt of the record that issues them (P1). */
export interface HeldTokens {
  readonly [held]: true;
}

interface Held {
  readonly tokens: readonly string[];
  readonly seq: number;
}

const vault = new WeakMap<HeldTokens, Held>();

/** Takes signed tokens in; `seq` is the place of the record that will issue them. */
export function holdTokens(tokens: readonly string[], seq: number): HeldTokens {
  const key = Object.freeze({}) as HeldTokens;
  vault.set(key, { tokens, seq });
  return key;
}

/** Gives the tokens out, once their record is durable on enough media. */
export function releaseTokens(key: HeldTokens, receipt: DurableReceipt): readonly string[] {
  const found = vault.get(key);
  if (!found || receipt.seq !== found.seq)
    throw new TypeError('the receipt is not of the record that issues these tokens');
  vault.delete(key);
  return found.tokens;
}
