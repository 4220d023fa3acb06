import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { wipe } from '../../base/bytes.ts';
import { BreakglassError } from '../../base/errors.ts';
import type { Dealer, DealtCard } from '../../ceremony/dealer.ts';
import { readInput, writeExclusive } from '../../machine/files.ts';
import { openWithPassphrase, sealWithPassphrase } from '../../machine/sealed.ts';
import { parseShare } from '../../share/card.ts';
import { identifyShare } from '../../share/identify.ts';
import type { Share } from '../../share/share.ts';
import { wipeShare } from '../../share/share.ts';
import { formatShareText } from '../../share/text-form.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import type { Trust } from '../../trust/trust-file.ts';
import type { PassphraseSource } from './share-files.ts';
import { showCard } from './show-card.ts';

export interface DealerOptions {
  /** Custodians whose share is written to their own stick instead of shown. */
  readonly cardDirs: ReadonlyMap<string, string>;
  readonly readBack: 'asked' | 'left-out';
  readonly terminal: Terminal | undefined;
  /** Stands in the file names before `.share`: cards of two sets may lie on one stick. */
  readonly nameTag?: string;
  /** An empty passphrase leaves the file plain. */
  readonly passphrases: PassphraseSource;
}

/** Throws `NOT_FOUND` before anybody is asked for anything: a stick that is not there would end the dealing in its middle. */
export function requireCardDirs(cardDirs: ReadonlyMap<string, string>): void {
  for (const [label, dir] of cardDirs) {
    if (statSync(dir, { throwIfNoEntry: false })?.isDirectory()) continue;
    throw new BreakglassError('NOT_FOUND', `there is no folder ${dir} for the card of ${label}`, {
      hint: 'plug the stick in and mount it, or name another folder. Nothing was dealt and nothing was changed.',
    });
  }
}

/** Deals each card on the screen or as a file, and has it read back. */
export function cardDealer(options: DealerOptions): Dealer {
  const written: string[] = [];
  return {
    shareFiles: [...options.cardDirs].flatMap(([label, dir]) => [
      shareFile(dir, label, 'plain', options),
      shareFile(dir, label, 'sealed', options),
    ]),
    begin: async () => {},
    deal: async (card, trust) => {
      const dir = options.cardDirs.get(card.custodian);
      if (dir === undefined) return showCard(card, trust, terminalOf(options), options.readBack);
      await writeShareFile(card, dir, trust, options, written);
      return 'read-back';
    },
    undo: () => {
      for (const path of written) rmSync(path, { force: true });
    },
  };
}

/** `LABEL.share`, or `LABEL.share.age` under a passphrase; `LABEL.3f2a1.share` with a tag. */
function shareFile(dir: string, label: string, form: 'plain' | 'sealed', { nameTag }: DealerOptions): string {
  const tag = nameTag === undefined ? '' : `.${nameTag}`;
  return join(dir, `${label.replaceAll('/', '-')}${tag}.share${form === 'sealed' ? '.age' : ''}`);
}

async function writeShareFile(
  card: DealtCard,
  dir: string,
  trust: Trust,
  options: DealerOptions,
  written: string[],
): Promise<void> {
  const passphrase = await options.passphrases(`the share of ${card.custodian}`);
  const form = passphrase && passphrase.length > 0 ? 'sealed' : 'plain';
  const path = shareFile(dir, card.custodian, form, options);
  const text = Buffer.from(`${formatShareText(card.share)}\n`);
  try {
    const bytes = form === 'sealed' && passphrase ? await sealWithPassphrase(text, passphrase) : text;
    writeExclusive(path, bytes, { mode: 0o600 });
    written.push(path);
    await readBackFile(path, card.share, trust, form === 'sealed' ? passphrase : undefined);
  } finally {
    wipe(text);
    if (passphrase) wipe(passphrase);
  }
}

async function readBackFile(
  path: string,
  share: Share,
  trust: Trust,
  passphrase: Uint8Array | undefined,
): Promise<void> {
  const bytes = readInput(path, { what: 'the share file', maxBytes: 64 * 1024 });
  const text = passphrase ? await openWithPassphrase(bytes, passphrase) : bytes;
  try {
    checkReadBack(text, share, trust, path);
  } finally {
    wipe(text);
  }
}

/** Throws unless `typed` is the card that was dealt, by the trust file's commitment and by its index. */
export function checkReadBack(typed: Uint8Array, share: Share, trust: Trust, what: string): void {
  const read = parseShare(typed);
  try {
    const { index } = identifyShare(read, trust);
    if (index === share.index) return;
  } finally {
    wipeShare(read);
  }
  throw new BreakglassError('SHARE_NOT_READ_BACK', `${what} reads back as another card`, {
    hint: 'every card goes to its own custodian: read back the one that was just dealt.',
  });
}

function terminalOf({ terminal }: DealerOptions): Terminal {
  if (!terminal) throw new TypeError('missing --card-dir was refused before');
  return terminal;
}
