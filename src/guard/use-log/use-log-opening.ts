import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { formatHex, wipe } from '../../base/bytes.ts';
import { BreakglassError, isBreakglassError, systemErrorCode } from '../../base/errors.ts';
import { randomId } from '../../base/random.ts';
import { conformOrUndefined, identifier, printable, sha256Digest } from '../../base/schema.ts';
import { ed25519JwkOf, type SigningKey } from '../../key/derive.ts';
import { ioError, writeExclusive } from '../../machine/files.ts';
import { type Lock, lockState } from '../../machine/lock.ts';
import { loadSigningKey, newSigningKey } from '../../machine/signing-key-file.ts';
import { softwareVersion } from '../../machine/version.ts';
import { LineFile } from './line-file.ts';
import { SecondSink, type SinkTarget } from './second-sink.ts';
import { callbackTarget, linesFrom, pathTarget } from './sink-targets.ts';
import { ChainWriter, recoveredRecord, type UseRecordMembers } from './use-chain-writer.ts';
import type { UseLogOptions } from './use-log.ts';
import { type LogDisk, realLogDisk } from './use-log-disk.ts';
import { findFirstLine, findLogEnd, type LogEnd } from './use-log-end.ts';

/** A log that this process has, as far as its files go. */
export interface TakenLog {
  readonly key: SigningKey;
  readonly lock: Lock;
  readonly file: LineFile;
  readonly writer: ChainWriter;
  readonly sink: SecondSink | null;
  /** Which process this is, in `opened` and `closed`. */
  readonly instance: string;
}

const maxBytesDefault = 64 * 1024 * 1024;

/** Claims the log, loads or makes its key, and finds where its chain goes on. Throws as `openUseLog` does. */
export async function takeUpLog(options: UseLogOptions): Promise<TakenLog> {
  checkOptions(options);
  const { path, disk = realLogDisk } = options;
  const lock = claim(path);
  try {
    const key = await keyOf(options.keyFile ?? `${path}.key`);
    const end = await findLogEnd(disk, path, key.public);
    if (end.last) await checkBeginning(disk, options);
    return takeUp(options, disk, { lock, key, end });
  } catch (cause) {
    lock.release();
    throw isBreakglassError(cause) ? cause : failed(path, 'cannot be taken up', cause);
  }
}

/** `USE_LOG_FAILED` with the system's word for it. */
export function failed(path: string, what: string, cause: unknown): BreakglassError {
  return new BreakglassError(
    'USE_LOG_FAILED',
    `the use log ${path} ${what} (${systemErrorCode(cause) ?? 'unknown error'})`,
    {
      hint: 'look at free space, at read-only mounts and at the rights of its folder. What is not recorded is refused.',
      cause,
    },
  );
}

function takeUp(
  options: UseLogOptions,
  disk: LogDisk,
  { lock, key, end }: { readonly lock: Lock; readonly key: SigningKey; readonly end: LogEnd },
): TakenLog {
  const { path, clock, secondSink, maxBytes = maxBytesDefault, onEvent = () => {} } = options;
  const instance = randomId((length) => randomBytes(length));
  const trail = end.last?.record.trail ?? formatHex(randomBytes(32));
  const opened: UseRecordMembers = { type: 'opened', instance, software: softwareVersion() };
  const owed = [...(end.last ? [] : [genesis(options, key)]), ...end.unnamed.map(recoveredRecord), opened];
  const file = new LineFile(disk, path, maxBytes, end.current);
  const onRecovered = ({ file, bytes }: { readonly file: string; readonly bytes: number }) =>
    onEvent({ type: 'use-log.recovered', file, bytes });
  const writer = new ChainWriter({ file, key, clock, trail, last: end.last, owed, onRecovered });
  const next = end.last ? end.last.record.seq + 1 : 0;
  const sink =
    secondSink === undefined
      ? null
      : new SecondSink(next, {
          target: async (): Promise<SinkTarget> =>
            typeof secondSink === 'string'
              ? pathTarget({ disk, path: secondSink, maxBytes, trail, key: key.public })
              : callbackTarget(secondSink, next),
          linesFrom: (seq) => linesFrom(disk, path, trail, seq),
          onChange: (error) =>
            onEvent(error ? { type: 'use-log.second-sink-failed', error } : { type: 'use-log.second-sink-caught-up' }),
        });
  return { key, lock, file, writer, sink, instance };
}

function genesis(options: UseLogOptions, key: SigningKey): UseRecordMembers {
  const { name, trustId: trust, audience } = options;
  return { type: 'genesis', guard: ed25519JwkOf(key), name, trust, audience, software: softwareVersion() };
}

function checkOptions({ path, name, trustId, audience, secondSink }: UseLogOptions): void {
  const wrong =
    conformOrUndefined(identifier, name) === undefined
      ? 'its name is no identifier'
      : conformOrUndefined(sha256Digest, trustId) === undefined
        ? 'its trust is no trust id'
        : audience !== null && conformOrUndefined(printable, audience) === undefined
          ? 'its audience is none'
          : secondSink === path
            ? 'its second place is the first one'
            : undefined;
  if (wrong === undefined) return;
  throw new BreakglassError('USAGE', `the use log ${path} is not opened: ${wrong}`, {
    hint: 'correct the options of the guard. Nothing was written.',
  });
}

function claim(path: string): Lock {
  if (!existsSync(dirname(path)))
    throw new BreakglassError('USE_LOG_FAILED', `there is no folder ${dirname(path)} for the use log`, {
      hint: 'make it, or give another path. Nothing was written.',
    });
  try {
    makeFolder(`${path}.lock`);
    return lockState(`${path}.lock`, { waitMilliseconds: 0 });
  } catch (cause) {
    if (!isBreakglassError(cause, 'STATE_BUSY')) throw cause;
    throw new BreakglassError('STATE_BUSY', `another process writes the use log ${path}`, {
      hint: 'give each replica and each worker a path of its own. Nothing was written.',
      cause,
    });
  }
}

// Not with its parents, which are there: on a file system that takes no folders, /proc say, Node would look for them for ever.
function makeFolder(dir: string): void {
  try {
    mkdirSync(dir, { mode: 0o700 });
  } catch (cause) {
    if (systemErrorCode(cause) !== 'EEXIST') throw ioError(dir, 'was not made', cause);
  }
}

async function keyOf(path: string): Promise<SigningKey> {
  const there = await loadSigningKey(path);
  if (there) return there;
  const { key, pkcs8 } = await newSigningKey();
  try {
    writeExclusive(path, pkcs8, { mode: 0o600 });
    return key;
  } catch (cause) {
    // Two logs with one key file, begun at the same moment.
    const other = isBreakglassError(cause, 'EXISTS') ? await loadSigningKey(path) : undefined;
    if (!other) throw cause;
    return other;
  } finally {
    wipe(pkcs8);
  }
}

async function checkBeginning(disk: LogDisk, { path, trustId, audience }: UseLogOptions): Promise<void> {
  const { record: begun } = await findFirstLine(disk, path);
  if (begun.type !== 'genesis' || (begun.trust === trustId && begun.audience === audience)) return;
  const what = begun.trust === trustId ? `the audience ${begun.audience}` : `the trust ${begun.trust.slice(0, 8)}`;
  throw new BreakglassError('USE_LOG_INVALID', `the use log ${path} was begun for ${what}`, {
    hint: 'give another path, or move this log away with its rotated files and keep it for the auditors. Nothing was written.',
  });
}
