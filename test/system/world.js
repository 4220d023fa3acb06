// A trust with three custodians, two media and requests, in a directory of its own, and the commands run in it.
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const program = fileURLToPath(new URL('../../bin/breakglass.js', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'breakglass-system-'));
execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', root]);
/** Requests that nothing was minted for yet are `request-1.json` to this one; the two after it were used. */
const requestsPerWorld = 4;
const templates = new Map();
let count = 0;

/** A fresh copy of a world in which two tokens were minted before. `which` names another trust. */
export async function newWorld(which = 'first') {
  if (!templates.has(which)) templates.set(which, makeTemplate(which));
  const template = await templates.get(which);
  const dir = join(root, `world-${String(++count).padStart(4, '0')}`);
  cpSync(template.dir, dir, { recursive: true });
  // Where the media were when they were last written.
  const known = join(dir, 'state/media.json');
  writeFileSync(known, readFileSync(known, 'utf8').replaceAll(template.dir, dir));
  return openWorld(dir);
}

/** An empty directory below the folder of all worlds. */
export function newFolder(name) {
  const dir = join(root, `${name}-${++count}`);
  mkdirSync(dir);
  return dir;
}

export function closeWorlds() {
  const mounted = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '');
  for (const path of mounted.filter((at) => at.startsWith(root)).reverse()) execFileSync('umount', ['-l', path]);
  rmSync(root, { recursive: true, force: true });
}

/**
 * Runs a command line in `dir` with stdin from /dev/null and both outputs to files, so that Node.js has no reason to ask what kind of
 * socket they are. Resolves with status, signal, stdout and stderr.
 */
export function run(dir, argv) {
  return start(dir, argv).ended;
}

/** Starts a command line, or that which a function makes of the output files; `ended` resolves as that of `run`. */
export function start(dir, argv) {
  const files = { stdout: join(dir, `stdout-${++count}`), stderr: join(dir, `stderr-${count}`) };
  const [command, ...args] = typeof argv === 'function' ? argv(files) : argv;
  const descriptors = ['/dev/null', files.stdout, files.stderr].map((path, index) =>
    openSync(path, index === 0 ? 'r' : 'wx'),
  );
  const child = spawn(command, args, { cwd: dir, stdio: descriptors, env: environment(dir) });
  for (const descriptor of descriptors) closeSync(descriptor);
  const ended = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (status, signal) =>
      resolve({
        status,
        signal,
        stdout: readFileSync(files.stdout, 'utf8'),
        stderr: readFileSync(files.stderr, 'utf8'),
        files,
      }),
    );
  });
  return { process: child, ended, files };
}

function environment(dir) {
  return { PATH: process.env.PATH, HOME: dir, TMPDIR: dir };
}

export function commandLine(...args) {
  return [process.execPath, program, ...args];
}

async function makeTemplate(which) {
  const dir = newFolder('template');
  const succeed = async (...args) => {
    const ended = await run(dir, commandLine(...args));
    if (ended.status !== 0) throw new Error(`breakglass ${args[0]} failed\n${ended.stdout}${ended.stderr}`);
    return ended.stdout;
  };
  for (const folder of ['a', 'b', 'cards', 'new/a', 'new/b', 'new/cards'])
    mkdirSync(join(dir, folder), { recursive: true });
  const policy = (await succeed('policy', 'new')).replace('maxPerDay = 12', 'maxPerDay = 1000');
  writeFileSync(join(dir, 'policy.toml'), policy);
  await succeed(...initArguments(which));
  for (let number = 1; number <= requestsPerWorld + 2; number++) {
    keepWords(dir, await succeed(...requestArguments(number)));
  }
  const world = openWorld(dir);
  for (const number of [requestsPerWorld + 1, requestsPerWorld + 2])
    await succeed(...world.mintArguments(number, { out: `token-of-${number}` }));
  return { dir };
}

/** Keeps the words that `request --json` printed beside the request, for `--confirm`. */
export function keepWords(dir, printed) {
  const { file, fingerprint } = JSON.parse(printed);
  writeFileSync(join(dir, `${file}.words`), fingerprint.words.join(' '));
}

/** `init` of a trust in the current directory, or in `dir` of it. */
export function initArguments(name, dir = '.') {
  const people = ['alice', 'bob', 'carol'].flatMap((label) => [
    '--custodian',
    label,
    '--card-dir',
    `${label}=${dir}/cards`,
  ]);
  const flags = [
    '--name',
    name,
    '--issuer',
    'https://bg.example.com',
    '--policy',
    'policy.toml',
    '--threshold',
    '2',
    ...people,
  ];
  const places = ['--medium', `${dir}/a`, '--medium', `${dir}/b`, '--state', `${dir}/state`, '--out', `${dir}/out`];
  return ['init', ...flags, ...places, '--allow-fixed', '--json'];
}

export function requestArguments(number, reason = 'the primary database is locked out') {
  const what = ['--incident', `inc-${number}`, '--subject', 'dana', '--role', 'db-admin', '--circumstance', 'outage'];
  return [
    'request',
    '--trust',
    'out/trust.jws',
    ...what,
    '--reason',
    reason,
    '--out',
    `request-${number}.json`,
    '--json',
  ];
}

/** The commands of a world in the directory that `init` filled. */
export function openWorld(dir) {
  const trailFolder = (medium) =>
    join(
      dir,
      medium,
      'BGTRAIL',
      readdirSync(join(dir, medium, 'BGTRAIL')).find((name) => /^[0-9a-f]{8}$/.test(name)),
    );
  const world = {
    dir,
    trailFolder,
    nextSeq: () => readdirSync(trailFolder('a')).filter((name) => /^\d{8}\.JWS$/.test(name)).length,
    mintArguments: (number, options = {}) => mintArguments(dir, number, options),
    mint: (number, options = {}) => run(dir, commandLine(...mintArguments(dir, number, options))),
    breakglass: (...args) => run(dir, commandLine(...args)),
    /** SHA-256 of the tokens that the records on a medium issue. */
    issuedOn: (medium) => issuedIn(trailFolder(medium)),
    /** Mints with a new request and checks the trail against the head code that came out. */
    mintsAndAudits: (number, options = {}) => mintsAndAudits(world, number, options),
    close: () => rmSync(dir, { recursive: true, force: true }),
  };
  return world;
}

/** Flags of `mint` that need no person. `out` writes the token to a file, `extra` comes last. */
function mintArguments(
  dir,
  number,
  {
    out,
    media = ['a', 'b'],
    shares = ['alice', 'bob'],
    extra = ['--allow-fixed'],
    json = false,
    trust = 'out/trust.jws',
  },
) {
  const file = `request-${number}.json`;
  const flags = [
    '--request',
    file,
    ...(trust === null ? [] : ['--trust', trust]),
    '--state',
    'state',
    '--confirm',
    readFileSync(join(dir, `${file}.words`), 'utf8'),
  ];
  const places = media.flatMap((path) => ['--medium', path]);
  const cards = shares.flatMap((share) => ['--share', share.includes('/') ? share : `cards/${share}.share`]);
  const clock = new Date().toISOString().replace(/\.\d+/, '');
  const delivery = [...(out ? ['--out', out] : []), ...(json ? ['--json'] : [])];
  return ['mint', ...flags, ...places, ...cards, '--clock', clock, '--head', 'none', ...delivery, ...extra];
}

/** Every compact JWS of typ breakglass+jwt in a text. */
export function tokensIn(text) {
  const found = text.match(/eyJ[\w-]+\.eyJ[\w-]+\.[\w-]{20,}/g) ?? [];
  return found.filter((token) => JSON.parse(Buffer.from(token.split('.')[0], 'base64url')).typ === 'breakglass+jwt');
}

export function tokensInFile(path) {
  return existsSync(path) ? tokensIn(readFileSync(path, 'utf8')) : [];
}

export function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The payload of a record file, or undefined when it is torn. */
export function readRecord(path) {
  try {
    return JSON.parse(Buffer.from(readFileSync(path, 'utf8').split('.')[1] ?? '', 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}

export function recordsIn(folder) {
  const names = readdirSync(folder).filter((name) => /^\d{8}\.JWS$/.test(name));
  return names.sort().map((name) => readRecord(join(folder, name)));
}

function issuedIn(folder) {
  return new Set(recordsIn(folder).flatMap((record) => (record?.tokens ?? []).map((token) => token.sha256)));
}

async function mintsAndAudits(world, number, options) {
  const minted = await world.mint(number, { ...options, json: true });
  if (minted.status !== 0)
    throw new Error(`the next mint does not succeed (${minted.status})\n${minted.stdout}${minted.stderr}`);
  const product = JSON.parse(minted.stdout);
  const audit = await world.breakglass(
    'audit-check',
    'a',
    'b',
    '--trust',
    'out/trust.jws',
    '--head',
    product.headCode.words.join(' '),
    '--json',
  );
  const report = JSON.parse(audit.stdout);
  if (audit.status !== 0 || report.verdict !== 'intact')
    throw new Error(`the trail is ${report.verdict}\n${JSON.stringify(report.findings, null, 1)}`);
  return { product, report, stderr: minted.stderr };
}
