import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatTime } from '../../src/base/time.ts';
import { startingPolicy } from '../../src/trust/policy-file.ts';
import { medianTimes, nodeAlone, runNode } from './measure.ts';
import { type Measurement, metric } from './metric.ts';

const rounds = 21;
const custodians = ['alice', 'bob', 'carol'];

/**
 * The machine's part of a whole `mint`, nobody waited for: three plain share files, two plain folders as media, a trail of its
 * genesis. Every round has a copy of its own, so that all do the same work.
 */
export const mintTime: Measurement = async (bench) => {
  const program = join(bench.root, 'bin/breakglass.js');
  const origin = ceremonyIn(join(bench.dir, 'origin'));
  initialize(program, origin);
  const fingerprint = writeRequest(program, origin);
  const copies = Array.from({ length: rounds + 1 }, (_, number) => {
    const dir = join(bench.dir, String(number));
    cpSync(origin.dir, dir, { recursive: true });
    return ceremonyIn(dir);
  });
  const mintNext = () => mint(program, copies.pop(), fingerprint);
  const [time = 0, node = 0] = await medianTimes([mintNext, nodeAlone], rounds);
  return [
    metric('mint with plain share files', time, 'ms', {
      against: { value: node, what: 'node -e 0' },
      goal: { sign: '<=', limit: 5 },
    }),
  ];
};

interface Ceremony {
  readonly dir: string;
  readonly mediumFlags: readonly string[];
}

interface Fingerprint {
  readonly words: readonly string[];
}

const media = ['stick-a', 'stick-b'];

function ceremonyIn(dir: string): Ceremony {
  return { dir, mediumFlags: [...media.flatMap((name) => ['--medium', join(dir, name)]), '--allow-fixed'] };
}

function initialize(program: string, { dir, mediumFlags }: Ceremony): void {
  mkdirSync(dir);
  for (const name of [...media, ...custodians]) mkdirSync(join(dir, name));
  writeFileSync(join(dir, 'policy.toml'), startingPolicy);
  const people = custodians.flatMap((label) => ['--custodian', label, '--card-dir', `${label}=${join(dir, label)}`]);
  const places = ['--state', join(dir, 'state'), '--out', join(dir, 'out')];
  const trust = ['--name', 'Benchmark', '--issuer', 'https://breakglass.example.com', '--threshold', '3'];
  runNode([program, 'init', ...trust, '--policy', join(dir, 'policy.toml'), ...people, ...mediumFlags, ...places]);
}

function writeRequest(program: string, { dir }: Ceremony): Fingerprint {
  const what = ['--incident', 'inc-1', '--subject', 'dana', '--role', 'db-admin', '--circumstance', 'outage'];
  const reason = ['--reason', 'the primary does not come up again'];
  const files = ['--trust', join(dir, 'out/trust.jws'), '--out', join(dir, 'request.json')];
  return JSON.parse(runNode([program, 'request', ...files, ...what, ...reason, '--json'])).fingerprint;
}

function mint(program: string, ceremony: Ceremony | undefined, fingerprint: Fingerprint): void {
  if (!ceremony) throw new TypeError('one copy a round');
  const { dir, mediumFlags } = ceremony;
  const shares = custodians.flatMap((label) => ['--share', join(dir, label, `${label}.share`)]);
  const confirmed = ['--confirm', fingerprint.words.join(' '), '--head', 'none'];
  const clock = ['--clock', formatTime(Math.floor(Date.now() / 1000))];
  const out = join(dir, 'token');
  const places = ['--request', join(dir, 'request.json'), '--state', join(dir, 'state'), ...mediumFlags, '--out', out];
  runNode([program, 'mint', ...shares, ...confirmed, ...clock, ...places]);
  if (readFileSync(out).length === 0) throw new Error('mint wrote no token');
}
