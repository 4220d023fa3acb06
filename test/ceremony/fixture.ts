import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatTime } from '../../src/base/time.ts';
import { type Changed, changeTrust } from '../../src/ceremony/change.ts';
import { type Change, changeParameters } from '../../src/ceremony/change-plan.ts';
import type { Dealer } from '../../src/ceremony/dealer.ts';
import { sandboxDealer, sandboxPeople } from '../../src/ceremony/drill-people.ts';
import { init } from '../../src/ceremony/init.ts';
import type { InitPlan } from '../../src/ceremony/init-plan.ts';
import { type Minted, type MintOptions, type MintPorts, mint } from '../../src/ceremony/mint.ts';
import type { Panel, QuorumPeople } from '../../src/ceremony/people.ts';
import { openState } from '../../src/machine/state.ts';
import { realHost } from '../../src/medium/real-host.ts';
import { noSignals, type Signals } from '../../src/terminal/signals.ts';
import type { Request, TokenRequest } from '../../src/trust/request.ts';
import type { Trust } from '../../src/trust/trust-file.ts';
import { custodians, fixedRandom } from '../share/fixture.ts';
import { goodPolicy, goodRequest, noon } from '../trust/fixture.ts';

export { custodians };

/** A folder that is gone when the tests are. */
export function scratch(name: string): { readonly dir: string; readonly remove: () => void } {
  const dir = mkdtempSync(join(tmpdir(), `bg-${name}-`));
  return { dir, remove: () => rmSync(dir, { recursive: true, force: true }) };
}

/** A ceremony machine and two media, in one folder. */
export interface Scene {
  readonly dir: string;
  readonly stateDir: string;
  readonly outDir: string;
  readonly media: readonly string[];
  /** The text forms that were dealt, by custodian. */
  readonly cards: ReadonlyMap<string, Uint8Array>;
}

/** An empty machine and two blank media below `parent`. */
export function emptyScene(parent: string, cards: ReadonlyMap<string, Uint8Array> = new Map()): Scene {
  return sceneIn(emptyFolder(parent), cards);
}

function emptyFolder(parent: string): string {
  const dir = mkdtempSync(join(parent, 'scene-'));
  for (const name of ['a', 'b']) mkdirSync(join(dir, name));
  mkdirSync(join(dir, 'state'), { mode: 0o700 });
  return dir;
}

function sceneIn(dir: string, cards: ReadonlyMap<string, Uint8Array>): Scene {
  return {
    dir,
    stateDir: join(dir, 'state'),
    outDir: join(dir, 'out'),
    media: [join(dir, 'a'), join(dir, 'b')],
    cards,
  };
}

export function planFor(scene: Scene, change: Partial<InitPlan> = {}): InitPlan {
  return {
    name: 'Example production',
    issuer: 'https://breakglass.example.com',
    policy: goodPolicy(),
    threshold: 3,
    custodians,
    revokers: [],
    alg: 'ES256',
    strength: 128,
    media: scene.media.map((path, n) => ({
      id: Buffer.alloc(16, n + 1).toString('base64url'),
      label: ['a', 'b'][n] ?? '',
      path,
      removable: false,
    })),
    mediaRule: 'fixed-allowed',
    stateDir: scene.stateDir,
    outDir: scene.outDir,
    preflight: { mode: 'record', checks: [] },
    clockSource: 'sandbox',
    ...change,
  };
}

export function initPorts(dealer: Dealer, note: (text: string) => void = () => {}) {
  return { clock: { now: () => noon }, random: fixedRandom('init'), host: realHost, signals: noSignals, dealer, note };
}

/** A trust that was dealt at noon, three of five. */
export async function initialized(parent: string, change: Partial<InitPlan> = {}): Promise<Scene> {
  const cards = new Map<string, Uint8Array>();
  const scene = emptyScene(parent, cards);
  await init(planFor(scene, change), initPorts(sandboxDealer(cards)));
  return scene;
}

/** The same machine, media and cards once more, as they stand now. */
export function copyOf(scene: Scene): Scene {
  const dir = mkdtempSync(`${scene.dir}-`);
  cpSync(scene.dir, dir, { recursive: true });
  return sceneIn(dir, scene.cards);
}

/** The newest trust version of the machine. */
export function trustOf(scene: Scene): Trust {
  return openState(scene.stateDir).trust;
}

export interface ChangeAttempt {
  readonly minute?: number;
  readonly cards?: readonly string[];
  readonly request?: Partial<Request>;
  readonly people?: Partial<QuorumPeople>;
  /** Deals the new cards; without it they go to `newCards`. */
  readonly dealer?: Dealer;
  readonly destroyed?: readonly string[];
  readonly signals?: Signals;
}

export interface ChangeOutcome {
  readonly changed: Changed | undefined;
  readonly error: unknown;
  readonly newCards: Map<string, Uint8Array>;
  readonly notes: readonly string[];
  readonly panels: readonly Panel[];
  readonly asked: readonly string[];
}

/** Holds a change ceremony; people confirm everything and come with their cards. */
export async function changeIn(scene: Scene, change: Change, attempt: ChangeAttempt = {}): Promise<ChangeOutcome> {
  const name = `change ${++attempts}`;
  const random = fixedRandom(name);
  const now = noon + 60 * (attempt.minute ?? 10);
  const notes: string[] = [];
  const panels: Panel[] = [];
  const asked: string[] = [];
  const newCards = new Map<string, Uint8Array>();
  const cards = (attempt.cards ?? ['alice', 'bob', 'carol']).map(
    (label) => scene.cards.get(label) ?? new Uint8Array(0),
  );
  const people = { ...sandboxPeople(cards, () => {}), ...attempt.people };
  const request = {
    ...goodRequest({ trust: trustOf(scene).id, id: Buffer.from(random(16)).toString('base64url') }),
    ...{ kind: change.kind, incident: null, subject: null, role: null, circumstance: null, lifetimeSeconds: null },
    ...{ durationSeconds: null, holder: null, recipient: null, createdAt: formatTime(now) },
    parameters: changeParameters(change),
    ...attempt.request,
  };
  const outcome = { newCards, notes, panels, asked };
  try {
    const changed = await changeTrust(
      {
        state: openState(scene.stateDir),
        change,
        revocations: [],
        reviews: [],
        setId: Buffer.from(random(3)).toString('hex').slice(0, 5),
        outDir: scene.outDir,
        mediaPaths: scene.media,
        mediaRule: 'fixed-allowed',
        preflight: { mode: 'record', checks: [] },
        anomalies: [],
      },
      {
        clock: { now: () => now },
        random,
        host: realHost,
        signals: attempt.signals ?? noSignals,
        dealer: attempt.dealer ?? sandboxDealer(newCards),
        request: async () => request,
        destroyed: async () => attempt.destroyed ?? [],
        note: (text) => notes.push(text),
        people: {
          ...people,
          confirmRequest: (panel) => {
            panels.push(panel);
            return people.confirmRequest(panel);
          },
          nextShare: (panel, progress) => {
            asked.push('share');
            return people.nextShare(panel, progress);
          },
        },
      },
    );
    return { ...outcome, changed, error: undefined };
  } catch (error) {
    return { ...outcome, changed: undefined, error };
  }
}

export type TrailJson = { readonly type: string; readonly seq: number } & Readonly<Record<string, unknown>>;

/** What the records on a medium say, first to last. */
export function recordsOn(medium: string): TrailJson[] {
  const root = join(medium, 'BGTRAIL');
  if (!existsSync(root)) return [];
  const [folder = ''] = readdirSync(root).filter((name) => /^[0-9a-f]{8}$/.test(name));
  return readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.JWS'))
    .sort()
    .map((name) => {
      const [, payload = ''] = readFileSync(join(root, folder, name), 'latin1').split('.');
      return JSON.parse(Buffer.from(payload, 'base64url').toString()) as TrailJson;
    });
}

export interface Attempt {
  /** The minute after noon at which it begins. */
  readonly minute?: number;
  readonly request?: Partial<TokenRequest>;
  /** Whose cards come, in this order. */
  readonly cards?: readonly string[];
  readonly people?: Partial<QuorumPeople>;
  readonly options?: Partial<MintOptions>;
  readonly deliver?: MintPorts['deliver'];
  readonly signals?: Signals;
}

export interface Outcome {
  readonly minted: Minted | undefined;
  readonly error: unknown;
  readonly tokens: readonly string[];
  /** What the people were asked for, in order. */
  readonly asked: readonly string[];
  readonly panels: readonly Panel[];
  /** Codes of refused shares. */
  readonly refusals: readonly string[];
  readonly notes: readonly string[];
}

let attempts = 0;

/** Holds a mint; the request is good, the people have their cards and confirm everything, unless `attempt` says otherwise. */
export async function mintIn(scene: Scene, attempt: Attempt = {}): Promise<Outcome> {
  const name = `mint ${++attempts}`;
  const random = fixedRandom(name);
  const now = noon + 60 * (attempt.minute ?? 1);
  const seen = {
    tokens: [] as readonly string[],
    asked: [] as string[],
    panels: [] as Panel[],
    refusals: [] as string[],
    notes: [] as string[],
  };
  const cards = (attempt.cards ?? ['alice', 'bob', 'carol']).map(
    (label) => scene.cards.get(label) ?? new Uint8Array(0),
  );
  const people = { ...sandboxPeople(cards, ({ code }) => seen.refusals.push(code)), ...attempt.people };
  const request = goodRequest({
    trust: trustOf(scene).id,
    id: Buffer.from(fixedRandom(`request of ${name}`)(16)).toString('base64url'),
    createdAt: new Date(now * 1000).toISOString().replace('.000', ''),
    ...attempt.request,
  });
  const options: MintOptions = {
    state: openState(scene.stateDir),
    mode: 'production',
    mediaPaths: scene.media,
    mediaRule: 'fixed-allowed',
    startsInSeconds: 0,
    renews: null,
    revocations: [],
    reviews: [],
    killDir: scene.dir,
    preflight: { mode: 'record', checks: [] },
    anomalies: [],
    ...attempt.options,
  };
  const ports: MintPorts = {
    clock: { now: () => now },
    random,
    host: realHost,
    signals: attempt.signals ?? noSignals,
    request: async () => request,
    elapsedMs: () => 0,
    note: (text) => seen.notes.push(text),
    people: {
      headCode: () => ask('head code', () => people.headCode()),
      confirmClock: (at) => ask('clock', () => people.confirmClock(at)),
      confirmRequest: (panel) => {
        seen.panels.push(panel);
        return ask('request', () => people.confirmRequest(panel));
      },
      nextShare: (panel, progress) => ask('share', () => people.nextShare(panel, progress)),
      refused: (error, slip) => people.refused(error, slip),
      accepted: (label, progress) => people.accepted(label, progress),
      extraShare: (why, progress) => ask('extra share', () => people.extraShare(why, progress)),
    },
    prepareDelivery: () => {},
    deliver: async (tokens, recipient) => {
      seen.tokens = tokens;
      return attempt.deliver ? attempt.deliver(tokens, recipient) : 'stdout';
    },
  };
  const ask = <T>(what: string, answer: () => Promise<T>): Promise<T> => {
    seen.asked.push(what);
    return answer();
  };
  try {
    return { ...seen, minted: await mint(options, ports), error: undefined, tokens: seen.tokens };
  } catch (error) {
    return { ...seen, minted: undefined, error, tokens: seen.tokens };
  }
}
