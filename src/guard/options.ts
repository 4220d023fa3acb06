import { BreakglassError } from '../base/errors.ts';
import { isPrintable } from '../base/text.ts';
import type { Seconds } from '../base/time.ts';
import { type Clocks, processClocks } from './clock.ts';
import { describeEvent, type GuardEvent } from './events.ts';

/** Where the uses go (docs/format.md §13). */
export interface UseLogPlace {
  /** The file of this guard alone: two replicas have two. */
  readonly path: string;
  /** What auditors call this guard: an identifier. */
  readonly name: string;
  /** The guard's own key, made at first use; default: `PATH.key`. */
  readonly keyFile?: string;
  /** Where the same lines go outside the service, so that they survive the incident: a path, or a function. */
  readonly secondSink?: string | ((line: Uint8Array) => void | Promise<void>);
  /** Default 64 MiB. */
  readonly maxBytes?: number;
}

export interface GuardOptions {
  /** Where `trust.jws` is: a path or an `https:` address, or several. Watched. */
  readonly trust: string | readonly string[];
  /** The trust id to believe, 64 hex digits, as `breakglass trust show` prints it; without it, the first file that is seen is believed. */
  readonly trustId?: string;
  /** Who we are: the `audience` of the policy's roles for this service. */
  readonly audience: string;
  readonly mode: 'production' | 'drill';
  /** Where `revocations.jws` is: a path or an `https:` address, or several, of which any that is fresh will do. Watched. */
  readonly revocations: string | readonly string[];
  /** A folder of this service in which the guard remembers what it accepted, so that no restart brings anything back. */
  readonly state: string;
  /** `null`: uses are not recorded here. Whoever says so answers for it to the auditors. */
  readonly useLog: UseLogPlace | null;
  /**
   * How clients address this service, for proofs of possession: `https://db.example.com`, with the path that a proxy takes away before
   * we see it. Default: the origin of the audience.
   */
  readonly origin?: string;
  /** Break-glass closes when no source of revocations could be read whole for so long. Default 300. */
  readonly maxStaleSeconds?: Seconds;
  /** How often addresses are asked, give or take a fifth. Default 5. */
  readonly intervalSeconds?: Seconds;
  /** How often files are looked at besides being watched. Default 0.5. */
  readonly pollSeconds?: Seconds;
  /** Ask for a nonce in proofs (RFC 9449 §8). Off by default: replicas share nothing, so a client must come back to the same one. */
  readonly nonces?: 'required' | 'off';
  /** Tokens whose signature was right and is not verified again while the trust version stands. Default 1,024; 0 for none. */
  readonly rememberTokens?: number;
  /** Default: one line on standard error for what somebody should know. */
  readonly onEvent?: (event: GuardEvent) => void;
  readonly clocks?: Clocks;
  /** From 0 to 1, for the jitter of intervals. */
  readonly random?: () => number;
}

export interface GuardSettings {
  readonly trust: readonly string[];
  readonly trustId: string | null;
  readonly audience: string;
  readonly mode: 'production' | 'drill';
  readonly revocations: readonly string[];
  readonly state: string;
  readonly useLog: UseLogPlace | null;
  readonly origin: string | null;
  readonly maxStaleSeconds: Seconds;
  readonly intervalMs: number;
  readonly pollMs: number;
  readonly nonces: 'required' | 'off';
  readonly rememberTokens: number;
  /** Somebody hears of uses: a log, or an observer. */
  readonly usesWanted: boolean;
  readonly onEvent: (event: GuardEvent) => void;
  readonly clocks: Clocks;
  readonly random: () => number;
}

/** The options with their defaults. Throws `BAD_INPUT` for what can never work: a mistake of whoever wrote the service. */
export function settle(options: GuardOptions): GuardSettings {
  const { audience, mode, trustId } = options;
  if (typeof audience !== 'string' || !isPrintable(audience))
    throw bad('audience', 'give the audience of the roles for this service, as the policy says it');
  if (mode !== 'production' && mode !== 'drill') throw bad('mode', 'say production or drill');
  if (trustId !== undefined && !/^[0-9a-f]{64}$/.test(trustId)) throw bad('trustId', 'give 64 lower-case hex digits');
  if (typeof options.state !== 'string' || options.state === '') throw bad('state', 'name a folder of this service');
  if (options.useLog === undefined) throw bad('useLog', 'say where uses are recorded, or null');
  return {
    trust: places(options.trust, 'trust'),
    trustId: trustId ?? null,
    audience,
    mode,
    revocations: places(options.revocations, 'revocations'),
    state: options.state,
    useLog: options.useLog,
    origin: originOf(options),
    maxStaleSeconds: positive(options.maxStaleSeconds ?? 300, 'maxStaleSeconds'),
    intervalMs: 1000 * positive(options.intervalSeconds ?? 5, 'intervalSeconds'),
    pollMs: 1000 * positive(options.pollSeconds ?? 0.5, 'pollSeconds'),
    nonces: options.nonces ?? 'off',
    rememberTokens: options.rememberTokens ?? 1024,
    usesWanted: options.useLog !== null || options.onEvent !== undefined,
    onEvent: guarded(options.onEvent ?? writeEvent),
    clocks: options.clocks ?? processClocks,
    random: options.random ?? Math.random,
  };
}

function places(value: string | readonly string[], name: string): readonly string[] {
  const list = typeof value === 'string' ? [value] : value;
  if (Array.isArray(list) && list.length > 0 && list.every((place) => typeof place === 'string' && place !== ''))
    return list;
  throw bad(name, 'give a path or an address');
}

function originOf({ origin, audience }: GuardOptions): string | null {
  if (origin === undefined)
    return URL.canParse(audience) && /^https?:/.test(audience) ? new URL(audience).origin : null;
  const url = URL.canParse(origin) ? new URL(origin) : undefined;
  if (url && /^https?:$/.test(url.protocol) && url.search === '' && url.hash === '' && url.username === '')
    return `${url.origin}${url.pathname.replace(/\/$/, '')}`;
  throw bad('origin', 'give it as https://HOST, with port and path if there are any');
}

function positive(value: number, name: string): number {
  if (typeof value === 'number' && value > 0 && value < 1_000_000) return value;
  throw bad(name, 'give a number of seconds');
}

// An observer that fails must not open or close anything.
function guarded(onEvent: (event: GuardEvent) => void): (event: GuardEvent) => void {
  return (event) => {
    try {
      onEvent(event);
    } catch (error) {
      process.emitWarning(`onEvent of the guard threw: ${error instanceof Error ? error.message : 'unknown'}`);
    }
  };
}

function writeEvent(event: GuardEvent): void {
  const line = describeEvent(event);
  if (line !== undefined) process.stderr.write(`${line}\n`);
}

function bad(name: string, hint: string): BreakglassError {
  return new BreakglassError('BAD_INPUT', `the option ${name} of createGuard is missing or wrong`, {
    hint: `${hint}. No guard was made.`,
  });
}
