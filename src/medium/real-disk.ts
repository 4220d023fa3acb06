import {
  accessSync,
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  statfsSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { probeName } from '../trail/layout.ts';
import type { Directory, Disk, Identity, NewFile } from './disk.ts';

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY, W_OK, X_OK } = constants;

/** The disk of Linux. Needs /proc. */
export const realDisk: Disk = {
  openDirectory: (path) => new RealDirectory(openSync(path, O_RDONLY | O_DIRECTORY)),
  identify: (path) => identityOf(statSync(path, { bigint: true })),
};

class RealDirectory implements Directory {
  readonly identity: Identity;
  readonly #descriptor: number;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
    this.identity = identityOf(fstatSync(descriptor, { bigint: true }));
  }

  openDirectory(name: string): Directory {
    return new RealDirectory(openSync(this.#at(name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  }

  makeDirectory(name: string): void {
    mkdirSync(this.#at(name), 0o755);
  }

  createExclusive(name: string): NewFile {
    const descriptor = openSync(this.#at(name), O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, 0o644);
    return {
      write: (bytes, from) => writeSync(descriptor, bytes, from),
      sync: () => fsyncSync(descriptor),
      close: () => closeSync(descriptor),
    };
  }

  syncExisting(name: string): void {
    this.#withFile(name, fsyncSync);
  }

  sync(): void {
    fsyncSync(this.#descriptor);
  }

  readFile(name: string, atMost: number): Uint8Array {
    return this.#withFile(name, (descriptor) => readAll(descriptor, atMost));
  }

  list(): readonly string[] {
    return readdirSync(this.#at('.'));
  }

  // Node.js has no renameat2(RENAME_NOREPLACE) and FAT no hard links. The lock on the state directory keeps another run of
  // ours out between the two calls.
  renameExclusive(from: string, to: string): void {
    if (lstatSync(this.#at(to), { throwIfNoEntry: false }))
      throw Object.assign(new Error(`EEXIST: file already exists, rename to '${to}'`), { code: 'EEXIST' });
    renameSync(this.#at(from), this.#at(to));
  }

  removeProbe(): void {
    unlinkSync(this.#at(probeName));
  }

  checkWritable(): void {
    accessSync(this.#at('.'), W_OK | X_OK);
  }

  freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.#at('.'));
    return bavail * bsize;
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  // openat(2): the name is looked up in the directory that is held, whatever is mounted at its path by now.
  #at(name: string): string {
    return `/proc/self/fd/${this.#descriptor}/${name}`;
  }

  // O_NONBLOCK: a FIFO that somebody planted under the name of a record must not hang us.
  #withFile<T>(name: string, use: (descriptor: number) => T): T {
    const descriptor = openSync(this.#at(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    try {
      if (!fstatSync(descriptor).isFile())
        throw Object.assign(new Error(`'${name}' is not a regular file`), { code: 'EINVAL' });
      return use(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }
}

function readAll(descriptor: number, atMost: number): Uint8Array {
  const size = Math.min(atMost, fstatSync(descriptor).size);
  const buffer = Buffer.allocUnsafeSlow(size);
  let length = 0;
  while (length < size) {
    const count = readSync(descriptor, buffer, length, size - length, null);
    if (count === 0) break;
    length += count;
  }
  return buffer.subarray(0, length);
}

function identityOf({ dev, ino }: { readonly dev: bigint; readonly ino: bigint }): Identity {
  return { device: dev, inode: ino };
}
