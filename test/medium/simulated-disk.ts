import type { Directory, Disk, Identity, NewFile } from '../../src/medium/disk.ts';
import { probeName } from '../../src/trail/layout.ts';

/** The system calls that the log and the faults are about. */
export type Call =
  | 'open directory'
  | 'make directory'
  | 'create'
  | 'write'
  | 'sync file'
  | 'close file'
  | 'sync directory'
  | 'sync existing'
  | 'read'
  | 'list'
  | 'rename'
  | 'remove'
  | 'check writable'
  | 'free bytes'
  | 'identify';

/** What happens at a call: a system error, a write that takes one byte, the end of the process, or the stick pulled. */
export type Fault = 'ENOSPC' | 'EIO' | 'EROFS' | 'ENOENT' | 'short' | 'crash' | 'pull' | 'corrupt';

export interface LoggedCall {
  readonly call: Call;
  readonly stick: string;
  readonly name: string;
}

/** The process is gone: not an error that anything may handle. */
export class SimulatedCrash extends Error {}

interface FileNode {
  readonly kind: 'file';
  readonly inode: bigint;
  cache: Uint8Array;
  durable: Uint8Array;
  /** After a failed flush the kernel has forgotten that the pages are dirty: further flushes succeed and do nothing. */
  forgotten: boolean;
}

interface DirectoryNode {
  readonly kind: 'directory';
  readonly inode: bigint;
  cache: Map<string, Node>;
  durable: Map<string, Node>;
}

type Node = FileNode | DirectoryNode;

interface Stick {
  readonly name: string;
  readonly device: bigint;
  readonly root: DirectoryNode;
  pulled: boolean;
  writable: boolean;
  freeBytes: number;
  /** A stick that says that it flushed and did not. */
  lying: boolean;
}

/**
 * Sticks in memory, mounted at `/NAME`. What was written is in the page cache until it is flushed; a power cut leaves what
 * was. Faults happen at the nth call from when they were set.
 */
export class SimulatedDisk implements Disk {
  readonly log: LoggedCall[] = [];
  readonly #sticks = new Map<string, Stick>();
  #inodes = 0n;
  #devices = 2048n;
  #faults: { at: number; readonly fault: Fault; readonly only: Call | undefined }[] = [];
  #crashed = false;

  addStick(name: string): Stick {
    this.#devices += 16n;
    const stick = {
      name,
      device: this.#devices,
      root: this.#newDirectory(),
      pulled: false,
      writable: true,
      freeBytes: 1e9,
      lying: false,
    };
    this.#sticks.set(name, stick);
    return stick;
  }

  /** The fault happens at the `at`th call from now on, 1 being the next; with `only`, calls of other kinds do not count. */
  injectFault(at: number, fault: Fault, only?: Call): void {
    this.#faults.push({ at, fault, only });
  }

  /** True while a fault that was set has not happened. */
  get faultPending(): boolean {
    return this.#faults.length > 0;
  }

  pull(name: string): void {
    this.#stick(name).pulled = true;
  }

  /** Another stick takes the place of this one. */
  swap(name: string): void {
    this.addStick(name);
  }

  /** From now on the stick says that it flushed and does not. */
  lie(name: string): void {
    this.#stick(name).lying = true;
  }

  /** Slides the write protection on. */
  protect(name: string): void {
    this.#stick(name).writable = false;
  }

  /** Leaves this many bytes free. */
  leaveFree(name: string, bytes: number): void {
    this.#stick(name).freeBytes = bytes;
  }

  /**
   * The power goes and comes again. `lost`: only what was flushed is there. `torn`: names survived and half of what was not
   * flushed. `kept`: everything had reached the stick.
   */
  cutPower(unflushed: 'lost' | 'torn' | 'kept'): void {
    this.#crashed = false;
    this.#faults = [];
    for (const stick of this.#sticks.values()) {
      stick.pulled = false;
      settle(stick.root, unflushed);
    }
  }

  /** The bytes that a file would have after a power cut now, or undefined. */
  durableFile(stick: string, ...path: readonly string[]): Uint8Array | undefined {
    let node: Node | undefined = this.#stick(stick).root;
    for (const name of path) node = node?.kind === 'directory' ? node.durable.get(name) : undefined;
    return node?.kind === 'file' ? node.durable : undefined;
  }

  /** Every file of a stick as the page cache shows it, by path. */
  files(stick: string): ReadonlyMap<string, string> {
    const found = new Map<string, string>();
    const visit = (node: DirectoryNode, path: string) => {
      for (const [name, child] of node.cache) {
        if (child.kind === 'file') found.set(`${path}${name}`, Buffer.from(child.cache).toString('hex'));
        else visit(child, `${path}${name}/`);
      }
    };
    visit(this.#stick(stick).root, '');
    return found;
  }

  /** Puts a file there, durably, without a call. */
  plant(stick: string, path: readonly string[], bytes: Uint8Array): void {
    const folder = this.#plantedFolder(stick, path.slice(0, -1));
    const node: FileNode = { kind: 'file', inode: this.#nextInode(), cache: bytes, durable: bytes, forgotten: false };
    folder.cache.set(path.at(-1) ?? '', node);
    folder.durable.set(path.at(-1) ?? '', node);
  }

  /** Takes a file away, durably, without a call. */
  remove(stick: string, path: readonly string[]): void {
    const folder = this.#plantedFolder(stick, path.slice(0, -1));
    folder.cache.delete(path.at(-1) ?? '');
    folder.durable.delete(path.at(-1) ?? '');
  }

  openDirectory(path: string): Directory {
    const { stick, node } = this.#lookUp('open directory', path);
    return new SimulatedDirectory(this, stick, node);
  }

  identify(path: string): Identity {
    const { stick, node } = this.#lookUp('identify', path);
    return { device: stick.device, inode: node.inode };
  }

  /** One system call: logged, then the fault if its turn has come. Returns the fault that the call itself must act out. */
  enter(call: Call, stick: Stick, name: string): 'short' | 'corrupt' | undefined {
    if (this.#crashed) throw new SimulatedCrash('the process is gone');
    this.log.push({ call, stick: stick.name, name });
    const fault = this.#takeFault(call);
    if (fault === 'crash') {
      this.#crashed = true;
      throw new SimulatedCrash(`crashed at ${call}`);
    }
    if (fault === 'pull') stick.pulled = true;
    // What the kernel has in memory it goes on showing; everything that must reach the stick fails.
    if (stick.pulled && call !== 'close file') throw systemError(call === 'identify' ? 'ENOENT' : 'EIO');
    if (!stick.writable && ['make directory', 'create', 'write', 'rename', 'remove', 'check writable'].includes(call))
      throw systemError('EROFS');
    if (fault === 'short' || fault === 'corrupt') return fault;
    if (fault !== undefined && fault !== 'pull') throw systemError(fault);
    return undefined;
  }

  newFile(): FileNode {
    const empty = new Uint8Array();
    return { kind: 'file', inode: this.#nextInode(), cache: empty, durable: empty, forgotten: false };
  }

  newDirectory(): DirectoryNode {
    return this.#newDirectory();
  }

  #takeFault(call: Call): Fault | undefined {
    const due = this.#faults.filter(({ only }) => only === undefined || only === call);
    for (const fault of due) fault.at -= 1;
    const hit = due.find(({ at }) => at === 0);
    this.#faults = this.#faults.filter(({ at }) => at > 0);
    return hit?.fault;
  }

  #lookUp(call: Call, path: string): { stick: Stick; node: DirectoryNode } {
    const [mount, ...names] = path.split('/').filter((name) => name !== '' && name !== '.');
    const stick = this.#sticks.get(mount ?? '');
    if (!stick) throw systemError('ENOENT');
    this.enter(call, stick, names.join('/'));
    let node: Node | undefined = stick.root;
    for (const name of names) node = node?.kind === 'directory' ? node.cache.get(name) : undefined;
    if (node?.kind !== 'directory') throw systemError('ENOENT');
    return { stick, node };
  }

  #plantedFolder(stick: string, path: readonly string[]): DirectoryNode {
    let folder = this.#stick(stick).root;
    for (const name of path) {
      const next = folder.cache.get(name) ?? this.#newDirectory();
      if (next.kind !== 'directory') throw new TypeError(`${name} is a file`);
      folder.cache.set(name, next);
      folder.durable.set(name, next);
      folder = next;
    }
    return folder;
  }

  #stick(name: string): Stick {
    const stick = this.#sticks.get(name);
    if (!stick) throw new TypeError(`no stick ${name}`);
    return stick;
  }

  #newDirectory(): DirectoryNode {
    return { kind: 'directory', inode: this.#nextInode(), cache: new Map(), durable: new Map() };
  }

  #nextInode(): bigint {
    this.#inodes += 1n;
    return this.#inodes;
  }
}

class SimulatedDirectory implements Directory {
  readonly identity: Identity;
  readonly #disk: SimulatedDisk;
  readonly #stick: Stick;
  readonly #node: DirectoryNode;

  constructor(disk: SimulatedDisk, stick: Stick, node: DirectoryNode) {
    this.#disk = disk;
    this.#stick = stick;
    this.#node = node;
    this.identity = { device: stick.device, inode: node.inode };
  }

  openDirectory(name: string): Directory {
    this.#disk.enter('open directory', this.#stick, name);
    const child = this.#node.cache.get(name);
    if (!child) throw systemError('ENOENT');
    if (child.kind !== 'directory') throw systemError('ENOTDIR');
    return new SimulatedDirectory(this.#disk, this.#stick, child);
  }

  makeDirectory(name: string): void {
    this.#disk.enter('make directory', this.#stick, name);
    if (this.#node.cache.has(name)) throw systemError('EEXIST');
    this.#node.cache.set(name, this.#disk.newDirectory());
  }

  createExclusive(name: string): NewFile {
    this.#disk.enter('create', this.#stick, name);
    if (this.#node.cache.has(name)) throw systemError('EEXIST');
    const file = this.#disk.newFile();
    this.#node.cache.set(name, file);
    return this.#newFile(name, file);
  }

  syncExisting(name: string): void {
    this.#flush('sync existing', name, this.#file(name));
  }

  sync(): void {
    this.#disk.enter('sync directory', this.#stick, '');
    if (!this.#stick.lying) this.#node.durable = new Map(this.#node.cache);
  }

  readFile(name: string, atMost: number): Uint8Array {
    const fault = this.#disk.enter('read', this.#stick, name);
    const bytes = this.#file(name).cache.slice(0, atMost);
    if (fault === 'corrupt' && bytes.length > 0) bytes[0] = (bytes[0] ?? 0) ^ 1;
    return bytes;
  }

  list(): readonly string[] {
    this.#disk.enter('list', this.#stick, '');
    return [...this.#node.cache.keys()];
  }

  renameExclusive(from: string, to: string): void {
    this.#disk.enter('rename', this.#stick, from);
    const node = this.#node.cache.get(from);
    if (!node) throw systemError('ENOENT');
    if (this.#node.cache.has(to)) throw systemError('EEXIST');
    this.#node.cache.delete(from);
    this.#node.cache.set(to, node);
  }

  removeProbe(): void {
    this.#disk.enter('remove', this.#stick, probeName);
    if (!this.#node.cache.delete(probeName)) throw systemError('ENOENT');
  }

  checkWritable(): void {
    this.#disk.enter('check writable', this.#stick, '');
  }

  freeBytes(): number {
    this.#disk.enter('free bytes', this.#stick, '');
    return this.#stick.freeBytes;
  }

  close(): void {
    // Closing a directory can neither fail nor lose anything.
  }

  #newFile(name: string, file: FileNode): NewFile {
    return {
      write: (bytes, from) => {
        const fault = this.#disk.enter('write', this.#stick, name);
        const taken = bytes.subarray(from, fault === 'short' ? from + 1 : undefined);
        file.cache = Buffer.concat([file.cache, taken]);
        return taken.length;
      },
      sync: () => this.#flush('sync file', name, file),
      close: () => {
        this.#disk.enter('close file', this.#stick, name);
      },
    };
  }

  #flush(call: 'sync file' | 'sync existing', name: string, file: FileNode): void {
    try {
      this.#disk.enter(call, this.#stick, name);
    } catch (error) {
      file.forgotten = true;
      throw error;
    }
    if (!file.forgotten && !this.#stick.lying) file.durable = file.cache;
  }

  #file(name: string): FileNode {
    const node = this.#node.cache.get(name);
    if (!node) throw systemError('ENOENT');
    if (node.kind !== 'file') throw systemError('EINVAL');
    return node;
  }
}

function settle(directory: DirectoryNode, unflushed: 'lost' | 'torn' | 'kept'): void {
  const names = unflushed === 'lost' ? directory.durable : directory.cache;
  directory.cache = new Map(names);
  directory.durable = new Map(names);
  for (const node of names.values()) {
    if (node.kind === 'directory') settle(node, unflushed);
    else settleFile(node, unflushed);
  }
}

function settleFile(file: FileNode, unflushed: 'lost' | 'torn' | 'kept'): void {
  const halfway = file.durable.length + Math.floor((file.cache.length - file.durable.length) / 2);
  if (unflushed === 'kept') file.durable = file.cache;
  if (unflushed === 'torn') file.durable = file.cache.slice(0, halfway);
  file.cache = file.durable;
  file.forgotten = false;
}

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: simulated`), { code });
}
