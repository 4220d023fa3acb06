import { formatHex, parseHex, sha256 } from '../base/bytes.ts';
import { digestWords, parseWords } from '../base/words.ts';

/** A SHA-256 as people compare it: hex beside BIP-39 words, 11 bits a word. */
export interface Fingerprint {
  readonly sha256: string;
  readonly words: readonly string[];
}

/** 8 words (88 bits): a trust id, or a record's hash as head code. */
export const headWordCount = 8;
/** 12 words (132 bits): a request, where the reader may choose what is hashed. */
export const requestWordCount = 12;
/** How many words of a head code one custodian is asked for. */
export const headPromptWordCount = 3;

export function fingerprintOf(bytes: Uint8Array | string, wordCount: number): Fingerprint {
  return fingerprintOfDigest(formatHex(sha256(bytes)), wordCount);
}

/** `sha256Digest` is 64 lower-case hex digits. */
export function fingerprintOfDigest(sha256Digest: string, wordCount: number): Fingerprint {
  const digest = parseHex(sha256Digest);
  if (digest?.length !== 32) throw new TypeError('not a SHA-256 in hex');
  return { sha256: sha256Digest, words: digestWords(digest, wordCount) };
}

/** True if `typed` holds at least `least` words and they are the first words of the fingerprint. */
export function matchesWords(typed: string, fingerprint: Fingerprint, least = fingerprint.words.length): boolean {
  const typedWords = parseWords(typed);
  if (!typedWords || typedWords.length < least || typedWords.length > fingerprint.words.length) return false;
  return typedWords.every((word, position) => word === fingerprint.words[position]);
}
