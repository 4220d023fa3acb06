import { BreakglassError } from '../base/errors.ts';
import { writeAll } from './voice.ts';

/** Signals that ask this process to end, as a ceremony sees them: it asks between two steps, never inside of one. */
export interface Signals {
  /** The first one that came, what was sent before this call included. */
  arrived(): Promise<NodeJS.Signals | undefined>;
}

/** Signals that do not end the process by themselves until they are released. */
export interface HeldSignals extends Signals {
  /** The first one that was noticed since the outermost hold. */
  readonly received: NodeJS.Signals | undefined;
  release(): void;
}

/** For what holds no signals: they end the process as they always do. */
export const noSignals: Signals = { arrived: async () => undefined };

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

// One request to end may be delivered twice: timeout(1) and npm send it to the process and to its group.
const sameRequestMilliseconds = 500;

let holds = 0;
let received: NodeJS.Signals | undefined;
const firstAt = new Map<NodeJS.Signals, number>();

/**
 * From here on SIGINT, SIGTERM and SIGHUP do not end the process: the next prompt, wait or step of a ceremony does, and what it
 * leaves behind is still written. The same signal again ends it at once, but not SIGHUP: a terminal that is closed sends more than
 * one, and the second must not cut off what the first one began. Calls nest.
 */
export function holdSignals(): HeldSignals {
  if (holds++ === 0) listen();
  let held = true;
  return {
    get received() {
      return received;
    },
    arrived: async () => {
      await turnOfLoop();
      return received;
    },
    release: () => {
      if (!held) return;
      held = false;
      if (--holds > 0) return;
      stopListening();
      received = undefined;
      firstAt.clear();
    },
  };
}

/** Runs a ceremony, and what is said of it afterwards, with signals held. */
export async function holdingSignals<T>(work: (held: Signals) => Promise<T>): Promise<T> {
  const held = holdSignals();
  try {
    return await work(held);
  } finally {
    held.release();
  }
}

/** Runs what may block for ever and hears nothing: meanwhile signals end the process as they always do. */
export function withoutHeldSignals<T>(work: () => T): T {
  stopListening();
  try {
    return work();
  } finally {
    if (holds > 0) listen();
  }
}

/** Throws `ABORTED` once a signal has come. */
export async function endIfAsked(asked: Signals): Promise<void> {
  const signal = await asked.arrived();
  if (signal) throw stoppedBy(signal);
}

export function stoppedBy(signal: NodeJS.Signals): BreakglassError {
  return new BreakglassError('ABORTED', `stopped by ${signal}`, {
    hint: 'nothing more was done. Run the same command again to start over.',
  });
}

function listen(): void {
  for (const signal of signals) process.on(signal, remember);
}

function stopListening(): void {
  for (const signal of signals) process.off(signal, remember);
}

function remember(signal: NodeJS.Signals): void {
  const now = performance.now();
  const first = firstAt.get(signal);
  received ??= signal;
  if (first === undefined) firstAt.set(signal, now);
  else if (signal !== 'SIGHUP' && now - first > sameRequestMilliseconds) endNow(signal);
}

// People must always be able to get out. A third signal meets the default action, should this exit wait for something too.
function endNow(signal: NodeJS.Signals): void {
  stopListening();
  const text = `breakglass: ended at once by a second ${signal}\nhint: this attempt may not be on the record, and a step may be half done: the next ceremony finds and mends it.\n`;
  writeAll(2, Buffer.from(text));
  process.exit(130);
}

// The first callback may still belong to a turn that has looked for signals before.
async function turnOfLoop(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
}
