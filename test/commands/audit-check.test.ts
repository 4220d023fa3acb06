import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { json, type MintJson, mintToken, openScenes, type Scene, trailFolderOf } from './scene.ts';

let scenes: Awaited<ReturnType<typeof openScenes>>;
/** Two tokens: records 1 and 3, each released in the record after it. */
let scene: Scene;
let first: MintJson;
let last: MintJson;
beforeAll(async () => {
  scenes = await openScenes();
  scene = scenes.origin.copy();
  first = await mintToken(scene);
  last = await mintToken(scene);
});
afterAll(() => scenes.remove());

const trust = ['--trust', 'out/trust.jws'];
const head = ({ headCode }: MintJson) => ['--head', headCode.words.join(' ')];

interface AuditJson {
  readonly verdict: string;
  readonly records: number;
  readonly provenThrough: number | null;
  readonly firstBad: number | null;
  readonly findings: readonly { readonly code: string }[];
}

async function check(of: Scene, args: readonly string[]): Promise<{ status: number | null; report: AuditJson }> {
  const run = await of.run(['audit-check', ...args, '--json']);
  return { status: run.status, report: json(run) as AuditJson };
}

/** What lies on the media, and when it was written: audit-check changes nothing. */
function everything(of: Scene): unknown {
  return ['a', 'b'].map((medium) =>
    readdirSync(of.path(medium), { recursive: true, withFileTypes: true }).map((entry) => [
      entry.name,
      entry.isFile() ? readFileSync(join(entry.parentPath, entry.name), 'hex') : '',
    ]),
  );
}

/** Cuts the last two records and what names them off both media. */
function cutTail(of: Scene): void {
  for (const medium of ['a', 'b'])
    for (const name of ['00000003.JWS', '00000004.JWS', 'C0000004.TXT']) rmSync(join(trailFolderOf(of, medium), name));
}

function change(of: Scene, medium: string, name: string, at: number): void {
  const file = join(trailFolderOf(of, medium), name);
  const bytes = readFileSync(file);
  bytes[at] = bytes[at] === 0x41 ? 0x42 : 0x41;
  writeFileSync(file, bytes);
}

test('a whole trail is intact where an anchor names its end, and nothing on the media changes', async () => {
  const before = everything(scene);
  const { status, report } = await check(scene, ['a', 'b', ...trust, ...head(last)]);
  expect({ status, verdict: report.verdict, through: report.provenThrough }).toEqual({
    status: 0,
    verdict: 'intact',
    through: 3,
  });
  expect(report).toMatchObject({ records: 5, firstBad: null });
  expect(everything(scene)).toEqual(before);
});

test('without an anchor from outside its end is not provable', async () => {
  const { status, report } = await check(scene, ['a', 'b', ...trust]);
  expect({ status, verdict: report.verdict }).toEqual({ status: 3, verdict: 'not-provable' });
  expect(report.findings.map(({ code }) => code)).toContain('END_NOT_PROVED');
});

test('a folder and a concatenated file are read too', async () => {
  const of = scene.copy();
  const folder = trailFolderOf(of, 'a');
  expect((await check(of, [folder, ...trust, ...head(last)])).status).toBe(0);
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.JWS'))
    .sort();
  writeFileSync(of.path('whole.jws'), Buffer.concat(names.map((name) => readFileSync(join(folder, name)))));
  expect(await check(of, ['whole.jws', ...trust, ...head(last)])).toMatchObject({ status: 0, report: { records: 5 } });
});

describe('a cut tail', () => {
  test('is tampering where an anchor names what is gone', async () => {
    const of = scene.copy();
    cutTail(of);
    const byHead = await check(of, ['a', 'b', ...trust, ...head(last)]);
    expect({ status: byHead.status, verdict: byHead.report.verdict }).toEqual({ status: 1, verdict: 'tampered' });
    writeFileSync(of.path('seen'), `${last.token}\n`);
    const byToken = await check(of, ['a', 'b', ...trust, '--seen', 'seen']);
    expect({ status: byToken.status, verdict: byToken.report.verdict }).toEqual({ status: 1, verdict: 'tampered' });
  });

  test('LIMIT: cannot be seen without an anchor: not provable, never intact', async () => {
    const of = scene.copy();
    cutTail(of);
    const { status, report } = await check(of, ['a', 'b', ...trust]);
    expect({ status, verdict: report.verdict }).toEqual({ status: 3, verdict: 'not-provable' });
  });

  test('with an older anchor is not provable, and proved exactly up to the anchor', async () => {
    const older = await check(scene, ['a', 'b', ...trust, ...head(first)]);
    expect({ status: older.status, verdict: older.report.verdict }).toEqual({ status: 3, verdict: 'not-provable' });
    writeFileSync(scene.path('seen'), `${first.token}\n`);
    const seen = await check(scene, ['a', 'b', ...trust, '--seen', 'seen']);
    expect(seen.status).toBe(3);
  });
});

describe('tampering is found, the first bad record is named, and it never ends intact', () => {
  const faults: readonly [what: string, fault: (of: Scene) => void, bad: number][] = [
    [
      'a byte of a record changed on every copy',
      (of) =>
        ['a', 'b'].forEach((medium) => {
          change(of, medium, '00000001.JWS', 500);
        }),
      1,
    ],
    ['a byte of a record changed on one copy', (of) => change(of, 'b', '00000003.JWS', 500), 3],
    [
      'a record removed from every copy',
      (of) =>
        ['a', 'b'].forEach((medium) => {
          rmSync(join(trailFolderOf(of, medium), '00000002.JWS'));
        }),
      2,
    ],
    [
      'two records exchanged',
      (of) => {
        for (const medium of ['a', 'b']) {
          const [one, two] = ['00000001.JWS', '00000003.JWS'].map((name) => join(trailFolderOf(of, medium), name));
          if (!one || !two) continue;
          const bytes = readFileSync(one);
          writeFileSync(one, readFileSync(two));
          writeFileSync(two, bytes);
        }
      },
      1,
    ],
    [
      'a record repeated at the end',
      (of) =>
        ['a', 'b'].forEach((medium) => {
          cpSync(join(trailFolderOf(of, medium), '00000003.JWS'), join(trailFolderOf(of, medium), '00000005.JWS'));
        }),
      5,
    ],
  ];
  test.each(faults)('%s', async (_what, fault, bad) => {
    const of = scene.copy();
    fault(of);
    const { status, report } = await check(of, ['a', 'b', ...trust, ...head(last)]);
    expect({ status, verdict: report.verdict }).toEqual({ status: 1, verdict: 'tampered' });
    expect(report.firstBad).toBe(bad);
    const text = await of.run(['audit-check', 'a', 'b', ...trust]);
    expect(text.stdout).toContain(`First bad record: ${bad}`);
  });
});

describe("the auditor's state file", () => {
  test('is made by a check that ends intact, and shows a tail that is cut later', async () => {
    const of = scene.copy();
    const made = await of.run(['audit-check', 'a', 'b', ...trust, ...head(last), '--state', 'memory', '--new-state']);
    expect(made.status).toBe(0);
    // From here on the state file is the anchor: no words are needed.
    expect((await check(of, ['a', 'b', ...trust, '--state', 'memory'])).status).toBe(0);
    const remembered = readFileSync(of.path('memory'), 'utf8');
    cutTail(of);
    const cut = await check(of, ['a', 'b', ...trust, '--state', 'memory']);
    expect({ status: cut.status, verdict: cut.report.verdict }).toEqual({ status: 1, verdict: 'tampered' });
    expect(readFileSync(of.path('memory'), 'utf8')).toBe(remembered);
  });

  test('with a state of before, what came after is not provable and the state stays as it was', async () => {
    const of = scenes.origin.copy();
    const issued = await mintToken(of);
    await of.run(['audit-check', 'a', 'b', ...trust, ...head(issued), '--state', 'memory', '--new-state']);
    const remembered = readFileSync(of.path('memory'), 'utf8');
    await mintToken(of);
    const later = await check(of, ['a', 'b', ...trust, '--state', 'memory']);
    expect({ status: later.status, through: (later.report.provenThrough ?? -1) >= 1 }).toEqual({
      status: 3,
      through: true,
    });
    expect(readFileSync(of.path('memory'), 'utf8')).toBe(remembered);
  });

  test('is not made by a check that proves nothing', async () => {
    const of = scene.copy();
    expect((await check(of, ['a', 'b', ...trust, '--state', 'memory', '--new-state'])).status).toBe(3);
    expect(existsSync(of.path('memory'))).toBe(false);
  });

  test.each([
    ['that is not there', undefined, [], 2, 'STATE_MISSING'],
    ['that is there already, with --new-state', '{}', ['--new-state'], 2, 'EXISTS'],
    ['that is damaged', '{}', [], 6, 'STATE_DAMAGED'],
  ])('%s is refused', async (_what, content, flags, status, code) => {
    const of = scene.copy();
    if (content !== undefined) writeFileSync(of.path('memory'), content);
    const run = await of.run(['audit-check', 'a', ...trust, '--state', 'memory', ...flags, '--json']);
    expect(json(run)).toMatchObject({ errors: [{ code }] });
    expect(run.status).toBe(status);
  });
});

describe('what cannot be read is said', () => {
  test('a path that is not there', async () => {
    const run = await scene.run(['audit-check', 'nowhere', ...trust, '--json']);
    expect(run.status).toBeGreaterThan(0);
    expect(json(run)).toHaveProperty('errors');
  });

  test('a folder without a trail', async () => {
    const run = await scene.run(['audit-check', 'cards', ...trust, '--json']);
    expect(run.status).not.toBe(0);
  });

  test('a trail of another trust is not judged by this one', async () => {
    const run = await scene.run(['audit-check', 'a', '--trust', 'policy.toml', '--json']);
    expect(run.status).not.toBe(0);
    expect(json(run)).toHaveProperty('errors');
  });

  test('a torn newest record on one copy is unreadable or worse, never intact', async () => {
    const of = scene.copy();
    const file = join(trailFolderOf(of, 'b'), '00000004.JWS');
    writeFileSync(file, readFileSync(file).subarray(0, 80));
    const { status, report } = await check(of, ['a', 'b', ...trust, ...head(last)]);
    expect(report.verdict).not.toBe('intact');
    expect(status).not.toBe(0);
  });

  test('a head code with an unknown word is a question of spelling, not a verdict', async () => {
    const run = await scene.run(['audit-check', 'a', ...trust, '--head', 'zoo zoo zooo', '--json']);
    expect(run.status).toBe(2);
    expect(json(run)).toMatchObject({ errors: [{ code: 'BAD_INPUT' }] });
  });

  test('a seen token of another trust proves nothing and is a finding', async () => {
    writeFileSync(scene.path('strange'), `${last.token.slice(0, -4)}AAAA\nnot a token\n`);
    const { report } = await check(scene, ['a', 'b', ...trust, '--seen', 'strange']);
    expect(report.findings.filter(({ code }) => code === 'SEEN_TOKEN_UNUSED')).toHaveLength(2);
  });
});
