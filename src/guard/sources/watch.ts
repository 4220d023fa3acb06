import { type FSWatcher, watch } from 'node:fs';
import { dirname } from 'node:path';

export interface Watch {
  /** Looks now, and returns after a look that began after this call. */
  look(): Promise<void>;
  close(): void;
}

export interface WatchOptions {
  /** Paths whose folders are watched; a watch on a file itself would not see it replaced. */
  readonly paths: readonly string[];
  /** How often to look in any case: not every file system tells of changes. */
  readonly everyMs: number;
  /** Each wait is longer or shorter by up to this part of it, so that replicas do not ask all at once. */
  readonly jitter: number;
  readonly random: () => number;
}

/**
 * Calls `look` soon after something changes in a folder, and every so often. `look` is never called again before it has ended; if
 * something happens meanwhile it is called once more. Its errors are its own business. Keeps no process alive.
 */
export function watchSources(options: WatchOptions, look: () => Promise<void>): Watch {
  const watchers = new Map<string, FSWatcher>();
  let closed = false;
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;

  const run = (): Promise<void> => {
    if (closed) return Promise.resolve();
    if (running) {
      next ??= running.then(() => {
        next = undefined;
        return run();
      });
      return next;
    }
    clearTimeout(timer);
    running = look().finally(() => {
      running = undefined;
      if (!closed) wait();
    });
    return running;
  };
  const wait = () => {
    watchFolders();
    const factor = 1 + options.jitter * (2 * options.random() - 1);
    clearTimeout(timer);
    timer = setTimeout(run, options.everyMs * factor);
    timer.unref();
  };
  // A folder may come later, or be replaced by another one: what fails here is tried again after the next look.
  const watchFolders = () => {
    for (const folder of new Set(options.paths.map((path) => dirname(path)))) {
      if (watchers.has(folder)) continue;
      try {
        const watcher = watch(folder, { persistent: false }, run);
        watchers.set(folder, watcher);
        watcher.on('error', () => {
          watcher.close();
          watchers.delete(folder);
        });
      } catch {
        // The interval goes on without it.
      }
    }
  };
  wait();
  return {
    look: run,
    close: () => {
      closed = true;
      clearTimeout(timer);
      for (const watcher of watchers.values()) watcher.close();
    },
  };
}
