import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { formatHex } from '../base/bytes.ts';
import { BreakglassError } from '../base/errors.ts';
import type { RandomBytes } from '../base/random.ts';
import { type Clock, formatTime } from '../base/time.ts';
import { makePublicFolder } from '../machine/public-file.ts';
import { openState } from '../machine/state.ts';
import type { MediumHost } from '../medium/medium.ts';
import { endIfAsked, type Signals } from '../terminal/signals.ts';
import type { Trust } from '../trust/trust-file.ts';
import { lateSignal } from './attempt.ts';
import type { Dealer } from './dealer.ts';
import { tried } from './delivery.ts';
import {
  clearVoidDeal,
  type InitJournal,
  readInitJournal,
  refuseOccupied,
  removeInitJournal,
  writeInitJournal,
} from './init-journal.ts';
import { fillNewMedia } from './init-media.ts';
import { checkInitPlan, type InitPlan } from './init-plan.ts';
import { establish } from './init-trust.ts';
import { refuseFailedPreflight } from './mint-checks.ts';
import { type Published, publicationOf, publishAdvice, publishTrust } from './publish.ts';
import type { TrailHead } from './trail-writer.ts';

export interface InitPorts {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly dealer: Dealer;
  readonly host: MediumHost;
  readonly signals: Signals;
  note(text: string): void;
}

export interface Initialized {
  readonly trust: Trust;
  readonly trustFile: string;
  /** What came of publishing it: a failure undoes nothing of the trust. */
  readonly published: Published;
  readonly media: readonly { readonly label: string; readonly path: string }[];
  readonly head: TrailHead;
  /** `again`: this run only finished an interrupted one. */
  readonly run: 'first' | 'again';
}

/** The key ceremony; its steps are those of docs/ceremony.md. The caller holds the lock of the state directory. */
export async function init(plan: InitPlan, ports: InitPorts): Promise<Initialized> {
  // 2. An unfinished init
  const journal = readInitJournal(plan.stateDir);
  if (journal?.phase === 'writing') return finishInit(plan.stateDir, journal, ports, 'again');
  if (journal) {
    clearVoidDeal(plan.stateDir, journal);
    ports.note(
      `an init of ${journal.startedAt} was interrupted while it dealt set ${journal.setId}. Nothing trusts that set: destroy its cards. Starting afresh.`,
    );
  }

  // 1. The plan (again here, so that no caller can leave it out), before anything is written
  checkInitPlan(plan);
  refuseFailedPreflight(plan.preflight);
  refuseOccupied(plan.stateDir);
  refuseTakenOut(plan.outDir);
  const setId = formatHex(ports.random(3)).slice(0, 5);

  // 3. The journal
  const dealing: InitJournal = {
    v: 1,
    phase: 'dealing',
    startedAt: formatTime(ports.clock.now()),
    setId,
    outDir: plan.outDir,
    shareFiles: [...ports.dealer.shareFiles],
    media: plan.media.map(({ path, label, id }) => ({ path, label, medium: id })),
  };
  writeInitJournal(plan.stateDir, dealing);
  try {
    await ports.dealer.begin();
    await establish(plan, ports, setId);
    // The last moment at which a signal undoes it.
    await endIfAsked(ports.signals);
  } catch (error) {
    ports.dealer.undo();
    clearVoidDeal(plan.stateDir, dealing);
    ports.note(`no trust was made. Cards of set ${setId} that were copied already are void: destroy them.`);
    throw error;
  }

  // 8. From here on the trust exists
  const writing: InitJournal = { ...dealing, phase: 'writing', shareFiles: [] };
  writeInitJournal(plan.stateDir, writing);
  const made = await finishInit(plan.stateDir, writing, ports, 'first');
  for (const { message } of await lateSignal(ports, 'the trust is made')) ports.note(`breakglass: ${message}`);
  return made;
}

/** Steps 9 and 10: nothing here needs a secret, and any part may have been done before. The caller holds the lock. */
export async function finishInit(
  stateDir: string,
  journal: InitJournal,
  ports: Pick<InitPorts, 'clock' | 'host' | 'note'>,
  run: 'first' | 'again',
): Promise<Initialized> {
  const state = openState(stateDir);
  const { highWater, trust } = state;
  if (!highWater) throw new TypeError('genesis was written before');
  const media = fillNewMedia(journal.media, { state, ...ports, copies: Math.max(2, trust.payload.policy.copies) });
  tried(journal.outDir, () => makePublicFolder(journal.outDir));
  const published = publishTrust(publicationOf(state), journal.outDir);
  for (const line of publishAdvice(published, stateDir)) ports.note(line);
  removeInitJournal(stateDir);
  return { trust, trustFile: join(journal.outDir, 'trust.jws'), published, media, head: highWater, run };
}

/** A trust file that is there cannot be of a trust that does not exist yet. */
function refuseTakenOut(outDir: string): void {
  const path = join(outDir, 'trust.jws');
  if (!existsSync(path)) return;
  throw new BreakglassError('EXISTS', `${path} is there already`, {
    hint: 'another trust is published there: name another folder with --out. No key was made and nothing was written.',
  });
}
