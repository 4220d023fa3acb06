import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatTime } from '../../src/base/time.ts';
import { startingPolicy } from '../../src/trust/policy-file.ts';
import { medianTimes, nodeAlone, runNode } from './measure.ts';
import { type Bench, type Measurement, metric } from './metric.ts';

const rounds = 21;
const custodians = ['alice', 'bob', 'carol'];

/** The machine's part of a whole `mint`, nobody waited for: three plain share files, two plain folders as media. */
export const mintTime: Measurement = async (bench) => {
  const ceremony = initialize(bench);
  const requests = Array.from({ length: rounds + 1 }, (_, number) => writeRequest(ceremony, number));
  const mintNext = () => mint(ceremony, requests.pop());
  const [time = 0, node = 0] = await medianTimes([mintNext, nodeAlone], rounds);
  return [
    metric('mint with plain share files', time, 'ms', {
      against: { value: node, what: 'node -e 0' },
      goal: { sign: '<=', limit: 5 },
    }),
  ];
};

interface Ceremony {
  readonly program: string;
  readonly dir: string;
  readonly mediumFlags: readonly string[];
  readonly shareFlags: readonly string[];
}

interface WrittenRequest {
  readonly file: string;
  readonly fingerprint: { readonly words: readonly string[] };
}

function initialize({ root, dir }: Bench): Ceremony {
  const program = join(root, 'bin/breakglass.js');
  const media = ['stick-a', 'stick-b'].map((name) => join(dir, name));
  for (const path of [...media, ...custodians.map((label) => join(dir, label))]) mkdirSync(path);
  writeFileSync(join(dir, 'policy.toml'), startingPolicy.replace('maxPerDay = 12', 'maxPerDay = 1000'));
  const mediumFlags = [...media.flatMap((path) => ['--medium', path]), '--allow-fixed'];
  const people = custodians.flatMap((label) => ['--custodian', label, '--card-dir', `${label}=${join(dir, label)}`]);
  const places = ['--state', join(dir, 'state'), '--out', join(dir, 'out')];
  const trust = ['--name', 'Benchmark', '--issuer', 'https://breakglass.example.com', '--threshold', '3'];
  runNode([program, 'init', ...trust, '--policy', join(dir, 'policy.toml'), ...people, ...mediumFlags, ...places]);
  return { program, dir, mediumFlags, shareFlags: custodians.flatMap((label) => ['--share', shareFile(dir, label)]) };
}

function shareFile(dir: string, label: string): string {
  return join(dir, label, readdirSync(join(dir, label))[0] ?? '');
}

function writeRequest({ program, dir }: Ceremony, number: number): WrittenRequest {
  const file = join(dir, `${number}.request.json`);
  const what = ['--incident', 'inc-1', '--subject', 'dana', '--role', 'db-admin', '--circumstance', 'outage'];
  const reason = ['--reason', 'the primary does not come up again'];
  const trust = ['--trust', join(dir, 'out/trust.jws')];
  const written = runNode([program, 'request', ...trust, ...what, ...reason, '--out', file, '--json']);
  return { file, fingerprint: JSON.parse(written).fingerprint };
}

function mint({ program, dir, mediumFlags, shareFlags }: Ceremony, request: WrittenRequest | undefined): void {
  if (!request) throw new TypeError('one request a round');
  const confirmed = ['--confirm', request.fingerprint.words.join(' '), '--head', 'none'];
  const clock = ['--clock', formatTime(Math.floor(Date.now() / 1000))];
  const out = `${request.file}.token`;
  const places = ['--state', join(dir, 'state'), ...mediumFlags, '--out', out];
  runNode([program, 'mint', '--request', request.file, ...shareFlags, ...confirmed, ...clock, ...places]);
  if (readFileSync(out).length === 0) throw new Error('mint wrote no token');
}
