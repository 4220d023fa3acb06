import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sha256Hex } from '../../src/base/bytes.ts';
import type { Claims } from '../../src/token/claims.ts';
import type { Use } from '../../src/use/use-record.ts';
import { UseLogBuilder } from '../use/reconcile-scene.ts';
import {
  errorCodes,
  goodShares,
  json,
  makeTrust,
  mintFlags,
  mintToken,
  nextSecond,
  now,
  openScenes,
  payloadOf,
  policy,
  recordsOn,
  type Scene,
  waitingRecords,
  writeRequest,
} from './scene.ts';

/** A review is overdue as soon as it can be. */
const strict = policy.replace('within = "72h"', 'within = "0s", overdue = "extra-share"');

let scenes: Awaited<ReturnType<typeof openScenes>>;
/** grace is an auditor; record 2 issued `token`. */
let scene: Scene;
let token: string;
let log: UseLogBuilder;

beforeAll(async () => {
  scenes = await openScenes();
  scene = scenes.fresh();
  writeFileSync(scene.path('policy.toml'), strict);
  await makeTrust(scene);
  await addAuditor(scene);
  ({ token } = await mintToken(scene));
  await nextSecond();
  log = await logOf(useOf(token));
  keep(scene, log);
});
afterAll(() => scenes.remove());

async function addAuditor(to: Scene): Promise<void> {
  const made = await to.run(['review', 'new-key', 'grace', '--passphrase-fd', '3', '--json'], {
    passphrases: 'hush\n',
  });
  expect(json(made)).toEqual({
    ...{ v: 1, label: 'grace', key: 'grace.auditor.age', public: 'grace.jwk' },
    jwk: { kty: 'OKP', crv: 'Ed25519', x: expect.any(String) },
  });
  const args = [
    'policy',
    'apply',
    'policy.toml',
    '--add-auditor',
    'grace=grace.jwk',
    '--reason',
    'grace looks after us',
  ];
  const prepared = await to.run([...args, '--prepare', 'p.json', '--state', 'state', '--json']);
  const { fingerprint } = json(prepared) as { fingerprint: { words: string[] } };
  const run = await to.run([
    ...[...args, '--request', 'p.json', '--confirm', fingerprint.words.join(' '), '--head', 'none', '--clock', now()],
    ...goodShares.flatMap((share) => ['--share', share]),
    ...['--state', 'state', '--medium', 'a', '--medium', 'b', '--allow-fixed', '--out', 'out'],
  ]);
  expect([run.status, run.stderr]).toEqual([0, '']);
}

function useOf(compact: string, change: Partial<Use> = {}): Use {
  const { jti, sub, roles, nbf, breakglass } = payloadOf(compact) as Claims;
  const { kid } = JSON.parse(Buffer.from(compact.split('.')[0] ?? '', 'base64url').toString()) as { kid: string };
  const { family, sequence, incident, drill } = breakglass;
  return {
    ...{ atMs: (nbf + 1) * 1000, outcome: 'allowed', code: null, tokenSha256: sha256Hex(compact), proof: null },
    token: { jti, kid, family, sequence, incident, subject: sub, role: roles[0], drill },
    ...{ session: null, method: 'GET', route: '/', scope: 'db:read', action: null, client: '192.0.2.7' },
    ...change,
  };
}

async function logOf(...uses: Use[]): Promise<UseLogBuilder> {
  const written = await UseLogBuilder.begin((payloadOf(token) as Claims).breakglass.trail.id, { now: 1_769_932_800 });
  for (const use of uses) await written.uses(use);
  return written.close();
}

function keep(to: Scene, written: UseLogBuilder): void {
  writeFileSync(to.path('uses.jws'), written.bytes);
  writeFileSync(to.path('guard.jwk'), `${JSON.stringify(written.key.public.jwk)}\n`);
}

const trust = ['--trust', 'out/trust.jws'];
const uses = ['--uses', 'uses.jws', '--uses-key', 'guard.jwk', '--revocations', 'out/revocations.jws'];

describe('audit-check --uses', () => {
  const check = async (of: Scene, args: readonly string[]) => {
    const run = await of.run(['audit-check', 'a', 'b', ...trust, ...args, '--json']);
    const { verdict, uses: found } = json(run) as {
      verdict: string;
      uses: { verdict: string; findings: { code: string }[] };
    };
    return { status: run.status, verdict, uses: found, codes: found?.findings.map(({ code }) => code) };
  };
  const words = () => recordsOn(scene, 'a').length;

  test('uses of the tokens that the trail issued are complete', async () => {
    expect(words()).toBe(4);
    const { uses: found, verdict, status } = await check(scene, uses);
    expect(found).toEqual({
      verdict: 'complete',
      revocations: 'judged',
      logs: [
        {
          ...{ trail: log.trail, name: 'api-1', trust: expect.any(String), audience: 'https://db.prod.example.com' },
          ...{ key: log.key.kid, keyKnown: true, closed: true, omitted: [] },
          head: { seq: 2, sha256: expect.any(String), time: expect.any(String) },
        },
      ],
      ...{ uses: 1, allowed: 1, denied: 0, findings: [] },
    });
    // The verdict of the trail is its own: nothing was given that proves its end.
    expect([verdict, status]).toEqual(['not-provable', 3]);
  });

  test('a forged token is named, and decides the exit status', async () => {
    const copy = scene.copy();
    const forged = { ...useOf(token), token: { ...useOf(token).token, jti: 'A'.repeat(22) } as Use['token'] };
    keep(copy, await logOf(useOf(token), forged));
    expect(await check(copy, uses)).toMatchObject({ status: 1, verdict: 'not-provable', codes: ['USE_NOT_ISSUED'] });
    const text = await copy.run(['audit-check', 'a', 'b', ...trust, ...uses]);
    expect(text.stdout).toContain('MISUSE: a token was used as it was not issued to be.');
    expect(text.stdout).toMatch(/misuse {6}USE_NOT_ISSUED {2}.*token A{22}, log api-1, line 2: /);
  });

  test('a use after a revocation is named', async () => {
    const copy = scene.copy();
    const { nbf } = payloadOf(token) as Claims;
    const kill = await copy.run(['revoke', '--kill', 'inc-1.kill.jws', '--list', 'out/revocations.jws', ...trust]);
    expect(kill.status).toBe(0);
    const refused = useOf(token, { atMs: (nbf + 30) * 1000, outcome: 'denied', code: 'TOKEN_REVOKED' });
    keep(copy, await logOf(useOf(token), refused));
    expect((await check(copy, uses)).codes).toEqual([]);
    keep(copy, await logOf(useOf(token), refused, useOf(token, { atMs: (nbf + 60) * 1000 })));
    expect(await check(copy, uses)).toMatchObject({ status: 1, codes: ['USE_AFTER_REVOCATION'] });
  });

  test('a use record that was removed is named', async () => {
    const copy = scene.copy();
    writeFileSync(copy.path('uses.jws'), Buffer.concat(log.lines.filter((_, at) => at !== 1)));
    expect(await check(copy, uses)).toMatchObject({ status: 3, uses: { verdict: 'incomplete' } });
    expect((await check(copy, uses)).codes).toContain('USE_LINE_MISSING');
  });

  test('a folder of files is read, and without a key nobody vouches for it', async () => {
    const copy = scene.copy();
    mkdirSync(copy.path('logs'));
    writeFileSync(copy.path('logs', 'uses-00000000.jws'), Buffer.concat(log.lines.slice(0, 2)));
    writeFileSync(copy.path('logs', 'uses.jws'), log.lines[2] ?? '');
    const found = await check(copy, ['--uses', 'logs', '--revocations', 'out/revocations.jws']);
    expect(found).toMatchObject({ codes: ['USE_KEY_UNKNOWN'], uses: { verdict: 'incomplete', uses: 1 } });
  });

  test('a missing log, a key that is none, and flags that go with --uses are refused', async () => {
    const status = async (...args: string[]) => {
      const run = await scene.run(['audit-check', 'a', ...trust, ...args, '--json']);
      return [run.status, ...errorCodes(run)];
    };
    expect(await status('--uses', 'none.jws')).toEqual([2, 'NOT_FOUND']);
    expect(await status('--uses', 'uses.jws', '--uses-key', 'policy.toml')).toEqual([2, 'BAD_INPUT']);
    expect(await status('--uses-key', 'guard.jwk')).toEqual([2, 'USAGE']);
  });
});

describe('review', () => {
  const review = (of: Scene, args: readonly string[], passphrases = 'hush\n') =>
    of.run(
      [
        'review',
        'inc-1',
        '--trail',
        'a',
        '--trail',
        'b',
        ...trust,
        '--remarks',
        'as asked',
        '--passphrase-fd',
        '3',
        ...args,
      ],
      { passphrases },
    );

  test('signs what was found, for the next ceremony, which closes the debt', async () => {
    const copy = scene.copy();
    const run = await review(copy, [...uses, '--out', 'r.jws', '--json']);
    expect(run.status).toBe(0);
    const signed = {
      ...{ v: 1, trust: expect.any(String), incident: 'inc-1', auditor: 'grace', at: expect.any(Number) },
      through: { seq: 2, sha256: expect.any(String) },
      uses: [{ trail: log.trail, seq: 2, sha256: sha256Hex(log.lines[2] ?? '') }],
      ...{ findings: [], conclusion: 'in-order', remarks: 'as asked' },
    };
    expect(json(run)).toMatchObject({ v: 1, file: 'r.jws', review: signed, uses: { verdict: 'complete' } });
    expect(payloadOf(readFileSync(copy.path('r.jws'), 'utf8'))).toEqual(signed);
    expect(run.stderr).toContain('conclusion  in order');

    const minted = await copy.run([...mintFlags(await writeRequest(copy)), '--review', 'r.jws', '--json']);
    expect([minted.status, minted.stderr.includes('alarm')]).toEqual([0, false]);
    expect(recordsOn(copy, 'a').map(({ type }) => type)).toEqual([
      ...['genesis', 'policy', 'mint.issued', 'mint.released', 'review', 'mint.issued', 'mint.released'],
    ]);
    const list = json(await copy.run(['people', 'list', '--state', 'state', '--json']));
    expect(list).toMatchObject({ reviews: [{ incident: 'inc-1', records: [5] }] });
    const { findings } = json(await copy.run(['audit-check', 'a', ...trust, '--json'])) as {
      findings: { code: string }[];
    };
    expect(findings.map(({ code }) => code)).not.toContain('REVIEW_SHARE_MISSING');
  });

  test('that a mint without media took in waits, and counts in the next one', async () => {
    const copy = scene.copy();
    await review(copy, [...uses, '--out', 'r.jws']);
    const request = await writeRequest(copy);
    const flags = mintFlags(request).map((flag) => (flag === 'a' || flag === 'b' ? `no-${flag}` : flag));
    const refused = await copy.run([...flags, '--review', 'r.jws', '--json']);
    expect([refused.status, ...errorCodes(refused)]).toEqual([6, 'MEDIUM_NOT_FOUND']);
    expect(waitingRecords(copy).map(({ type }) => type)).toEqual(['review', 'mint.refused']);
    const minted = await copy.run([...mintFlags(request), '--review', 'r.jws', '--json']);
    expect(minted.status).toBe(0);
    expect(recordsOn(copy, 'a').map(({ type }) => type)).toEqual([
      ...[
        'genesis',
        'policy',
        'mint.issued',
        'mint.released',
        'review',
        'mint.refused',
        'mint.issued',
        'mint.released',
      ],
    ]);
  });

  test('concludes misuse where it was found, and where the auditor says so', async () => {
    const copy = scene.copy();
    const other = useOf(token, { scope: 'db:drop' });
    keep(copy, await logOf(useOf(token), other));
    const found = json(await review(copy, [...uses, '--json']));
    expect(found).toMatchObject({ review: { conclusion: 'misuse', findings: ['USE_OVER_SCOPE'] } });
    const said = await review(scene.copy(), [...uses, '--misuse', '--json']);
    expect(json(said)).toMatchObject({ review: { conclusion: 'misuse', findings: [] } });
  });

  test('without a use log only when that is said, and then it stays a finding', async () => {
    const copy = scene.copy();
    const refused = await review(copy, ['--json']);
    expect([refused.status, ...errorCodes(refused)]).toEqual([2, 'USAGE']);
    expect(existsSync(copy.path('inc-1.review.jws'))).toBe(false);
    const run = await review(copy, ['--without-uses', '--json']);
    expect(json(run)).toMatchObject({ file: 'inc-1.review.jws', review: { uses: [] }, uses: null });
    await copy.run([...mintFlags(await writeRequest(copy)), '--review', 'inc-1.review.jws']);
    const { findings } = json(await copy.run(['audit-check', 'a', ...trust, '--json'])) as {
      findings: { code: string }[];
    };
    expect(findings.map(({ code }) => code)).toContain('REVIEW_WITHOUT_USES');
  });

  test('of an incident that waits for none, over a file that is there, or under a wrong passphrase signs nothing', async () => {
    const copy = scene.copy();
    const other = await copy.run([
      ...['review', 'inc-9', '--trail', 'a', ...trust, '--remarks', 'x', '--passphrase-fd', '3', ...uses, '--json'],
    ]);
    expect([other.status, ...errorCodes(other)]).toEqual([2, 'NOT_FOUND']);
    const there = await review(copy, [...uses, '--out', 'uses.jws', '--json']);
    expect([there.status, ...errorCodes(there)]).toEqual([2, 'EXISTS']);
    const wrong = await review(copy, [...uses, '--out', 'r.jws', '--json'], 'wrong\n');
    expect([wrong.status, ...errorCodes(wrong)]).toEqual([5, 'PASSPHRASE_WRONG']);
    expect(existsSync(copy.path('r.jws'))).toBe(false);
  });

  test('by a key that is no auditor of this trust is refused', async () => {
    const copy = scene.copy();
    await copy.run(['review', 'new-key', 'heidi', '--passphrase-fd', '3'], { passphrases: 'hush\n' });
    const run = await review(copy, [...uses, '--key', 'heidi.auditor.age', '--out', 'r.jws', '--json']);
    expect([run.status, ...errorCodes(run)]).toEqual([5, 'AUDITOR_UNKNOWN']);
    const again = await copy.run(['review', 'new-key', 'heidi', '--passphrase-fd', '3', '--json'], {
      passphrases: 'x\n',
    });
    expect([again.status, ...errorCodes(again)]).toEqual([2, 'EXISTS']);
  });
});

describe('a mint after an overdue review', () => {
  const four = [...goodShares, 'cards/erin.share'];

  test('wants one share more, and says how to go on without', async () => {
    const copy = scene.copy();
    const run = await copy.run([...mintFlags(await writeRequest(copy)), '--json']);
    expect([run.status, ...errorCodes(run)]).toEqual([5, 'SHARE_TOO_FEW']);
    expect(run.stderr).toContain('the review of inc-1 is overdue');
    expect(run.stderr).toContain('--accept REVIEW_OVERDUE');
    expect(recordsOn(copy, 'a').at(-1)).toMatchObject({ type: 'mint.refused', codes: ['SHARE_TOO_FEW'] });
  });

  test('goes on with it, and the record holds no anomaly of it', async () => {
    const copy = scene.copy();
    const run = await copy.run([...mintFlags(await writeRequest(copy), four), '--json']);
    expect(run.status).toBe(0);
    expect(json(run)).toMatchObject({ custodians: ['alice', 'bob', 'carol', 'erin'] });
    const { warnings } = json(run) as { warnings: { code: string }[] };
    expect(warnings.map(({ code }) => code)).toContain('REVIEW_OVERDUE');
    const [issued] = recordsOn(copy, 'a')
      .filter(({ type }) => type === 'mint.issued')
      .slice(1);
    expect(issued?.['anomalies']).toEqual([expect.objectContaining({ code: 'MEDIA_FIXED' })]);
  });

  test('never blocks: where nobody else can come, it is an anomaly that every custodian confirms', async () => {
    const copy = scene.copy();
    const run = await copy.run([...mintFlags(await writeRequest(copy)), '--accept', 'REVIEW_OVERDUE', '--json']);
    expect(run.status).toBe(0);
    const [issued] = recordsOn(copy, 'a')
      .filter(({ type }) => type === 'mint.issued')
      .slice(1);
    expect(issued?.['anomalies']).toContainEqual({
      code: 'REVIEW_OVERDUE',
      detail: 'the review of inc-1 is overdue, which costs one more share, and nobody else could come',
      confirmedBy: ['alice', 'bob', 'carol'],
    });
  });

  test('as a drill costs nothing more', async () => {
    const copy = scene.copy();
    await mintToken(copy, ['--drill']);
  });

  test('with a review that does not hold is told so, and wants its share', async () => {
    const copy = scene.copy();
    writeFileSync(copy.path('bad.jws'), 'e30.e30.AAAA\n');
    const run = await copy.run([...mintFlags(await writeRequest(copy)), '--review', 'bad.jws', '--json']);
    expect([run.status, ...errorCodes(run)]).toEqual([5, 'SHARE_TOO_FEW']);
    expect(run.stderr).toContain('alarm: the review bad.jws was left out');
    expect(recordsOn(copy, 'a').map(({ type }) => type)).not.toContain('review');
  });
});
