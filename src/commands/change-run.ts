import { resolve } from 'node:path';
import { formatHex, wipe } from '../base/bytes.ts';
import { BreakglassError } from '../base/errors.ts';
import { type Changed, changeTrust } from '../ceremony/change.ts';
import type { Change } from '../ceremony/change-plan.ts';
import type { Dealer } from '../ceremony/dealer.ts';
import type { FoundAnomaly } from '../ceremony/people.ts';
import { fingerprintOfDigest, headWordCount } from '../key/fingerprint.ts';
import { readDecided } from '../machine/decided.ts';
import { lockState } from '../machine/lock.ts';
import { machinePreflight, preflightEntry } from '../machine/preflight-entry.ts';
import type { State } from '../machine/state.ts';
import { defaultStateDir } from '../machine/state-dir.ts';
import { realHost } from '../medium/real-host.ts';
import { describeChanged } from '../report/changed.ts';
import { publishedJson } from '../report/published.ts';
import { askText } from '../terminal/prompts.ts';
import { holdingSignals, type Signals } from '../terminal/signals.ts';
import { holdingTerminal, openTerminal, type Terminal } from '../terminal/terminal.ts';
import { custodianLabels, type Trust, trustFingerprint } from '../trust/trust-file.ts';
import { openOrRebuildState } from './ceremony-state.ts';
import type { ChangeFlags, DealFlags } from './change-flags.ts';
import { prepareRequest, requestFor } from './change-request.ts';
import { identifierFlag, pairFlag, requireFlags } from './flags.ts';
import { type CommandIo, productJson } from './io.ts';
import { cardDealer, requireCardDirs } from './people/card-dealer.ts';
import { passphraseSource } from './people/passphrases.ts';
import { passphrasesOf, peopleOf } from './people/quorum-people.ts';
import { type NewRevoker, withRevokers } from './people/revoker-keys.ts';
import type { PassphraseSource } from './people/share-files.ts';
import { reviewSources, revocationSources } from './revocation-sources.ts';

export interface ChangeCommand {
  /** As people type it: `rotate shares`. */
  readonly command: string;
  /** What the flags ask for, under the trust of this machine; the keys of new revokers are wiped afterwards. */
  plan(state: State): Promise<{ readonly change: Change; readonly revokers: readonly NewRevoker[] }>;
}

/** A change ceremony: flags and questions in, text or JSON out. */
export async function runChange(
  flags: ChangeFlags & DealFlags,
  io: CommandIo,
  { command, plan }: ChangeCommand,
): Promise<void> {
  const terminal = flags.confirm === undefined ? await openTerminal() : undefined;
  try {
    const stateDir = resolve(flags.state ?? defaultStateDir(io.env));
    const { state, anomalies } = await openOrRebuildState(stateDir, flags, io);
    const lock = lockState(stateDir);
    try {
      const planned = await plan(state);
      try {
        if (flags.prepare !== undefined)
          return await prepareRequest(flags.prepare, planned.change, state, flags, terminal, io);
        const finishing = typeof readDecided(stateDir) === 'object';
        if (!terminal && !finishing) requireAllFlags(command, flags, planned.change);
        const held = hold(planned, { state, anomalies, flags, terminal, io });
        show(await held, flags, io);
      } finally {
        wipe(...planned.revokers.map(({ key }) => key.pkcs8));
      }
    } finally {
      lock.release();
    }
  } finally {
    terminal?.close();
  }
}

interface Run {
  readonly state: State;
  readonly anomalies: readonly FoundAnomaly[];
  readonly flags: ChangeFlags & DealFlags;
  readonly terminal: Terminal | undefined;
  readonly io: CommandIo;
}

async function hold(
  { change, revokers }: { readonly change: Change; readonly revokers: readonly NewRevoker[] },
  run: Run,
): Promise<Changed> {
  const { state, anomalies, flags, terminal, io } = run;
  const setId = freshSetId(state.trust, io);
  const outDir = resolve(flags.out ?? '.');
  const fromDescriptor = passphrasesOf(flags);
  const passphrases = fromDescriptor ?? passphraseSource(undefined, terminal, 'choose');
  const dealer = withRevokers(cardDealerOf(change, setId, passphrases, run), revokers, outDir, passphrases);
  const revocations = revocationSources(flags.revocations);
  const reviews = reviewSources(flags.review);
  const ceremony = (signals: Signals) =>
    changeTrust(
      {
        state,
        change,
        revocations,
        reviews,
        setId,
        outDir,
        mediaPaths: (flags.medium ?? []).map((path) => resolve(path)),
        mediaRule: flags.allowFixed ? 'fixed-allowed' : 'removable',
        preflight: preflightEntry(state.trust.payload.policy.preflight, machinePreflight()),
        anomalies,
      },
      {
        clock: io.clock,
        random: io.random,
        host: realHost,
        people: peopleOf(flags, terminal, fromDescriptor),
        signals,
        dealer,
        request: () => requestFor(change, state.trust, flags, terminal, io),
        destroyed: (custodians) => destroyedCards(custodians, flags, terminal),
        note: io.note,
      },
    );
  return holdingSignals((signals) =>
    terminal ? holdingTerminal(terminal, () => ceremony(signals)) : ceremony(signals),
  );
}

function requireAllFlags(command: string, flags: ChangeFlags & DealFlags, change: Change): void {
  const dealt = new Set((flags.cardDir ?? []).map((value) => pairFlag('--card-dir', value)[0]));
  const cards = 'deal' in change ? change.deal.custodians.filter((label) => !dealt.has(label)) : [];
  requireFlags(command, {
    '--request': flags.request,
    '--share': flags.share,
    '--confirm': flags.confirm,
    '--clock': flags.clock,
    '--head': flags.head,
    ...Object.fromEntries(cards.map((label) => [`--card-dir ${label}=DIR`, undefined])),
  });
}

function cardDealerOf(change: Change, setId: string, passphrases: PassphraseSource, { flags, terminal }: Run): Dealer {
  const cardDirs = new Map(
    (flags.cardDir ?? []).map((value) => {
      const [label, dir] = pairFlag('--card-dir', value);
      return [identifierFlag('--card-dir', label), resolve(dir)] as const;
    }),
  );
  const custodians = 'deal' in change ? change.deal.custodians : [];
  const strangers = [...cardDirs.keys()].filter((label) => !custodians.includes(label));
  if (strangers.length > 0)
    throw new BreakglassError('BAD_INPUT', `--card-dir names ${strangers.join(', ')}, who gets no card`, {
      hint: 'name custodians of the new set only. Nothing was changed.',
    });
  requireCardDirs(cardDirs);
  return cardDealer({
    cardDirs,
    readBack: flags.readBack === false ? 'left-out' : 'asked',
    terminal,
    passphrases,
    // The card of before may lie on the same stick.
    nameTag: setId,
  });
}

async function destroyedCards(
  custodians: readonly string[],
  flags: DealFlags,
  terminal: Terminal | undefined,
): Promise<readonly string[]> {
  if (flags.destroyed) return flags.destroyed.map((label) => identifierFlag('--destroyed', label));
  if (!terminal) return [];
  const stranger = (text: string) => words(text).find((label) => label !== 'all' && !custodians.includes(label));
  const typed = await askText(
    terminal,
    'Whose OLD card was destroyed before everybody here (labels, or all; Enter: none)',
    {
      validate: (text) => (stranger(text) === undefined ? undefined : `${stranger(text)} had no card of the old set`),
    },
  );
  return words(typed).includes('all') ? custodians : words(typed);
}

function words(text: string): string[] {
  return text.split(/[\s,]+/).filter((word) => word !== '');
}

/** A set id that no card of this trust has. */
function freshSetId({ payload }: Trust, io: CommandIo): string {
  for (;;) {
    const setId = formatHex(io.random(3)).slice(0, 5);
    if (!payload.sets.some((set) => set.setId === setId)) return setId;
  }
}

function show(changed: Changed, flags: ChangeFlags, io: CommandIo): void {
  const { trust, record, kind, run, custodians, retiredSet, ended, warnings } = changed;
  if (changed.published.error) io.exit('media');
  const headCode = { seq: record.seq, words: fingerprintOfDigest(record.sha256, headWordCount).words };
  if (flags.json) {
    productJson(io, {
      kind,
      run,
      trust: { version: trust.payload.version, sha256: trust.sha256, words: trustFingerprint(trust).words },
      epoch: trust.payload.epoch,
      record,
      headCode,
      custodians,
      cards: { setId: trust.set.setId, threshold: trust.set.threshold, custodians: custodianLabels(trust.set) },
      retiredSet,
      ended: ended.map(({ jti, sub, roles, exp, breakglass }) => ({
        jti,
        incident: breakglass.incident,
        subject: sub,
        role: roles[0],
        exp,
      })),
      published: publishedJson(changed.published),
      warnings,
    });
    return;
  }
  io.product(describeChanged({ ...changed, headCode: headCode.words }));
}
