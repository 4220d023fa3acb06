import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startingPolicy } from '../../src/trust/policy-file.ts';
import { formatRequest, type Request, requestFingerprint } from '../../src/trust/request.ts';
import { buildProgram, type Program, type Run, type RunOptions, runProgram } from './program.ts';

export const custodians = ['alice', 'bob', 'carol', 'erin', 'frank'] as const;
export type Custodian = (typeof custodians)[number];

export const audience = 'https://db.prod.example.com';
export const reason = 'the identity provider is down since noon';

/** frank may get access too, so that there is somebody whose own share does not count. */
export const policy = startingPolicy.replace('frank = ["custodian"]', 'frank = ["custodian", "responder"]');

/** A folder with a trust in it: policy.toml, state/, out/, the media a/ and b/, and cards/LABEL.share. */
export interface Scene {
  readonly dir: string;
  readonly program: Program;
  path(...names: string[]): string;
  run(args: readonly string[], options?: RunOptions): Promise<Run>;
  /** A copy of this scene as it stands now. */
  copy(): Scene;
}

export interface Scenes {
  /** One trust, for tests to copy. */
  readonly origin: Scene;
  /** Before there is a trust: the policy and two blank media. */
  fresh(): Scene;
  remove(): void;
}

/** Builds the command and holds one init; `remove` deletes both, all copies and all fresh scenes. */
export async function openScenes(): Promise<Scenes> {
  const program = await buildProgram();
  const top = mkdtempSync(join(tmpdir(), 'breakglass-scenes-'));
  const origin = sceneIn(program, emptyFolder(top), top);
  await makeTrust(origin);
  return {
    origin,
    fresh: () => sceneIn(program, emptyFolder(top), top),
    remove: () => {
      program.remove();
      rmSync(top, { recursive: true, force: true });
    },
  };
}

function emptyFolder(top: string): string {
  const dir = mkdtempSync(join(top, 'scene-'));
  for (const name of ['a', 'b', 'cards', 'home']) mkdirSync(join(dir, name));
  writeFileSync(join(dir, 'policy.toml'), policy);
  return dir;
}

function sceneIn(program: Program, dir: string, top: string): Scene {
  return {
    dir,
    program,
    path: (...names) => join(dir, ...names),
    run: (args, options) => runProgram(program, dir, args, options),
    copy: () => {
      const target = mkdtempSync(join(top, 'scene-'));
      cpSync(dir, target, { recursive: true });
      return sceneIn(program, target, top);
    },
  };
}

/** The flags of an init without a terminal: three of five, every share in a file of its own. */
export const initFlags: readonly string[] = [
  ...['init', '--name', 'Acme production', '--issuer', 'https://breakglass.acme.example', '--policy', 'policy.toml'],
  ...['--threshold', '3', ...custodians.flatMap((label) => ['--custodian', label, '--card-dir', `${label}=cards`])],
  ...['--medium', 'a', '--medium', 'b', '--state', 'state', '--out', 'out', '--allow-fixed'],
];

export async function makeTrust(scene: Scene): Promise<Run> {
  const run = await scene.run([...initFlags, '--json']);
  if (run.status !== 0) throw new Error(`init failed: ${run.stderr}`);
  return run;
}

export interface WrittenRequest {
  readonly file: string;
  readonly id: string;
  /** The 12 words, as they are read out. */
  readonly words: string;
}

let requestNumber = 0;

/** Writes a request, good unless `flags` say otherwise (a flag given again wins). */
export async function writeRequest(scene: Scene, flags: readonly string[] = []): Promise<WrittenRequest> {
  const file = `request-${++requestNumber}.json`;
  const run = await scene.run([
    ...['request', '--trust', 'out/trust.jws', '--incident', 'inc-1', '--subject', 'dana', '--role', 'db-admin'],
    ...['--circumstance', 'outage', '--reason', reason, '--out', file, '--json', ...flags],
  ]);
  if (run.status !== 0) throw new Error(`request failed: ${run.stderr}`);
  const { id, fingerprint } = json(run) as { id: string; fingerprint: { words: string[] } };
  return { file, id, words: fingerprint.words.join(' ') };
}

/** A request that was changed after it was written; its words are those of before unless `words` says `new`. */
export function changeRequest(
  scene: Scene,
  request: WrittenRequest,
  change: Partial<Request>,
  words: 'old' | 'new',
): WrittenRequest {
  const changed = { ...(JSON.parse(readFileSync(scene.path(request.file), 'utf8')) as Request), ...change };
  writeFileSync(scene.path(request.file), formatRequest(changed));
  return { ...request, words: words === 'old' ? request.words : requestFingerprint(changed).words.join(' ') };
}

/** The flags of a mint without a terminal, with everything in order. */
export function mintFlags(request: WrittenRequest, shares: readonly string[] = goodShares): string[] {
  return [
    ...['mint', '--request', request.file, '--state', 'state', '--medium', 'a', '--medium', 'b', '--allow-fixed'],
    ...shares.flatMap((file) => ['--share', file]),
    ...['--confirm', request.words, '--clock', now(), '--head', 'none'],
  ];
}

export const goodShares: readonly string[] = ['alice', 'bob', 'carol'].map((label) => `cards/${label}.share`);

export function now(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, 'Z');
}

/** Resolves in another second than this one: what was due at once is overdue. */
export async function nextSecond(): Promise<void> {
  for (const second = now(); now() === second; ) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Mints a token to `token` in the scene; resolves with what `--json` said. */
export async function mintToken(scene: Scene, flags: readonly string[] = []): Promise<MintJson> {
  const request = await writeRequest(scene, flags.includes('--drill') ? ['--drill'] : []);
  const run = await scene.run([...mintFlags(request), '--json', ...flags]);
  if (run.status !== 0) throw new Error(`mint failed: ${run.stderr}`);
  return json(run) as MintJson;
}

export interface MintJson {
  readonly token: string;
  readonly record: { readonly seq: number; readonly sha256: string };
  readonly headCode: { readonly seq: number; readonly words: readonly string[] };
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
  readonly mended: readonly { readonly medium: string; readonly seq: number }[];
}

export function json(run: Run): unknown {
  return JSON.parse(run.stdout);
}

/** The codes of `errors` on standard output: the rule where a rule was broken. */
export function errorCodes(run: Run): string[] {
  const { errors } = json(run) as { errors: { code: string; rule?: string }[] };
  return errors.map(({ code, rule }) => rule ?? code);
}

export type RecordJson = { readonly type: string; readonly seq: number } & Readonly<Record<string, unknown>>;

/** The records on one medium, first to last. */
export function recordsOn(scene: Scene, medium: string): RecordJson[] {
  const folder = trailFolderOf(scene, medium);
  return readdirSync(folder)
    .filter((name) => /^\d{8}\.JWS$/.test(name))
    .sort()
    .map((name) => payloadOf(readFileSync(join(folder, name), 'utf8')) as RecordJson);
}

/** What a compact JWS says; nothing of it is checked. */
export function payloadOf(compact: string): unknown {
  return JSON.parse(Buffer.from(compact.split('.')[1] ?? '', 'base64url').toString('utf8'));
}

/** The folder of the records on a medium. */
export function trailFolderOf(scene: Scene, medium: string): string {
  const [name = ''] = readdirSync(scene.path(medium, 'BGTRAIL')).filter((entry) => /^[0-9a-f]{8}$/.test(entry));
  return scene.path(medium, 'BGTRAIL', name);
}

/** The records that wait in the state directory. */
export function waitingRecords(scene: Scene): RecordJson[] {
  const folder = scene.path('state', 'pending');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as RecordJson);
}
