import type { Deal } from '../share/deal.ts';
import { endIfAsked, type Signals } from '../terminal/signals.ts';
import type { Trust } from '../trust/trust-file.ts';

/** Who hands the shares to their custodians and has them read back. */
export interface Dealer {
  /** Share files that this deal will write, so that an interrupted one can be cleared away. */
  readonly shareFiles: readonly string[];
  /** Called once the journal stands, before the first card: writes the revoker keys. */
  begin(): Promise<void>;
  /** Shows or writes one share and reads it back; resolves with false when the reading back was left out. */
  deal(card: DealtCard, trust: Trust): Promise<'read-back' | 'not-read-back'>;
  /** Takes back the files that were written; cards that were copied by hand are void. */
  undo(): void;
}

export interface DealtCard {
  readonly custodian: string;
  readonly share: Deal['shares'][number]['share'];
  readonly number: number;
  readonly count: number;
}

/**
 * Hands out every card of a deal; resolves with the custodians who read theirs back. Throws `ABORTED` between two cards when a signal
 * has come.
 */
export async function dealCards(deal: Deal, trust: Trust, dealer: Dealer, signals: Signals): Promise<string[]> {
  const readBack: string[] = [];
  for (const [position, { custodian, share }] of deal.shares.entries()) {
    await endIfAsked(signals);
    const outcome = await dealer.deal({ custodian, share, number: position + 1, count: deal.shares.length }, trust);
    if (outcome === 'read-back') readBack.push(custodian);
  }
  return readBack;
}
