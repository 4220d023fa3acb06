import { type LogDisk, type LogHandle, realLogDisk } from '../../../src/guard/use-log/use-log-disk.ts';

/** What goes wrong with a call: a write may first do a part of its work. */
export interface Fault {
  readonly code: string;
  /** Of a write: so many bytes arrive before it fails. */
  readonly after?: number;
}

export type DiskCall = 'write' | 'flush' | 'open' | 'rename';

/** A real disk, of which single calls fail. */
export class FaultyDisk implements LogDisk {
  /** Asked before each call, with its number among calls of its kind; a fault makes the call fail. */
  plan: (call: DiskCall, path: string) => Fault | undefined = () => undefined;
  /** While it is there, every flush waits for it: a disk that hangs. */
  hanging: Promise<void> | undefined;
  /** Writes and flushes in their order, for tests that look at it. */
  readonly calls: string[] = [];

  async open(path: string, how: 'existing' | 'new' | 'read'): Promise<LogHandle> {
    if (how !== 'read') this.#maybe('open', path);
    return this.#faulty(path, await realLogDisk.open(path, how));
  }

  async rename(from: string, to: string): Promise<void> {
    this.#maybe('rename', from);
    await realLogDisk.rename(from, to);
  }

  stat = realLogDisk.stat;
  list = realLogDisk.list;
  flushFolderOf = realLogDisk.flushFolderOf;

  #faulty(path: string, handle: LogHandle): LogHandle {
    return {
      ...handle,
      write: async (bytes) => {
        this.calls.push('write');
        const fault = this.plan('write', path);
        if (!fault) return handle.write(bytes);
        if (fault.after) await handle.write(bytes.subarray(0, fault.after));
        throw systemError(fault.code);
      },
      flush: async () => {
        this.calls.push('flush');
        this.#maybe('flush', path);
        await this.hanging;
        await handle.flush();
      },
    };
  }

  #maybe(call: DiskCall, path: string): void {
    const fault = this.plan(call, path);
    if (fault) throw systemError(fault.code);
  }
}

/** The next so many calls of a kind fail, and no others. */
export function failing(kind: DiskCall, times: number, fault: Fault): FaultyDisk['plan'] {
  let left = times;
  return (call) => (call === kind && left-- > 0 ? fault : undefined);
}

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}
