import { wipe } from '../base/bytes.ts';
import { BreakglassError, errorExits, isBreakglassError } from '../base/errors.ts';
import { recordOrWait } from '../ceremony/recorder-record.ts';
import { openState, type State } from '../machine/state.ts';
import { defaultStateDir } from '../machine/state-dir.ts';
import { isShare, parseShare } from '../share/card.ts';
import { type IdentifiedShare, identifyShare, provenShare } from '../share/identify.ts';
import { wipeShare } from '../share/share.ts';
import { findSlip, slipRefusal } from '../share/slip.ts';
import { askShare } from '../terminal/share-prompt.ts';
import { openTerminal, type Terminal } from '../terminal/terminal.ts';
import type { Trust } from '../trust/trust-file.ts';
import { requireFlags } from './flags.ts';
import type { CommandIo } from './io.ts';
import { loadTrust } from './load-trust.ts';
import { noteRecorded, openMachineState, recordedJson, withMachineTrail } from './machine-trail.ts';
import { passphraseSource } from './people/passphrases.ts';
import { readShareFile } from './people/share-files.ts';
import type { ShareFlags } from './share.ts';

/** What came of a card: why it was refused, and whose a commitment proves it to be. */
interface Checked {
  readonly refusal: BreakglassError | null;
  readonly proven: IdentifiedShare | undefined;
}

/** `share check`: one card in, whether it is good and whose it is out; with `--record` on the trail too. */
export async function runShareCheck(flags: ShareFlags, io: CommandIo, json: (value: object) => void): Promise<void> {
  const terminal = await openTerminal();
  try {
    if (!terminal) requireFlags('share check', { '--share': flags.share });
    const state = flags.record ? openMachineState(flags, io) : undefined;
    const trust = await trustOf(flags, state, io);
    const typed = await readCard(flags, trust, terminal);
    let checked: Checked;
    try {
      checked = checkCard(typed, trust, terminal);
    } finally {
      wipe(typed);
    }
    await tell(checked, trust, state, flags, io, json);
  } finally {
    terminal?.close();
  }
}

async function trustOf(flags: ShareFlags, state: State | undefined, io: CommandIo): Promise<Trust> {
  if (state && flags.trust === undefined) return state.trust;
  const trust = await loadOrOwn(flags, io);
  if (!state || trust.id === state.trust.id) return trust;
  throw new BreakglassError(
    'TRUST_OTHER',
    'the trust file is of another trust than this machine, so nothing could be recorded',
    {
      hint: 'leave out --record, or name the state directory of that trust with --state. Nothing was checked.',
    },
  );
}

async function loadOrOwn(flags: ShareFlags, io: CommandIo): Promise<Trust> {
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

function checkCard(typed: Uint8Array, trust: Trust, terminal: Terminal | undefined): Checked {
  let proven: IdentifiedShare | undefined;
  try {
    const share = parseShare(typed);
    try {
      proven = provenShare(share, trust.payload.sets);
      identifyShare(share, trust);
      return { refusal: null, proven };
    } finally {
      wipeShare(share);
    }
  } catch (error) {
    if (!isBreakglassError(error)) throw error;
    return refusalOf(error, proven, typed, trust, terminal);
  }
}

/** The meant word is shown on the terminal only; everything else gets the position. */
function refusalOf(
  error: BreakglassError,
  proven: IdentifiedShare | undefined,
  typed: Uint8Array,
  trust: Trust,
  terminal: Terminal | undefined,
): Checked {
  const slip = findSlip(typed, trust.payload.sets);
  if (!slip) return { refusal: error, proven };
  try {
    if (terminal) terminal.write(`The card says: ${slip.meant}\n`);
    return { refusal: slipRefusal(slip), proven: provenShare(slip.share, trust.payload.sets) };
  } finally {
    wipeShare(slip.share);
  }
}

async function tell(
  { refusal, proven }: Checked,
  trust: Trust,
  state: State | undefined,
  flags: ShareFlags,
  io: CommandIo,
  json: (value: object) => void,
): Promise<void> {
  if (refusal) {
    io.exit(errorExits[refusal.code]);
    io.note(`breakglass: ${refusal.message}`);
    io.note(`hint: ${refusal.hint}`);
  }
  const recorded = state && (await record({ refusal, proven }, state, flags, io));
  if (flags.json) return json({ ...outcome(refusal, proven), ...recorded });
  if (refusal || !proven) return;
  const { label, index, set } = proven;
  io.product(`The card is good: share ${index} of ${label}, set ${set.setId} of ${trust.payload.name}.\n`);
}

function outcome(refusal: BreakglassError | null, proven: IdentifiedShare | undefined) {
  if (refusal) {
    const { code, message } = refusal;
    return { ok: false, code, message, label: null, index: null, setId: null };
  }
  return {
    ok: true,
    code: null,
    label: proven?.label ?? null,
    index: proven?.index ?? null,
    setId: proven?.set.setId ?? null,
  };
}

/** Who checked which card, and what came of it; of a card that nobody is proved to have nothing is recorded. */
async function record({ refusal, proven }: Checked, state: State, flags: ShareFlags, io: CommandIo) {
  if (!proven) {
    io.note('Nothing was recorded: no commitment proves whose card this is.');
    return { record: null, waiting: false, media: [], warnings: [] };
  }
  const { label, index, set } = proven;
  const code = refusal?.code ?? null;
  const recorded = await withMachineTrail(state, flags, io, ({ options, ports }) =>
    recordOrWait({ type: 'share.checked', custodian: label, setId: set.setId, index, code }, options, ports),
  );
  noteRecorded(recorded, io);
  return recordedJson(recorded);
}
