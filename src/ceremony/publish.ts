import { join } from 'node:path';
import { equalBytes } from '../base/bytes.ts';
import { BreakglassError } from '../base/errors.ts';
import { shellWord } from '../base/shell.ts';
import { claimFile } from '../machine/file-claim.ts';
import { flushFile } from '../machine/files.ts';
import { putPublicFile, type Replace, readPublicFile, replacePublic, requireFolder } from '../machine/public-file.ts';
import { mergeIntoFile, readRevocationsFile } from '../machine/revocations-file.ts';
import type { State } from '../machine/state.ts';
import { deniesOldEpochs } from '../revocation/epoch-denial.ts';
import { mergeRevocations } from '../revocation/list.ts';
import { openTrust, type Trust } from '../trust/trust-file.ts';
import { tried } from './delivery.ts';
import { nextVersion, readTrustAt, refuseStrangeKeys } from './published-before.ts';
import { jwkSets } from './trust-files.ts';

/** What services and commanders take of a trust. */
export interface Publication {
  /** The version in force. */
  readonly trust: Trust;
  /** The versions at hand, the oldest first. */
  readonly versions: readonly Trust[];
  /** The statement lines known, each ended by LF. */
  readonly revocations: Uint8Array;
}

export interface PublishedFile {
  readonly name: string;
  /** The first two were flushed and read back. */
  readonly outcome: 'written' | 'same' | 'not-written';
}

/** What came of publishing to one folder. */
export interface Published {
  readonly dir: string;
  /** The trust version that lay there before; null when none did. */
  readonly before: number | null;
  /** The one that lies there now. */
  readonly version: number | null;
  /** In the order in which they are written. */
  readonly files: readonly PublishedFile[];
  /** What kept the version in force from the folder; null when all of it is there. */
  readonly error: BreakglassError | null;
}

/**
 * Publishes to one folder: revocations (the union with those that are there), one JWK Set an algorithm, the trust file last, so
 * that a verifier who follows it has the denials before the keys. Never goes backwards: a folder with a newer version, with
 * another trust, or with keys that this version does not know is left as it is. `replace` is another one in tests.
 */
export function publishTrust(publication: Publication, dir: string, replace: Replace = replacePublic): Published {
  const run = new FolderRun(publication, dir);
  const { error } = tried(dir, () => run.publish(replace)).delivered;
  return { dir, before: run.before, version: run.version, files: run.files, error };
}

/** What a ceremony machine publishes. */
export function publicationOf(state: State): Publication {
  const versions = state.trustFiles().map((bytes) => openTrust(bytes));
  return { trust: state.trust, versions, revocations: state.revocations() };
}

/** What is told when a ceremony could not publish: the command that does it. */
export function publishAdvice({ dir, error }: Published, stateDir: string): string[] {
  if (!error) return [];
  const command = `breakglass trust publish --state ${shellWord(stateDir)} ${shellWord(dir)}`;
  return [
    `breakglass: not published: ${error.message}. What was decided is in force all the same; who reads ${dir} does not know it yet`,
    `hint: ${error.hint} Then run: ${command}`,
  ];
}

interface Plan {
  /** The version that the folder gets now. */
  readonly trust: Trust;
  /** By name, in the order in which they are written. */
  readonly files: readonly (readonly [name: string, bytes: Uint8Array])[];
}

class FolderRun {
  readonly #publication: Publication;
  readonly #dir: string;
  readonly #outcomes = new Map<string, PublishedFile['outcome']>();
  before: number | null = null;
  version: number | null = null;

  constructor(publication: Publication, dir: string) {
    this.#publication = publication;
    this.#dir = dir;
  }

  get files(): PublishedFile[] {
    const names = ['revocations.jws', ...jwkSets(this.#publication.trust).keys(), 'trust.jws'];
    return names.map((name) => ({ name, outcome: this.#outcomes.get(name) ?? 'not-written' }));
  }

  publish(replace: Replace): void {
    requireFolder(this.#dir);
    const { trust } = this.#isThere(this.#plan()) ?? this.#write(replace);
    this.version = trust.payload.version;
    if (trust !== this.#publication.trust)
      throw unfinished(this.#dir, this.before ?? 0, trust, this.#publication.trust);
  }

  /** Everything that refuses does so here, before anything is written. */
  #plan(): Plan {
    const { trust: newest, revocations } = this.#publication;
    const there = readTrustAt(this.#path('trust.jws'));
    this.before = there?.payload.version ?? null;
    this.version = this.before;
    const trust = there ? nextVersion(there, this.#publication, this.#dir) : newest;
    const sets = jwkSets(trust);
    for (const name of sets.keys()) refuseStrangeKeys(this.#path(name), trust);
    const list = mergeRevocations(readRevocationsFile(this.#path('revocations.jws')), revocations);
    if (!deniesOldEpochs(list, newest)) throw undenied(newest, this.#dir);
    return { trust, files: [['revocations.jws', list], ...sets, ['trust.jws', trust.bytes]] };
  }

  /** A folder that has it all is not written to: it may be one that cannot be. */
  #isThere(plan: Plan): Plan | undefined {
    const same = plan.files.every(([name, bytes]) => {
      const there = readPublicFile(this.#path(name), { maxBytes: publicMaxBytes });
      return there !== undefined && equalBytes(there, bytes);
    });
    if (!same) return undefined;
    for (const [name] of plan.files) {
      // It may have been written by a run that was killed before it flushed.
      flushFile(this.#path(name));
      this.#outcomes.set(name, 'same');
    }
    return plan;
  }

  #write(replace: Replace): Plan {
    const claim = claimFile(this.#path('trust.jws'));
    try {
      // Under the claim once more: whoever held it before may have brought a newer version.
      const plan = this.#plan();
      for (const [name, bytes] of plan.files) this.#outcomes.set(name, this.#put(name, bytes, replace));
      return plan;
    } finally {
      claim.release();
    }
  }

  #put(name: string, bytes: Uint8Array, replace: Replace): PublishedFile['outcome'] {
    if (name !== 'revocations.jws') return putPublicFile(this.#path(name), bytes, replace);
    // By its own claim: commanders add to it meanwhile.
    const there = readRevocationsFile(this.#path(name));
    return equalBytes(there, mergeIntoFile(this.#path(name), this.#publication.revocations, replace))
      ? 'same'
      : 'written';
  }

  #path(name: string): string {
    return join(this.#dir, name);
  }
}

const publicMaxBytes = 1024 * 1024 * 1024;

function unfinished(dir: string, before: number, step: Trust, newest: Trust): BreakglassError {
  const [now, last] = [step.payload.version, newest.payload.version];
  return new BreakglassError('PUBLISH_UNFINISHED', `${dir} holds version ${now} now, and version ${last} is in force`, {
    hint: `who knows version ${before} can follow to ${last} only through version ${now}, which has another root key. Wait until every service has read it: version ${last} was not written yet.`,
  });
}

function undenied({ payload }: Trust, dir: string): BreakglassError {
  const what = payload.epoch > 1 ? `a denial of the tokens of epoch ${payload.epoch - 1}` : 'any statement';
  return new BreakglassError('REVOCATIONS_MISSING', `neither what is at hand nor ${dir} holds ${what}`, {
    hint: 'give the list that commanders or services have: --revocations FILE. If nobody has that line any more, breakglass rotate keys makes a new one. Nothing was written there.',
  });
}
