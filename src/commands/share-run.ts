import { wipe } from '../base/bytes.ts';
import { type BreakglassError, errorExits, isBreakglassError } from '../base/errors.ts';
import { openState } from '../machine/state.ts';
import { defaultStateDir } from '../machine/state-dir.ts';
import { isShare, parseShare } from '../share/card.ts';
import { identifyShare } from '../share/identify.ts';
import { wipeShare } from '../share/share.ts';
import { findSlip, slipRefusal } from '../share/slip.ts';
import { askShare } from '../terminal/share-prompt.ts';
import { openTerminal, type Terminal } from '../terminal/terminal.ts';
import type { Trust } from '../trust/trust-file.ts';
import { requireFlags } from './flags.ts';
import type { CommandIo } from './io.ts';
import { loadTrust } from './load-trust.ts';
import { passphraseSource } from './people/passphrases.ts';
import { readShareFile } from './people/share-files.ts';
import type { ShareFlags } from './share.ts';

/** `share check`: one card in, whether it is good and whose it is out. */
export async function runShareCheck(flags: ShareFlags, io: CommandIo, json: (value: object) => void): Promise<void> {
  const terminal = await openTerminal();
  try {
    if (!terminal) requireFlags('share check', { '--share': flags.share });
    const trust = await trustOf(flags, io);
    const typed = await readCard(flags, trust, terminal);
    try {
      report(typed, trust, flags, io, json, terminal);
    } finally {
      wipe(typed);
    }
  } finally {
    terminal?.close();
  }
}

async function trustOf(flags: ShareFlags, io: CommandIo): Promise<Trust> {
  try {
    return await loadTrust(flags.trust, flags.state, io);
  } catch (error) {
    if (!isBreakglassError(error, 'TRUST_MISSING')) throw error;
    return openState(flags.state ?? defaultStateDir(io.env)).trust;
  }
}

async function readCard(flags: ShareFlags, trust: Trust, terminal: Terminal | undefined): Promise<Uint8Array> {
  const passphrases = passphraseSource(flags.passphraseFd, terminal, 'open');
  if (flags.share !== undefined || !terminal) return readShareFile(flags.share ?? '', passphrases);
  const entry = await askShare(terminal, {
    heading: [`One card of ${trust.payload.name}: words, text form, QR code or file.`],
    status: [],
    cardWords: trust.set.strength === 128 ? 17 : 29,
    deadline: null,
    fits: isShare,
  });
  return entry.kind === 'typed' ? entry.bytes : readShareFile(entry.path, passphrases);
}

function report(
  typed: Uint8Array,
  trust: Trust,
  flags: ShareFlags,
  io: CommandIo,
  json: (value: object) => void,
  terminal: Terminal | undefined,
): void {
  try {
    const share = parseShare(typed);
    try {
      const { label, index, set } = identifyShare(share, trust);
      if (flags.json) json({ ok: true, code: null, label, index, setId: set.setId });
      else io.product(`The card is good: share ${index} of ${label}, set ${set.setId} of ${trust.payload.name}.\n`);
    } finally {
      wipeShare(share);
    }
  } catch (error) {
    if (!isBreakglassError(error)) throw error;
    refuse(error, typed, trust, flags, io, json, terminal);
  }
}

/** The meant word is shown on the terminal only; everything else gets the position. */
function refuse(
  error: BreakglassError,
  typed: Uint8Array,
  trust: Trust,
  flags: ShareFlags,
  io: CommandIo,
  json: (value: object) => void,
  terminal: Terminal | undefined,
): void {
  const slip = findSlip(typed, trust.payload.sets);
  if (slip) wipeShare(slip.share);
  if (slip && terminal) terminal.write(`The card says: ${slip.meant}\n`);
  const { code, message, hint } = slip ? slipRefusal(slip) : error;
  io.exit(errorExits[code]);
  if (flags.json) json({ ok: false, code, message, label: null, index: null, setId: null });
  io.note(`breakglass: ${message}`);
  io.note(`hint: ${hint}`);
}
