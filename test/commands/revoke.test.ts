import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { denyEntrySha256, readRevocations } from '../../src/revocation/list.ts';
import type { Claims } from '../../src/token/claims.ts';
import { runShell } from './program.ts';
import {
  keyOf,
  makeRevokers,
  mintTo,
  passphrase,
  revokeBy,
  statementLine,
  trustOf,
  verdict,
} from './revocation-scene.ts';
import { audience, errorCodes, json, openScenes, type Scene } from './scene.ts';

let scenes: Awaited<ReturnType<typeof openScenes>>;
let origin: Scene;
let other: Scene;
let one: Claims;
let two: Claims;
let strip: Claims[];
beforeAll(async () => {
  scenes = await openScenes();
  origin = await makeRevokers(scenes, ['erin', 'frank']);
  other = await makeRevokers(scenes);
  [one] = (await mintTo(origin, 'one.jwt')) as [Claims];
  [two] = (await mintTo(origin, 'two.jwt', ['--incident', 'inc-2'])) as [Claims];
  await mintTo(other, 'foreign.jwt');
  strip = await mintTo(origin, 'strip.jwt', ['--incident', 'inc-3', '--duration', '40m']);
});
afterAll(() => scenes.remove());

const listOf = (scene: Scene, file = 'revocations.jws') =>
  readRevocations(readFileSync(scene.path(file)), trustOf(scene));
const untouched = (scene: Scene) => {
  expect(readFileSync(scene.path('revocations.jws'))).toEqual(readFileSync(origin.path('revocations.jws')));
  expect(existsSync(scene.path('desk', 'seen'))).toBe(false);
  expect(readdirSync(scene.path('watched'))).toEqual([]);
};

interface RevokeJson {
  readonly added: {
    readonly kind: string;
    readonly value: unknown;
    readonly reason: string;
    readonly closed: boolean;
  }[];
  readonly killed: { readonly jti: string }[];
  readonly alive: { readonly jti: string }[];
  readonly sent: { readonly dir: string; readonly ok: boolean; readonly code: string | null }[];
  readonly [name: string]: unknown;
}

describe('one command kills an incident', () => {
  test('verify denies at once, here and where it was sent, and says in words what died and what did not', async () => {
    const scene = origin.copy();
    expect(await verdict(scene, 'one.jwt')).toBe('valid');
    const run = await revokeBy(scene, [
      '--incident',
      'INC-1',
      '--reason',
      'laptop gone',
      '--send-to',
      'watched',
      '--trail',
      'a',
    ]);
    expect(run).toMatchObject({ status: 0, stderr: '' });
    for (const said of [
      'REVOKED: incident inc-1',
      ': laptop gone',
      'sent     watched: read back, all of it',
      'What dies:\n  inc-1: dana as db-admin, until ',
      'inc-2: dana as db-admin, until ',
      `breakglass revoke --family ${two.breakglass.family}`,
      'inc-3: dana as db-admin, 3 tokens, until ',
      'those that watch a directory that was sent to: now, at their next look',
    ])
      expect(run.stdout).toContain(said);
    // How quick the machine is decides which.
    expect(run.stdout).toMatch(/\(in 1[45] m/);
    expect(await verdict(scene, 'one.jwt')).toBe('TOKEN_REVOKED');
    expect(await verdict(scene, 'one.jwt', 'watched/revocations.jws', 'another-desk')).toBe('TOKEN_REVOKED');
    expect(await verdict(scene, 'two.jwt')).toBe('valid');
  });

  test('an older list does not revive it where it was seen, not even without a verify between', async () => {
    const scene = origin.copy();
    await revokeBy(scene, ['--incident', 'inc-1']);
    writeFileSync(scene.path('revocations.jws'), readFileSync(origin.path('revocations.jws')));
    const by = [
      '--trust',
      'out/trust.jws',
      '--audience',
      audience,
      '--revocations',
      'revocations.jws',
      '--state',
      'desk',
    ];
    const run = await scene.run(['verify', 'one.jwt', ...by]);
    expect(run.status).toBe(1);
    expect(run.stdout).toContain('TOKEN_REVOKED');
    expect(run.stderr).toContain('the list has lost 1 statements that were accepted before');
    // LIMIT: a machine that never saw the denial knows nothing of it.
    expect(await verdict(scene, 'one.jwt', 'revocations.jws', 'another-desk')).toBe('valid');
  });

  test('in JSON: what was added, what died, what lives, where it went', async () => {
    const scene = origin.copy();
    const flags = ['--incident', 'inc-3', '--subject', 'eve', '--closed', '--send-to', 'watched', '--send-to', 'gone'];
    const run = await revokeBy(scene, [...flags, '--trail', 'b', '--json']);
    expect(run.status).toBe(6);
    const said = json(run) as RevokeJson;
    expect(said).toMatchObject({
      v: 1,
      added: [
        { kind: 'incident', value: 'inc-3', by: 'erin', reason: 'closed: the incident is over', closed: true },
        { kind: 'subject', value: 'eve', closed: true },
      ],
      statements: 2,
      entries: 2,
      list: 'revocations.jws',
      sent: [
        { dir: 'watched', ok: true, code: null },
        { dir: 'gone', ok: false, code: 'NOT_FOUND' },
      ],
      frozenUntil: strip[2]?.exp,
      alarms: [],
    });
    expect(said.killed.map(({ jti }) => jti)).toEqual(strip.map(({ jti }) => jti));
    expect(new Set(said.alive.map(({ jti }) => jti))).toEqual(new Set([one.jti, two.jti]));
    expect(run.stderr).toContain('gone: there is no folder gone');
  });
});

describe('what is denied', () => {
  test.each([
    ['--subject', ['--subject', 'dana'], ['TOKEN_REVOKED', 'TOKEN_REVOKED']],
    ['--role', ['--role', 'db-admin'], ['TOKEN_REVOKED', 'TOKEN_REVOKED']],
    ['--audience', ['--audience', audience], ['TOKEN_REVOKED', 'TOKEN_REVOKED']],
    ['--epoch', ['--epoch', '1'], ['TOKEN_REVOKED', 'TOKEN_REVOKED']],
    ['--all --before now', ['--all', '--before', 'now'], ['TOKEN_REVOKED', 'TOKEN_REVOKED']],
    ['--all --before a time of yesterday', ['--all', '--before', '2026-01-01T00:00:00Z'], ['valid', 'valid']],
    ['--token', ['--token', 'one.jwt'], ['TOKEN_REVOKED', 'valid']],
    ['two selectors', ['--incident', 'inc-1', '--incident', 'inc-2'], ['TOKEN_REVOKED', 'TOKEN_REVOKED']],
    ['something that nobody has', ['--subject', 'nobody'], ['valid', 'valid']],
  ])('%s', async (_what, flags, verdicts) => {
    const scene = origin.copy();
    expect(await revokeBy(scene, flags)).toMatchObject({ status: 0 });
    expect([await verdict(scene, 'one.jwt'), await verdict(scene, 'two.jwt')]).toEqual(verdicts);
  });

  test('--jti, --family and --kid', async () => {
    const scene = origin.copy();
    const kid = trustOf(scene).keys.find(({ use }) => use === 'token')?.public.kid ?? '';
    for (const [flag, value] of [
      ['--jti', one.jti],
      ['--family', one.breakglass.family],
      ['--kid', kid],
    ] as const) {
      const copy = origin.copy();
      await revokeBy(copy, [flag, value]);
      expect(await verdict(copy, 'one.jwt')).toBe('TOKEN_REVOKED');
      expect(await verdict(copy, 'two.jwt')).toBe(flag === '--kid' ? 'TOKEN_REVOKED' : 'valid');
    }
  });

  test('a denial that matches nothing at hand says so and is written all the same', async () => {
    const scene = origin.copy();
    const none = await revokeBy(scene, ['--incident', 'inc-9', '--trail', 'a']);
    expect(none.stdout).toContain('nothing that is known here');
    expect(none.stdout).toContain('The denial is written all the same.');
    const blind = await revokeBy(scene, ['--incident', 'inc-8']);
    expect(blind.stdout).toContain('no token and no trail is at hand');
    expect(listOf(scene).entries.map(({ value }) => value)).toEqual(['inc-9', 'inc-8']);
  });

  test('a token of a strip dies alone and its family is named; --family takes that too', async () => {
    const scene = origin.copy();
    const [first = ''] = readFileSync(scene.path('strip.jwt'), 'latin1').split('\n');
    const alone = await revokeBy(scene, ['--token', first, '--trail', 'a', '--trail', 'b']);
    expect(alone.stdout).toContain('inc-3: dana as db-admin, 2 tokens, until');
    expect(alone.stdout).toContain(`breakglass revoke --family ${strip[0]?.breakglass.family}`);
    const blind = await revokeBy(origin.copy(), ['--token', first]);
    expect(blind.stdout).toContain('what else there is of the family of that token');
    const whole = await revokeBy(origin.copy(), ['--token', first, '--family', '--trail', 'a', '--json']);
    expect((json(whole) as RevokeJson).killed).toHaveLength(3);
  });

  test('an incident that is over is closed: verify and the list say so, and it denies like any other', async () => {
    const scene = origin.copy();
    const run = await revokeBy(scene, ['--incident', 'inc-1', '--closed', '--reason', 'all is well']);
    expect(run.stdout).toContain('CLOSED: incident inc-1');
    const by = ['--trust', 'out/trust.jws', '--state', 'desk'];
    const judged = ['verify', 'one.jwt', '--audience', audience, '--revocations', 'revocations.jws'];
    const token = await scene.run([...judged, ...by]);
    expect(token.status).toBe(1);
    expect(token.stdout).toContain('revoked    closed: the incident is over');
    expect(token.stdout).toMatch(/it was closed at \S+ by erin \(incident inc-1: all is well\)/);
    expect((await scene.run(['revocations', 'show', ...by])).stdout).toMatch(
      /^closed at \S+ by erin \(incident inc-1: all is well\)\n$/,
    );
  });

  test('a token of another trust, a torn one and an invented one are refused, and nothing is denied', async () => {
    const scene = origin.copy();
    const foreign = readFileSync(other.path('foreign.jwt'), 'latin1').trim();
    const mine = readFileSync(scene.path('one.jwt'), 'latin1').trim();
    for (const [token, code] of [
      [foreign, 'TOKEN_UNKNOWN_KEY'],
      [mine.slice(0, -9), 'TOKEN_NOT_CANONICAL'],
      [`${mine.slice(0, -9)}AAAAAAAAA`, 'TOKEN_SIGNATURE'],
    ] as const) {
      const run = await revokeBy(scene, ['--token', token, '--json']);
      expect(errorCodes(run)).toEqual([code]);
      untouched(scene);
    }
  });
});

test('the hook of the manual denies a person whose access ends, without a terminal', async () => {
  const scene = origin.copy();
  const page = readFileSync('docs/breakglass.1.md', 'utf8');
  const [, hook = ''] = /^( {4}#!\/bin\/sh\n(?: {4}.*\n)+)/m.exec(page) ?? [];
  const here = hook
    .replaceAll(/^ {4}/gm, '')
    .replaceAll('/var/lib/breakglass-hook', scene.dir)
    .replaceAll('/srv/breakglass', scene.path('watched'));
  writeFileSync(scene.path('hook'), here);
  writeFileSync(scene.path('passphrase'), `${passphrase}\n`);
  writeFileSync(scene.path('identity-system.revoker.age'), readFileSync(scene.path('erin.revoker.age')));
  writeFileSync(scene.path('trust.jws'), readFileSync(scene.path('out/trust.jws')));
  // Its own state directory of the manual is another machine's here: that of the ceremony has the same name.
  const run = await runShell(scene.program, scene.dir, 'sh ./hook dana');
  expect(run).toMatchObject({ status: 0, stderr: '' });
  expect(listOf(scene, 'watched/revocations.jws').entries).toMatchObject([
    { kind: 'subject', value: 'dana', before: expect.any(Number), reason: 'access ended by the identity system' },
  ]);
  expect(await verdict(scene, 'one.jwt', 'watched/revocations.jws')).toBe('TOKEN_REVOKED');
});

describe('the kill file alone', () => {
  const kill = ['revoke', '--kill', 'inc-1.kill.jws', '--trust', 'out/trust.jws', '--state', 'desk'];

  test('denies its family: no key, no passphrase, no terminal', async () => {
    const scene = origin.copy();
    const run = await scene.run([...kill, '--send-to', 'watched', '--trail', 'a']);
    expect(run).toMatchObject({ status: 0, stderr: '' });
    expect(run.stdout).toContain(`REVOKED: family ${one.breakglass.family}`);
    expect(run.stdout).toContain('What dies:\n  inc-1: dana');
    expect(await verdict(scene, 'one.jwt')).toBe('TOKEN_REVOKED');
    expect(await verdict(scene, 'one.jwt', 'watched/revocations.jws', 'another-desk')).toBe('TOKEN_REVOKED');
    expect(await verdict(scene, 'two.jwt')).toBe('valid');
  });

  test('of another trust is refused by name, and nothing is written', async () => {
    const scene = origin.copy();
    writeFileSync(scene.path('inc-1.kill.jws'), readFileSync(other.path('inc-1.kill.jws')));
    const run = await scene.run([...kill, '--send-to', 'watched', '--json']);
    expect(run.status).toBe(1);
    expect(errorCodes(run)).toEqual(['KILL_OTHER_TRUST']);
    expect(run.stderr).toContain(`is of another trust: ${trustOf(other).id.slice(0, 8)}`);
    untouched(scene);
  });

  test('that a quorum has allowed again says that it denies nothing', async () => {
    const scene = origin.copy();
    const [entry] = listOf(scene, 'inc-1.kill.jws').entries;
    if (!entry) throw new Error('no entry');
    const allow = await statementLine(scene, 'root', { allow: [denyEntrySha256(entry)] });
    writeFileSync(scene.path('revocations.jws'), allow, { flag: 'a' });
    const run = await scene.run(kill);
    expect(run.status).toBe(1);
    expect(run.stdout).toContain('NOT DENIED: family');
    expect(await verdict(scene, 'one.jwt')).toBe('valid');
    // With a key the same is denied anew.
    expect(await revokeBy(scene, ['--family', one.breakglass.family])).toMatchObject({ status: 0 });
    expect(await verdict(scene, 'one.jwt')).toBe('TOKEN_REVOKED');
  });

  test('says itself what it denies: no selector beside it', async () => {
    const scene = origin.copy();
    for (const flags of [['--all'], ['--closed'], ['--reason', 'x'], ['--before', 'now']])
      expect(await scene.run([...kill, ...flags])).toMatchObject({ status: 2 });
    untouched(scene);
  });
});

describe('the key is refused before anything is written:', () => {
  test('a wrong passphrase is asked for again; after the second one the kill file is named', async () => {
    const scene = origin.copy();
    const wrong = await revokeBy(scene, ['--all', '--json'], { passphrases: 'wrong\nalso wrong\n' });
    expect(wrong.status).toBe(5);
    expect(errorCodes(wrong)).toEqual(['PASSPHRASE_WRONG']);
    expect(wrong.stderr.match(/that passphrase does not open erin.revoker.age/g)).toHaveLength(2);
    expect(wrong.stderr).toContain(
      'breakglass revoke --kill FILE (here: inc-1.kill.jws, inc-2.kill.jws, inc-3.kill.jws)',
    );
    untouched(scene);
    const second = await revokeBy(scene, ['--all'], { passphrases: `wrong\n${passphrase}\n` });
    expect(second.status).toBe(0);
    expect(second.stderr).not.toContain('--kill');
  });

  test('a key of another trust, and what is no revoker key', async () => {
    const scene = origin.copy();
    writeFileSync(scene.path('theirs.revoker.age'), readFileSync(other.path('erin.revoker.age')));
    const theirs = await revokeBy(scene, ['--all', '--key', 'theirs.revoker.age', '--json']);
    expect(theirs.status).toBe(5);
    expect(errorCodes(theirs)).toEqual(['REVOKER_UNKNOWN']);
    expect(theirs.stderr).toContain('its revokers are erin, frank');
    for (const [file, code] of [
      ['cards/alice.share', 'BAD_INPUT'],
      ['gone.revoker.age', 'NOT_FOUND'],
    ] as const)
      expect(errorCodes(await revokeBy(scene, ['--all', '--key', file, '--json']))).toEqual([code]);
    untouched(scene);
  });

  test('several keys in the directory: one must be named', async () => {
    const scene = origin.copy();
    writeFileSync(scene.path('frank.revoker.age'), readFileSync(scene.path('out/frank.revoker.age')));
    const run = await revokeBy(scene, ['--all']);
    expect(run.status).toBe(2);
    expect(run.stderr).toContain('there are 2 revoker keys here: erin.revoker.age, frank.revoker.age');
    untouched(scene);
    const frank = await revokeBy(scene, ['--incident', 'inc-1', '--key', 'frank.revoker.age', '--json']);
    expect((json(frank) as RevokeJson).added).toMatchObject([{ by: 'frank' }]);
  });
});

describe('without a terminal every missing flag is named, and nothing is done', () => {
  const by = ['--trust', 'out/trust.jws', '--state', 'desk', '--json'];
  test('no selector, no passphrase', async () => {
    const scene = origin.copy();
    const run = await scene.run(['revoke', ...by]);
    expect(run.status).toBe(2);
    expect(errorCodes(run)).toEqual(['a selector (--incident, --subject, --token …)', '--passphrase-fd']);
    expect(errorCodes(await scene.run(['revoke', '--all', ...by, '--list', 'cards/x.jws']))).toEqual([
      '--passphrase-fd',
    ]);
    untouched(scene);
  });

  test.each([
    ['an incident that is no identifier', ['--incident', 'a b']],
    ['a jti that is none', ['--jti', 'short']],
    ['an epoch that is none', ['--epoch', '0']],
    ['a time that is none', ['--all', '--before', 'yesterday']],
    ['an invisible reason', ['--all', '--reason', '\u200b']],
    ['--family without a token', ['--family']],
    ['a trail that is not there', ['--all', '--trail', 'nowhere']],
  ])('%s', async (_what, flags) => {
    const scene = origin.copy();
    const run = await revokeBy(scene, flags);
    expect(run).toMatchObject({ status: 2, stdout: '' });
    expect(run.stderr).toMatch(/^breakglass: [^\n]+\nhint: [^\n]+\n$/);
    untouched(scene);
  });
});

describe('the list', () => {
  test('keeps a line that is not understood, and says so', async () => {
    const scene = origin.copy();
    const before = `${readFileSync(scene.path('revocations.jws'), 'latin1')}of a newer format\n`;
    writeFileSync(scene.path('revocations.jws'), before);
    const run = await revokeBy(scene, ['--all']);
    expect(run.status).toBe(0);
    expect(run.stderr).toContain('alarm: line 2 of revocations.jws');
    expect(readFileSync(scene.path('revocations.jws'), 'latin1').startsWith(before)).toBe(true);
    expect(statSync(scene.path('revocations.jws')).mode & 0o777).toBe(0o644);
  });

  test('two commanders at the same moment lose nothing', async () => {
    const scene = origin.copy();
    writeFileSync(scene.path('frank.revoker.age'), readFileSync(scene.path('out/frank.revoker.age')));
    const keys = ['erin.revoker.age', 'frank.revoker.age'];
    const runs = await Promise.all(
      [0, 1, 2, 3].map((n) =>
        revokeBy(scene, ['--incident', `inc-x${n}`, '--key', keys[n % 2] ?? '', '--send-to', 'watched']),
      ),
    );
    expect(runs.map(({ status }) => status)).toEqual([0, 0, 0, 0]);
    for (const file of ['revocations.jws', 'watched/revocations.jws']) {
      const values = listOf(scene, file).entries.map(({ value }) => value);
      expect(values.sort()).toEqual(['inc-x0', 'inc-x1', 'inc-x2', 'inc-x3']);
    }
    expect(readdirSync(scene.path('watched'))).toEqual(['revocations.jws']);
  });
});

test('un-deny is not the business of one: a line that allows, signed by a revoker or the deny key, changes nothing', async () => {
  const scene = origin.copy();
  await revokeBy(scene, ['--incident', 'inc-1']);
  const [entry] = listOf(scene).entries;
  if (!entry) throw new Error('no entry');
  const forged = await statementLine(scene, 'deny', { allow: [denyEntrySha256(entry)] });
  writeFileSync(scene.path('revocations.jws'), forged, { flag: 'a' });
  expect((await keyOf(scene, 'deny')).kid).toBe(trustOf(scene).keys.find(({ use }) => use === 'deny')?.public.kid);
  expect(await verdict(scene, 'one.jwt')).toBe('TOKEN_REVOKED');
  const check = await scene.run(['revocations', 'check', 'revocations.jws', '--trust', 'out/trust.jws', '--json']);
  expect(check.status).toBe(1);
});
