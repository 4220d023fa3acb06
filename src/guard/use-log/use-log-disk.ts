import { constants } from 'node:fs';
import { open, readdir, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemErrorCode } from '../../base/errors.ts';

/** What a use log needs of a file system; tests hand in one that fails. Every call rejects with the system's error. */
export interface LogDisk {
  /** An existing file, or a new one that nobody else may make at the same time. */
  open(path: string, how: 'existing' | 'new' | 'read'): Promise<LogHandle>;
  /** Undefined when nothing is there. */
  stat(path: string): Promise<FileFacts | undefined>;
  list(dir: string): Promise<readonly string[]>;
  rename(from: string, to: string): Promise<void>;
  flushFolderOf(path: string): Promise<void>;
}

export interface FileFacts {
  readonly inode: bigint;
  readonly size: number;
}

export interface LogHandle {
  /** Appends; may write less than all of it. */
  write(bytes: Uint8Array): Promise<number>;
  flush(): Promise<void>;
  read(position: number, length: number): Promise<Uint8Array>;
  facts(): Promise<FileFacts>;
  close(): Promise<void>;
}

export const realLogDisk: LogDisk = {
  open: async (path, how) => handleOf(await open(path, flags[how], 0o640)),
  stat: async (path) => {
    try {
      return factsOf(await stat(path, { bigint: true }));
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  },
  list: (dir) => readdir(dir),
  rename,
  flushFolderOf: async (path) => {
    const folder = await open(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      await folder.sync();
    } catch (error) {
      // A file system that cannot flush folders says so; one that failed to do it says EIO.
      if (systemErrorCode(error) !== 'EINVAL') throw error;
    } finally {
      await folder.close();
    }
  },
};

// O_NONBLOCK: a pipe under the log's name must not hold a service up.
const common = constants.O_NOFOLLOW | constants.O_NONBLOCK;
const flags = {
  existing: common | constants.O_RDWR | constants.O_APPEND,
  new: common | constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_EXCL,
  read: common | constants.O_RDONLY,
} as const;

function handleOf(file: Awaited<ReturnType<typeof open>>): LogHandle {
  return {
    write: async (bytes) => (await file.write(bytes)).bytesWritten,
    flush: () => file.datasync(),
    read: async (position, length) => {
      const into = Buffer.allocUnsafe(length);
      let used = 0;
      while (used < length) {
        const { bytesRead } = await file.read(into, used, length - used, position + used);
        if (bytesRead === 0) break;
        used += bytesRead;
      }
      return into.subarray(0, used);
    },
    facts: async () => factsOf(await file.stat({ bigint: true })),
    close: () => file.close(),
  };
}

function factsOf(facts: { readonly ino: bigint; readonly size: bigint; isFile(): boolean }): FileFacts {
  if (!facts.isFile()) throw Object.assign(new Error('not a file'), { code: 'EINVAL' });
  return { inode: facts.ino, size: Number(facts.size) };
}
