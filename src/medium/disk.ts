import { systemErrorCode } from '../base/errors.ts';

/**
 * What the medium room wants of an operating system: the system calls of the append protocol and no others, synchronous, so
 * that their order on disk is the order in the source. Every method throws the error of its system call (`code`: ENOSPC,
 * EIO, …). `real-disk.ts` is the one of production; tests bring one that pulls sticks and cuts the power.
 */
export interface Disk {
  /** Opens a directory and holds it: what is mounted over `path` later does not change what the handle means. */
  openDirectory(path: string): Directory;
  /** What `path` leads to now: stat(2). */
  identify(path: string): Identity;
}

/** Two equal identities are the same directory on the same file system. */
export interface Identity {
  /** `st_dev` */
  readonly device: bigint;
  /** `st_ino` */
  readonly inode: bigint;
}

/** A held directory. Names are single components; no call follows a symbolic link. */
export interface Directory {
  readonly identity: Identity;
  openDirectory(name: string): Directory;
  makeDirectory(name: string): void;
  /** `O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY`. Throws EEXIST if there is anything of that name. */
  createExclusive(name: string): NewFile;
  /** fsync of a file that is there already, through a descriptor that cannot write. */
  syncExisting(name: string): void;
  /** fsync of the directory itself: the names in it. */
  sync(): void;
  /** The first `atMost` bytes of a regular file. */
  readFile(name: string, atMost: number): Uint8Array;
  list(): readonly string[];
  /** Renames within the directory. Throws EEXIST rather than rename over anything. */
  renameExclusive(from: string, to: string): void;
  /** Removes BGPROBE.TMP (`probeName`), the one file that is ever removed, and nothing else. */
  removeProbe(): void;
  /** Throws EROFS on a read-only file system or mount, EACCES without permission. Nothing is written. */
  checkWritable(): void;
  /** Bytes that may still be written here. */
  freeBytes(): number;
  close(): void;
}

/** A file that this process created and nobody wrote before. */
export interface NewFile {
  /** Writes `bytes` from offset `from` on; returns how many were taken, which may be fewer. */
  write(bytes: Uint8Array, from: number): number;
  sync(): void;
  close(): void;
}

export function equalIdentities(a: Identity, b: Identity): boolean {
  return a.device === b.device && a.inode === b.inode;
}

/** True for a system error which says that nothing is there. */
export function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ENODEV', 'ENXIO'].includes(systemErrorCode(error) ?? '');
}
