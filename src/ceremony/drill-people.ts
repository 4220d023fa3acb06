import { copySecret } from '../base/bytes.ts';
import type { BreakglassError } from '../base/errors.ts';
import { parseShare } from '../share/card.ts';
import { identifyShare } from '../share/identify.ts';
import { wipeShare } from '../share/share.ts';
import { formatShareText } from '../share/text-form.ts';
import type { Dealer } from './dealer.ts';
import type { QuorumPeople } from './people.ts';

/** The cards of a sandbox, in memory: text forms by custodian. */
export type SandboxCards = Map<string, Uint8Array>;

/** Deals to simulated custodians, who read back what they were given. */
export function sandboxDealer(cards: SandboxCards): Dealer {
  return {
    shareFiles: [],
    begin: async () => {},
    deal: async ({ custodian, share }, trust) => {
      const card = copySecret(Buffer.from(formatShareText(share)));
      cards.set(custodian, card);
      const read = parseShare(card);
      identifyShare(read, trust);
      wipeShare(read);
      return 'read-back';
    },
    undo: () => cards.clear(),
  };
}

/** Simulated custodians who come with these cards, one after the other, and confirm everything. */
export function sandboxPeople(cards: readonly Uint8Array[], onRefusal: (error: BreakglassError) => void): QuorumPeople {
  const waiting = [...cards];
  return {
    headCode: async () => null,
    confirmClock: async () => 'sandbox',
    confirmRequest: async () => {},
    nextShare: async () => copySecret(waiting.shift() ?? new Uint8Array(0)),
    refused: async (error) => {
      onRefusal(error);
      if (waiting.length === 0) throw error;
      return 'again';
    },
    accepted: () => {},
    extraShare: async () => (waiting.length > 0 ? 'comes' : 'nobody'),
  };
}
