import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BreakglassError, isBreakglassError } from '../base/errors.ts';
import type { Clock } from '../base/time.ts';
import type { State } from '../machine/state.ts';
import { appendFile } from '../medium/append.ts';
import { createMedium } from '../medium/create.ts';
import { type MediumHost, type OpenMedium, openMedium } from '../medium/medium.ts';
import { setAsideOther } from '../medium/set-aside.ts';
import { recordNameSeq } from '../trail/layout.ts';
import { trailReadme } from '../trail/readme.ts';

/** A directory that becomes a medium at init. */
export interface NewMedium {
  readonly id: string;
  readonly label: string;
  readonly path: string;
  readonly removable: boolean | null;
}

export interface FilledMedium {
  readonly label: string;
  readonly path: string;
}

/**
 * Makes each directory a medium, or takes the one that a run before had made of it, and brings the whole local copy to it.
 * A medium that fails is told by `note`. Throws the first failure when fewer than `copies` hold everything.
 */
export function fillNewMedia(
  media: readonly { readonly path: string; readonly label: string; readonly medium: string }[],
  options: {
    readonly state: State;
    readonly host: MediumHost;
    readonly clock: Clock;
    readonly copies: number;
    note(text: string): void;
  },
): FilledMedium[] {
  const { state, copies } = options;
  const files = localFiles(state.trailDir);
  const filled: FilledMedium[] = [];
  const failures: BreakglassError[] = [];
  for (const { path, label, medium } of media) {
    try {
      fill(openOrCreate(path, { id: medium, label, trustId: state.trust.id }, options), medium, files);
      filled.push({ label, path });
    } catch (error) {
      if (!isBreakglassError(error)) throw error;
      failures.push(error);
      options.note(`medium ${label}: ${error.message}`);
    }
  }
  const [first] = failures;
  if (first && filled.length < copies) throw unfinished(first, filled.length, copies);
  state.setMedia(media.map(({ medium, label, path }) => ({ medium, label, path })));
  return filled;
}

function openOrCreate(
  path: string,
  name: { readonly id: string; readonly label: string; readonly trustId: string },
  { host, clock }: { readonly host: MediumHost; readonly clock: Clock },
): OpenMedium {
  try {
    return createMedium(path, { ...host, ...name, now: clock.now(), readme: trailReadme(name.trustId) });
  } catch (error) {
    if (!isBreakglassError(error, 'EXISTS')) throw error;
    return openMedium(path, { ...host, trustId: name.trustId });
  }
}

interface LocalFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

function fill(medium: OpenMedium, id: string, files: readonly LocalFile[]): void {
  try {
    for (const { name, bytes } of files) {
      // On a medium that this init made, nobody but this init has written: what differs was torn by a kill.
      if (medium.id === id) setAsideOther(medium, name, bytes);
      appendFile(medium, name, bytes);
    }
  } finally {
    medium.close();
  }
}

/** The trust file and its keys come before the record that names them. */
function localFiles(dir: string): LocalFile[] {
  const names = readdirSync(dir).sort();
  const isRecord = (name: string) => recordNameSeq(name) !== undefined;
  const ordered = [
    ...names.filter((name) => !isRecord(name) && !name.startsWith('C')),
    ...names.filter(isRecord),
    ...names.filter((name) => /^C\d/.test(name)),
  ];
  return ordered.map((name) => ({ name, bytes: readFileSync(join(dir, name)) }));
}

function unfinished(first: BreakglassError, done: number, copies: number): BreakglassError {
  return new BreakglassError(first.code, `${first.message}; genesis is on ${done} of ${copies} media`, {
    hint: 'every card was dealt and is good. Mend the medium and run the same command again: it only finishes the writing.',
    cause: first,
  });
}
