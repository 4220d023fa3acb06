import { spawnSync } from 'node:child_process';
import { createHash, verify } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatBase64url, sha256 } from '../../src/base/bytes.ts';
import { type DeniableToken, type Denials, indexDenials } from '../../src/revocation/denials.ts';
import { formatLines, readRevocations } from '../../src/revocation/list.ts';
import { type DenyEntry, sealStatement } from '../../src/revocation/statement.ts';
import { denial, exampleClaims, type Fixture, makeFixture, statement } from '../token/fixture.ts';
import { median, medianTimes, nodeAlone, runNode } from './measure.ts';
import { type Bench, type Goal, type Measurement, type Metric, metric } from './metric.ts';

const million = 1_000_000;
/**
 * What is looked up are tokens whose signature held (docs/format.md §8): minted by a quorum, each of them new once and judged again
 * at every request. A service sees far fewer than these at a time, and far more requests of each.
 */
const used = { tokens: 1_000, times: 5 };
/** First requests alone: of each token, what no cache of the processor holds yet. */
const unseen = { tokens: 4_000, times: 1 };
const rounds = 101;
const entriesAStatement = 4000;

/** Denials: how fast one is found among many, how fast many are loaded, and how long one kill takes from start to end. */
export const revocations: Measurement = async (bench) => {
  const fixture = await makeFixture('ES256');
  return [...lookups(fixture), ...(await load(fixture)), ...(await timeToKill(bench))];
};

/** The id that entry `n` denies: as random as a real one, and a string of its own each time. */
function idOf(n: number): string {
  return formatBase64url(sha256(`id ${n}`).subarray(0, 16));
}

function entryOf(n: number): DenyEntry {
  return denial({ kind: 'jti', value: idOf(n) });
}

function lookups(fixture: Fixture): Metric[] {
  const many = indexDenials(Array.from({ length: million }, (_, n) => entryOf(n)));
  const few = indexDenials(Array.from({ length: 10 }, (_, n) => entryOf(n)));
  const ratio = (name: string, seen: Seen, goal?: Goal) => {
    const times = { many: [] as number[], few: [] as number[] };
    for (let round = -1; round < rounds; round++) {
      const inFew = timeOf(few, tokens(fixture, round, 10, seen), seen);
      const inMany = timeOf(many, tokens(fixture, round, million, seen), seen);
      if (round < 0) continue;
      times.many.push(inMany);
      times.few.push(inFew);
    }
    const perSecond = (milliseconds: number) => (seen.tokens * seen.times * 1000) / milliseconds;
    const against = { value: perSecond(median(times.few)), what: 'with 10 entries' };
    return metric(name, perSecond(median(times.many)), '/s', goal ? { against, goal } : { against });
  };
  return [
    ratio('denial lookups, 10^6 entries', { ...used, deniedOf: 100 }, { sign: '>=', limit: 0.7 }),
    ratio('the same, first requests alone', { ...unseen, deniedOf: 100 }),
    ratio('the same, first requests, all denied', { ...unseen, deniedOf: 1 }),
  ];
}

interface Seen {
  readonly tokens: number;
  /** How often each is looked up, one after the other; the first time it is new. */
  readonly times: number;
  /** One in so many is denied. */
  readonly deniedOf: number;
}

/** Every token is new in every round, as a service parses it: nothing of it has been looked up before. */
function tokens(fixture: Fixture, round: number, entries: number, { tokens: count, deniedOf }: Seen): DeniableToken[] {
  const { iat, sub, aud, roles, breakglass } = exampleClaims(fixture);
  return Array.from({ length: count }, (_, n) => {
    const known = (n * 7919 + (round + 1) * 104_729) % entries;
    const jti = n % deniedOf === 0 ? idOf(known) : idOf(million + n + (round + 1) * count + entries);
    const claims = { iat, sub, aud, roles, jti, breakglass };
    return JSON.parse(JSON.stringify({ kid: fixture.token.kid, claims })) as DeniableToken;
  });
}

function timeOf(denials: Denials, candidates: readonly DeniableToken[], { times, deniedOf }: Seen): number {
  let denied = 0;
  const started = performance.now();
  for (let time = 0; time < times; time++) {
    for (const candidate of candidates) if (denials.find(candidate)) denied += 1;
  }
  const milliseconds = performance.now() - started;
  if (denied !== (times * candidates.length) / deniedOf) throw new Error(`${denied} were denied`);
  return milliseconds;
}

async function load(fixture: Fixture): Promise<Metric[]> {
  const lines: string[] = [];
  for (let from = 0; from < million; from += entriesAStatement) {
    const deny = Array.from({ length: entriesAStatement }, (_, n) => entryOf(from + n));
    lines.push(await sealStatement(statement(fixture, { deny }), fixture.revoker));
  }
  const file = formatLines(lines);
  const signed = lines.map((line) => [line.slice(0, line.lastIndexOf('.')), line.slice(line.lastIndexOf('.') + 1)]);
  const [loading = 0, verifying = 0, hashing = 0] = await medianTimes(
    [
      () => {
        if (readRevocations(file, fixture.trust).entries.length !== million) throw new Error('entries are missing');
      },
      () => {
        for (const [input = '', signature = ''] of signed)
          verify(null, Buffer.from(input, 'latin1'), fixture.revoker.public.key, Buffer.from(signature, 'base64url'));
      },
      () => void createHash('sha256').update(file).digest(),
    ],
    3,
  );
  return [
    metric('load of 10^6 denials', loading / 1000, 's', {
      against: { value: verifying / 1000, what: 'Ed25519 alone over their lines' },
    }),
    metric('load of 10^6 denials', loading / 1000, 's', { against: { value: hashing / 1000, what: 'sha256 alone' } }),
  ];
}

const passphrase = 'bench of a commander';

/** From the start of one process to the list that denies; most of it is the passphrase, whose work is meant to be slow. */
async function timeToKill({ root, dir }: Bench): Promise<Metric[]> {
  const command = join(root, 'bin/breakglass.js');
  makeTrust(command, dir);
  const by = ['--trust', join(dir, 'out/trust.jws'), '--state', join(dir, 'desk')];
  const list = (name: string) => ['--list', join(dir, name), '--send-to', join(dir, 'watched')];
  mkdirSync(join(dir, 'watched'));
  let count = 0;
  const signed = () => {
    const incident = `inc-${++count}`;
    const key = ['--key', join(dir, 'out/erin.revoker.age'), '--passphrase-fd', '0'];
    runWith(`${passphrase}\n`, [command, 'revoke', '--incident', incident, ...key, ...by, ...list('revocations.jws')]);
  };
  signed();
  const kill = join(dir, 'inc.kill.jws');
  writeFileSync(kill, readFileSync(join(dir, 'revocations.jws'), 'latin1').trimEnd().split('\n').at(-1) ?? '');
  const published = () => void runNode([command, 'revoke', '--kill', kill, ...by, ...list(`list-${++count}.jws`)]);
  const [bySigning = 0, byFile = 0, node = 0] = await medianTimes([signed, published, nodeAlone], 9);
  const against = { value: node, what: 'node -e 0' };
  return [
    metric('time-to-kill, by a key under its passphrase', bySigning, 'ms', { against }),
    metric('time-to-kill, by a kill file', byFile, 'ms', { against }),
  ];
}

function makeTrust(command: string, dir: string): void {
  for (const name of ['a', 'b', 'cards']) mkdirSync(join(dir, name));
  const at = (name: string) => join(dir, name);
  runNode([command, 'policy', 'new', at('policy.toml')]);
  const people = ['alice', 'bob', 'carol'].flatMap((label) => [
    '--custodian',
    label,
    '--card-dir',
    `${label}=${at('cards')}`,
  ]);
  const places = [
    '--medium',
    at('a'),
    '--medium',
    at('b'),
    '--allow-fixed',
    '--state',
    at('state'),
    '--out',
    at('out'),
  ];
  const about = [
    '--name',
    'bench',
    '--issuer',
    'https://bench.invalid',
    '--threshold',
    '2',
    '--policy',
    at('policy.toml'),
  ];
  const commander = ['--revoker', 'erin', '--passphrase-fd', '0'];
  runWith(`${passphrase}\n`, [command, 'init', ...about, ...people, ...places, ...commander]);
  cpSync(at('out/revocations.jws'), at('revocations.jws'));
}

function runWith(input: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(process.execPath, args, { input, encoding: 'utf8' });
  if (status !== 0) throw new Error(`node ${args.join(' ')}\nended with ${status}\n${stderr}`);
}
