import { type BreakglassError, isBreakglassError } from '../base/errors.ts';
import { openSymbols, type ShareForm, unknownSymbol } from './form.ts';
import { shareRefusal } from './refusal.ts';
import { type Share, wipeShare } from './share.ts';
import { hasTextPrefix, textForm } from './text-form.ts';
import { wordsForm } from './words-form.ts';

/** What was entered, read as one of the two forms; `symbols` are secret. */
export interface CardReading {
  readonly form: ShareForm;
  readonly symbols: Uint16Array;
}

/** No card in either form, with all its numbering, is longer than this. */
const typedMaxBytes = 4096;

/**
 * The share that was typed, pasted, scanned or read from a share file, as ASCII, in either form. `typed` stays the caller's to
 * wipe. Throws `SHARE_NOT_A_SHARE`, `SHARE_LENGTH`, `SHARE_WORD_UNKNOWN`, `SHARE_CHECKSUM`, `SHARE_INDEX_ZERO` or
 * `FORMAT_NEWER`; no message holds any part of it.
 */
export function parseShare(typed: Uint8Array): Share {
  const reading = readCard(typed);
  if (!reading) throw notAShare();
  try {
    return openSymbols(reading.form, reading.symbols);
  } finally {
    reading.symbols.fill(0);
  }
}

/** True if `typed` is a whole share in either form, whosever it is. */
export function isShare(typed: Uint8Array): boolean {
  try {
    wipeShare(parseShare(typed));
    return true;
  } catch (error) {
    if (isBreakglassError(error)) return false;
    throw error;
  }
}

/** Which form it is, and its symbols; undefined for what is no share, not even with a slip. The caller wipes the symbols. */
export function readCard(typed: Uint8Array): CardReading | undefined {
  if (typed.length > typedMaxBytes) return undefined;
  const asText = { form: textForm, symbols: textForm.read(typed) };
  if (hasTextPrefix(asText.symbols)) return asText;
  const asWords = { form: wordsForm, symbols: wordsForm.read(typed) };
  if (isMostlyWords(asWords.symbols)) return kept(asWords, asText);
  if (isAlmostText(asText.symbols)) return kept(asText, asWords);
  asText.symbols.fill(0);
  asWords.symbols.fill(0);
  return undefined;
}

function kept(chosen: CardReading, other: CardReading): CardReading {
  other.symbols.fill(0);
  return chosen;
}

function isMostlyWords(symbols: Uint16Array): boolean {
  return symbols.length > 0 && unknownCount(symbols) * 2 <= symbols.length;
}

/** A slip in the prefix must not hide that it is a card. */
function isAlmostText(symbols: Uint16Array): boolean {
  const isNear = Object.values(textForm.lengths).some((length) => Math.abs(symbols.length - length) <= 1);
  return isNear && unknownCount(symbols) <= 1;
}

function unknownCount(symbols: Uint16Array): number {
  return symbols.filter((symbol) => symbol === unknownSymbol).length;
}

function notAShare(): BreakglassError {
  return shareRefusal(
    'SHARE_NOT_A_SHARE',
    'what was entered is not a share',
    'enter the 17 or 29 words of a card, or its text that begins with bg1',
  );
}
