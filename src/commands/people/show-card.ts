import { wipe } from '../../base/bytes.ts';
import { type BreakglassError, errorExits, isBreakglassError } from '../../base/errors.ts';
import type { DealtCard } from '../../ceremony/dealer.ts';
import { isShare } from '../../share/card.ts';
import { wipeShare } from '../../share/share.ts';
import { findSlip, slipRefusal } from '../../share/slip.ts';
import { formatShareText } from '../../share/text-form.ts';
import { formatShareWords } from '../../share/words-form.ts';
import { awaitEnter, confirmKey } from '../../terminal/prompts.ts';
import { renderQr } from '../../terminal/qr.ts';
import { cardPages } from '../../terminal/screen.ts';
import { askShare } from '../../terminal/share-prompt.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { type Trust, trustFingerprint } from '../../trust/trust-file.ts';
import { checkReadBack } from './card-dealer.ts';

/**
 * Shows one card to its custodian, alone at the screen, and has it read back by typing. The screen is cleared before and after.
 */
export async function showCard(
  card: DealtCard,
  trust: Trust,
  terminal: Terminal,
  readBack: 'asked' | 'left-out',
): Promise<'read-back' | 'not-read-back'> {
  try {
    terminal.clear();
    await awaitEnter(
      terminal,
      `Card ${card.number} of ${card.count}: ${card.custodian} comes to the screen, alone. Press Enter.`,
    );
    await showPages(card, trust, terminal);
    if (readBack === 'left-out') return 'not-read-back';
    await readCardBack(card, trust, terminal);
    return 'read-back';
  } finally {
    terminal.clear();
  }
}

async function showPages(card: DealtCard, trust: Trust, terminal: Terminal): Promise<void> {
  const text = formatShareText(card.share);
  const pages = cardPages(
    {
      custodian: card.custodian,
      words: formatShareWords(card.share),
      text,
      qr: renderQr(text.toUpperCase()),
      trustName: trust.payload.name,
      trustFingerprintWords: trustFingerprint(trust).words,
      setId: card.share.setId,
      index: card.share.index,
      threshold: card.share.threshold,
      count: card.count,
    },
    terminal,
  );
  for (const [position, page] of pages.entries()) {
    terminal.clear();
    terminal.write(`${page}\n`);
    const last = position === pages.length - 1;
    await awaitEnter(
      terminal,
      last
        ? 'Copy the words to your card. Press Enter when they stand there.'
        : 'Copy the words to your card. Enter: next page.',
    );
  }
}

async function readCardBack(card: DealtCard, trust: Trust, terminal: Terminal): Promise<void> {
  let status: string[] = [];
  for (;;) {
    terminal.clear();
    const entry = await askShare(terminal, {
      heading: [`${card.custodian}, read your card back: type its words.`],
      status,
      cardWords: card.share.strength === 128 ? 17 : 29,
      deadline: null,
      fits: isShare,
    });
    if (entry.kind === 'file') {
      status = ['Type the words of the card; this one is not in a file.'];
      continue;
    }
    try {
      checkReadBack(entry.bytes, card.share, trust, `the card of ${card.custodian}`);
      return;
    } catch (error) {
      if (!isBreakglassError(error) || errorExits[error.code] === 'aborted') throw error;
      const why = explain(error, entry.bytes, trust);
      terminal.write(`${why}.\n`);
      if (await confirmKey(terminal, 'Show the card once more?')) await showPages(card, trust, terminal);
      status = [`Refused: ${why}.`];
    } finally {
      wipe(entry.bytes);
    }
  }
}

/** The slip is named with what the card should say: this screen is its custodian's alone. */
function explain(error: BreakglassError, typed: Uint8Array, trust: Trust): string {
  const slip = findSlip(typed, trust.payload.sets);
  if (!slip) return error.message;
  wipeShare(slip.share);
  return `${slipRefusal(slip).message}. It is: ${slip.meant}`;
}
