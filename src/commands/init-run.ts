import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { wipe } from '../base/bytes.ts';
import { BreakglassError } from '../base/errors.ts';
import { randomId } from '../base/random.ts';
import type { Dealer } from '../ceremony/dealer.ts';
import { finishInit, type Initialized, init } from '../ceremony/init.ts';
import { readInitJournal } from '../ceremony/init-journal.ts';
import type { NewMedium } from '../ceremony/init-media.ts';
import type { InitPlan } from '../ceremony/init-plan.ts';
import { fingerprintOfDigest, headWordCount } from '../key/fingerprint.ts';
import { makePrivateDirectory } from '../machine/files.ts';
import { lockState } from '../machine/lock.ts';
import { machinePreflight, preflightEntry } from '../machine/preflight-entry.ts';
import { makePublicFolder } from '../machine/public-file.ts';
import { defaultStateDir } from '../machine/state-dir.ts';
import { checkMedia } from '../medium/check-media.ts';
import { openBlank } from '../medium/create.ts';
import { labelFromPath } from '../medium/label.ts';
import { realHost } from '../medium/real-host.ts';
import { publishedJson } from '../report/published.ts';
import { holdingSignals } from '../terminal/signals.ts';
import { holdingTerminal, openTerminal, type Terminal } from '../terminal/terminal.ts';
import { custodianLabels, trustFingerprint } from '../trust/trust-file.ts';
import { oneOfFlag } from './flags.ts';
import type { InitOptions } from './init.ts';
import { type Answers, completeAnswers } from './init-answers.ts';
import { type CommandIo, productJson } from './io.ts';
import { cardDealer, requireCardDirs } from './people/card-dealer.ts';
import { passphraseSource } from './people/passphrases.ts';
import { type NewRevoker, newRevokers, withRevokers } from './people/revoker-keys.ts';
import type { PassphraseSource } from './people/share-files.ts';

/** `init`: flags and questions in, one key ceremony, text or JSON out. */
export async function runInit(options: InitOptions, io: CommandIo): Promise<void> {
  const terminal = await openTerminal();
  try {
    const stateDir = resolve(options.state ?? defaultStateDir(io.env));
    makePrivateDirectory(stateDir);
    const lock = lockState(stateDir);
    try {
      show(await runLocked(options, stateDir, terminal, io), options, io);
    } finally {
      lock.release();
    }
  } finally {
    terminal?.close();
  }
}

async function runLocked(
  options: InitOptions,
  stateDir: string,
  terminal: Terminal | undefined,
  io: CommandIo,
): Promise<Initialized> {
  const ports = { clock: io.clock, random: io.random, host: realHost, note: io.note };
  const journal = readInitJournal(stateDir);
  if (journal?.phase === 'writing') {
    io.note(
      `found an init of ${journal.startedAt} that had dealt every card and was interrupted while it wrote. Finishing it; the other flags of this run are not used.`,
    );
    return finishInit(stateDir, journal, ports, 'again');
  }
  if (!journal) refuseExistingState(stateDir);
  const answers = await completeAnswers(options, terminal);
  const passphrases = passphraseSource(options.passphraseFd, terminal, 'choose');
  const revokers = newRevokers(answers.revokers);
  try {
    const plan = planOf(options, answers, revokers, stateDir, io);
    makePublicFolder(plan.outDir);
    const dealer = withRevokers(
      cardDealerOf(options, answers, terminal, passphrases),
      revokers,
      plan.outDir,
      passphrases,
    );
    return await holdingSignals((signals) => {
      const ceremony = () => init(plan, { ...ports, dealer, signals });
      return terminal ? holdingTerminal(terminal, ceremony) : ceremony();
    });
  } finally {
    wipe(...revokers.map(({ key }) => key.pkcs8));
  }
}

function planOf(
  options: InitOptions,
  answers: Answers,
  revokers: readonly NewRevoker[],
  stateDir: string,
  io: CommandIo,
): InitPlan {
  const { name, issuer, policy, threshold, custodians } = answers;
  const mediaRule = options.allowFixed ? 'fixed-allowed' : 'removable';
  return {
    name,
    issuer,
    policy,
    threshold,
    custodians,
    revokers: revokers.map(({ label, key }) => ({ label, jwk: key.jwk })),
    alg: oneOfFlag('--alg', options.alg, ['ES256', 'Ed25519']),
    strength: Number(oneOfFlag('--strength', options.strength, ['128', '256'])) === 256 ? 256 : 128,
    media: checkNewMedia(answers, mediaRule, io),
    mediaRule,
    stateDir,
    outDir: resolve(options.out ?? '.'),
    preflight: preflightEntry(policy.preflight, machinePreflight()),
    clockSource: 'none',
  };
}

/** The directories as media to be: blank, on devices of their own, writable. Nothing is written yet. */
function checkNewMedia(answers: Answers, mediaRule: InitPlan['mediaRule'], io: CommandIo): NewMedium[] {
  const labels = distinctLabels(answers.mediumPaths);
  const blanks = answers.mediumPaths.map((path, position) =>
    openBlank(resolve(path), {
      ...realHost,
      id: randomId(io.random),
      label: labels[position] ?? 'medium',
      trustId: '',
    }),
  );
  try {
    checkMedia(blanks, { copies: blanks.length, allowFixed: mediaRule === 'fixed-allowed', bytes: 64 * 1024 });
    return blanks.map(({ id, label, path, removable }) => ({ id, label, path, removable }));
  } finally {
    for (const blank of blanks) blank.close();
  }
}

function distinctLabels(paths: readonly string[]): string[] {
  const labels: string[] = [];
  for (const path of paths) {
    const label = labelFromPath(path);
    const free = [label, ...Array.from({ length: paths.length }, (_, number) => `${label}-${number + 2}`)].find(
      (name) => !labels.includes(name),
    );
    labels.push(free ?? label);
  }
  return labels;
}

function cardDealerOf(
  options: InitOptions,
  answers: Answers,
  terminal: Terminal | undefined,
  passphrases: PassphraseSource,
): Dealer {
  const strangers = [...answers.cardDirs.keys()].filter((label) => !answers.custodians.includes(label));
  if (strangers.length > 0) {
    throw new BreakglassError('BAD_INPUT', `--card-dir names ${strangers.join(', ')}, who is no custodian`, {
      hint: 'name custodians only. Nothing was written.',
    });
  }
  requireCardDirs(answers.cardDirs);
  return cardDealer({
    cardDirs: answers.cardDirs,
    readBack: options.readBack ? 'asked' : 'left-out',
    terminal,
    passphrases,
  });
}

function show(result: Initialized, options: InitOptions, io: CommandIo): void {
  const { trust, trustFile, published, media, head } = result;
  if (published.error) io.exit('media');
  const fingerprint = trustFingerprint(trust);
  const headCode = { seq: head.seq, words: fingerprintOfDigest(head.sha256, headWordCount).words };
  const custodians = trust.set.shares.map(({ custodian, index }) => ({ label: custodian, index }));
  if (options.json) {
    productJson(io, {
      trust: trustFile,
      trustId: trust.id,
      fingerprint,
      threshold: trust.set.threshold,
      custodians,
      media,
      head,
      headCode,
      published: publishedJson(published),
    });
    return;
  }
  io.product(
    [
      `The trust ${trust.payload.name} is made: ${trust.set.threshold} of ${custodianLabels(trust.set).join(', ')}.`,
      '',
      `  fingerprint  ${fingerprint.words.join(' ')}`,
      `  head code    ${headCode.words.join(' ')}`,
      '',
      'Every custodian writes both lines on the card: they prove the trust file and',
      `the end of the trail. Keep the media apart: ${media.map(({ label }) => label).join(', ')}.`,
      published.error
        ? `NOT PUBLISHED in ${published.dir}: services and commanders do not have it yet. The hint says what to run.`
        : `Services and commanders get what lies in ${published.dir}.`,
      '',
    ].join('\n'),
  );
}

function refuseExistingState(stateDir: string): void {
  if (!existsSync(join(stateDir, 'trust'))) return;
  throw new BreakglassError('EXISTS', `the state directory ${stateDir} belongs to a trust already`, {
    hint: 'to make another trust, give another --state DIR. Nothing was changed.',
  });
}
