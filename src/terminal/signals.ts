/** Signals that ask this process to end, held until a prompt can answer them. */
export interface HeldSignals {
  /** The first one that came since the outermost hold. */
  readonly received: NodeJS.Signals | undefined;
  release(): void;
}

const signals = ['SIGTERM', 'SIGHUP'] as const;

let holds = 0;
let received: NodeJS.Signals | undefined;

/**
 * From here on SIGTERM and SIGHUP do not end the process: the next prompt does, and what it leaves behind is still written. A
 * terminal that is closed sends SIGHUP more than once, so the second one must not cut off what the first one began. Calls nest.
 */
export function holdSignals(): HeldSignals {
  if (holds++ === 0) for (const signal of signals) process.on(signal, remember);
  let held = true;
  return {
    get received() {
      return received;
    },
    release: () => {
      if (!held) return;
      held = false;
      if (--holds > 0) return;
      for (const signal of signals) process.off(signal, remember);
      received = undefined;
    },
  };
}

function remember(signal: NodeJS.Signals): void {
  received ??= signal;
}
