import { cpSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startingPolicy } from '../../src/trust/policy-file.ts';
import {
  errorCodes,
  json,
  makeTrust,
  mintFlags,
  mintToken,
  openScenes,
  recordsOn,
  type Scene,
  trailFolderOf,
  writeRequest,
} from './scene.ts';

let scenes: Awaited<ReturnType<typeof openScenes>>;
/** A trust with one drill behind it. */
let drilled: Scene;
beforeAll(async () => {
  scenes = await openScenes();
  drilled = scenes.origin.copy();
  await mintToken(drilled, ['--drill']);
});
afterAll(() => scenes.remove());

/** A trust whose policy wants everything every second. */
async function impatient(): Promise<Scene> {
  const scene = scenes.fresh();
  const policy = startingPolicy.replace('every = "90d"', 'every = "1s"').replace('"180d"', '"1s"');
  writeFileSync(scene.path('policy.toml'), policy);
  await makeTrust(scene);
  // Two whole seconds, so that "more than a second ago" is true on every clock.
  await new Promise((resolve) => setTimeout(resolve, 2100));
  return scene;
}

/** A copied state directory knows where the media of the origin are: every command is told its own. */
const onMedia = ['--medium', 'a', '--medium', 'b', '--allow-fixed'];
const notAllowed = ['--medium', 'a', '--medium', 'b'];

function filesIn(dir: string): string[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' }).sort();
}

describe('people leave', () => {
  test('reads only: by state directory, by trust file and by medium it says the same', async () => {
    const scene = scenes.origin.copy();
    const before = filesIn(scene.dir);
    const ways = [
      ['--state', 'state'],
      ['--trust', 'out/trust.jws'],
      ['--trust', 'a', '--trust', 'b'],
    ];
    for (const way of ways) {
      const run = await scene.run(['people', 'leave', 'alice', ...way, '--json']);
      expect(run.status).toBe(0);
      expect(json(run)).toMatchObject({ needs: 'shares', canStillCombine: [], decided: true });
    }
    expect(filesIn(scene.dir)).toEqual(before);
  });

  test('the pinned trust does where there is no ceremony machine', async () => {
    const scene = scenes.origin.copy();
    await scene.run(['trust', 'pin', 'out/trust.jws']);
    const run = await scene.run(['people', 'leave', 'ALICE']);
    expect(run.status).toBe(0);
    expect(run.stdout).toContain('When alice leaves: NEEDED: rotate shares.');
  });

  test('several who leave at once', async () => {
    const run = await scenes.origin.run([
      ...[
        'people',
        'leave',
        'alice',
        '--also',
        'bob',
        '--also',
        'carol',
        '--also',
        'bob',
        '--state',
        'state',
        '--json',
      ],
    ]);
    expect(json(run)).toMatchObject({
      label: 'alice',
      also: ['bob', 'carol'],
      needs: 'seed',
      canStillCombine: [['alice', 'bob', 'carol']],
    });
  });

  test('a label that nobody has is refused by naming who there is', async () => {
    const run = await scenes.origin.run(['people', 'leave', 'zoe', '--trust', 'out/trust.jws']);
    expect(run).toMatchObject({ status: 2, stdout: '' });
    expect(run.stderr).toBe(
      'breakglass: nobody in this trust is called zoe\n' +
        'hint: there are: alice, bob, carol, dana, erin, frank, grace. Nothing was judged.\n',
    );
  });

  test('a label that paints the terminal is refused', async () => {
    const run = await scenes.origin.run(['people', 'leave', '\u001b[2Jalice', '--trust', 'out/trust.jws']);
    expect(run.status).toBe(2);
    expect(run.stderr).not.toContain('\u001b');
  });

  test('trust files of two trusts are refused', async () => {
    const [scene, other] = [scenes.origin.copy(), scenes.fresh()];
    await makeTrust(other);
    cpSync(other.path('out/trust.jws'), scene.path('other.jws'));
    const run = await scene.run([
      'people',
      'leave',
      'bob',
      '--trust',
      'out/trust.jws',
      '--trust',
      'other.jws',
      '--json',
    ]);
    expect(errorCodes(run)).toEqual(['TRUST_OTHER']);
  });

  test('a trust file planted on a medium is told and changes nothing', async () => {
    const scene = scenes.origin.copy();
    cpSync(scene.path('policy.toml'), join(trailFolderOf(scene, 'a'), 'T0000007.TXT'));
    const run = await scene.run(['people', 'leave', 'bob', '--trust', 'a', '--json']);
    expect(run.status).toBe(0);
    expect(json(run)).toMatchObject({ needs: 'shares', decided: true });
    expect(run.stderr).toContain('note: a trust file was not used');
  });

  test('a trail with a hole may hide something: the answer is marked, exit 3', async () => {
    const scene = drilled.copy();
    rmSync(join(trailFolderOf(scene, 'a'), '00000001.JWS'));
    const run = await scene.run(['people', 'leave', 'bob', '--trust', 'a', '--json']);
    expect(run.status).toBe(3);
    expect(json(run)).toMatchObject({ needs: 'shares', decided: false });
  });

  test('there must be something to read', async () => {
    const none = await scenes.origin.run(['people', 'leave', 'bob', '--state', 'nowhere', '--json']);
    expect(errorCodes(none)).toEqual(['STATE_MISSING']);
    const file = await scenes.origin.run(['people', 'leave', 'bob', '--trust', 'nowhere', '--json']);
    expect(errorCodes(file)).toEqual(['NOT_FOUND']);
  });
});

describe('people list', () => {
  test('says when a card was used or checked, from the local copy and from media alike', async () => {
    const scene = drilled.copy();
    const check = ['share', 'check', '--record', '--share', 'cards/frank.share', '--state', 'state', ...onMedia];
    expect((await scene.run(check)).status).toBe(0);
    for (const from of [
      ['--state', 'state'],
      ['a', 'b', '--trust', 'out/trust.jws'],
    ]) {
      const run = await scene.run(['people', 'list', ...from, '--json']);
      expect(run.status).toBe(0);
      const { people, overdue } = json(run) as {
        people: { label: string; card: { by: string } | null }[];
        overdue: [];
      };
      const by = Object.fromEntries(people.map(({ label, card }) => [label, card?.by ?? null]));
      expect(by).toMatchObject({ alice: 'ceremony', bob: 'ceremony', erin: null, frank: 'checked', dana: null });
      expect(overdue).toEqual([]);
    }
  });

  test('names what is overdue', async () => {
    const scene = await impatient();
    const run = await scene.run(['people', 'list', '--state', 'state', '--json']);
    expect(run.status).toBe(0);
    const { overdue } = json(run) as { overdue: { what: string; label: string | null }[] };
    expect(overdue.map(({ what, label }) => label ?? what)).toEqual([
      'drill',
      'policy',
      'alice',
      'bob',
      'carol',
      'erin',
      'frank',
    ]);
    const text = await scene.run(['people', 'list', '--state', 'state']);
    expect(text.stdout).toContain('Overdue:\n  a drill, since ');
  });

  test('what is not signed right is said, and does not count', async () => {
    const scene = drilled.copy();
    truncateSync(join(scene.path('state', 'trail'), '00000001.JWS'), 100);
    const run = await scene.run(['people', 'list', '--state', 'state']);
    expect(run.status).toBe(3);
    expect(run.stderr).toContain('warning: ');
    expect(run.stdout).toContain('last drill      never');
  });
});

describe('drill --due', () => {
  test('due at once when there was none, not due after a clean drill', async () => {
    const never = await scenes.origin.run(['drill', '--due', '--state', 'state']);
    expect(never).toMatchObject({ status: 0, stderr: '' });
    expect(never.stdout).toMatch(/^DUE\n {2}last drill {2}never\n/);
    const after = await drilled.run(['drill', '--due', '--state', 'state', '--json']);
    expect(after.status).toBe(1);
    expect(json(after)).toMatchObject({ due: false, last: recordsOn(drilled, 'a')[1]?.['time'], every: '90d' });
    expect((await drilled.run(['drill', '--due', 'a', 'b', '--trust', 'out/trust.jws'])).status).toBe(1);
  });

  test('a mint is no drill', async () => {
    const scene = scenes.origin.copy();
    await mintToken(scene);
    expect((await scene.run(['drill', '--due', '--state', 'state'])).status).toBe(0);
  });

  test('a copy that ends before the drill only makes it due once more; damage makes it undecided', async () => {
    const scene = drilled.copy();
    for (const name of ['00000001.JWS', '00000002.JWS', 'C0000002.TXT']) rmSync(join(trailFolderOf(scene, 'a'), name));
    expect((await scene.run(['drill', '--due', 'a', '--trust', 'out/trust.jws'])).status).toBe(0);
    const spoilt = drilled.copy();
    truncateSync(join(trailFolderOf(spoilt, 'a'), '00000001.JWS'), 100);
    const run = await spoilt.run(['drill', '--due', 'a', '--trust', 'out/trust.jws']);
    expect(run.status).toBe(3);
    expect(run.stdout).toMatch(/^NOT DECIDED/);
    // Damage behind a drill that is proved and recent enough takes nothing back.
    const behind = drilled.copy();
    truncateSync(join(trailFolderOf(behind, 'a'), '00000002.JWS'), 100);
    expect((await behind.run(['drill', '--due', 'a', '--trust', 'out/trust.jws'])).status).toBe(1);
  });

  test('nothing to read is not decided, whatever the reason', async () => {
    for (const where of [['--state', 'nowhere'], ['nowhere'], ['cards']]) {
      const run = await scenes.origin.run(['drill', '--due', ...where, '--json']);
      expect(run.status).toBe(3);
      expect(errorCodes(run)).toEqual(['NOT_JUDGED']);
    }
  });

  test('a path without --due is a mistake', async () => {
    expect((await scenes.origin.run(['drill', 'a'])).status).toBe(2);
  });
});

test('mint and audit-check say that a drill is overdue, and refuse nothing for it', async () => {
  const scene = await impatient();
  const { warnings } = await mintToken(scene);
  expect(warnings.map(({ code }) => code)).toContain('DRILL_OVERDUE');
  const audit = json(await scene.run(['audit-check', 'a', 'b', '--trust', 'out/trust.jws', '--json'])) as {
    verdict: string;
    findings: { code: string; severity: string }[];
  };
  expect(audit.verdict).toBe('not-provable');
  expect(audit.findings).toContainEqual(expect.objectContaining({ code: 'DRILL_OVERDUE', severity: 'warning' }));
  const drill = await scene.run([...mintFlags(await writeRequest(scene, ['--drill'])), '--drill', '--json']);
  expect(drill.status).toBe(0);
  expect(drill.stdout).not.toContain('DRILL_OVERDUE');
  const patient = await mintToken(scenes.origin.copy());
  expect(patient.warnings.map(({ code }) => code)).not.toContain('DRILL_OVERDUE');
});

describe('share check --record', () => {
  const check = (share: string, ...more: string[]) => [
    ...['share', 'check', '--record', '--share', share, '--state', 'state', '--json', ...more],
  ];

  test('a good card is on the record, by custodian, set and index', async () => {
    const scene = scenes.origin.copy();
    const run = await scene.run(check('cards/bob.share', ...onMedia));
    expect(run.status).toBe(0);
    const said = json(run) as { index: number; setId: string };
    expect(said).toMatchObject({ ok: true, label: 'bob', record: { seq: 1 }, waiting: false, media: ['a', 'b'] });
    const { index, setId } = said;
    expect(recordsOn(scene, 'b')[1]).toMatchObject({
      type: 'share.checked',
      custodian: 'bob',
      setId,
      index,
      code: null,
    });
    expect(recordsOn(scene, 'b')).toEqual(recordsOn(scene, 'a'));
  });

  test('without a medium it waits, and the next ceremony writes it first', async () => {
    const scene = scenes.origin.copy();
    const run = await scene.run(check('cards/bob.share', ...notAllowed));
    expect(run.status).toBe(0);
    expect(json(run)).toMatchObject({ ok: true, record: null, waiting: true });
    expect(run.stderr).toContain('It waits in the state directory and is written first next time.');
    expect(recordsOn(scene, 'a')).toHaveLength(1);
    await mintToken(scene);
    expect(recordsOn(scene, 'a').map(({ type }) => type)).toEqual([
      ...['genesis', 'share.checked', 'mint.issued', 'mint.released'],
    ]);
  });

  test('a refused card is on the record where a commitment proves whose it is, and nothing is recorded elsewhere', async () => {
    const scene = scenes.origin.copy();
    const card = readFileSync(scene.path('cards/bob.share'), 'utf8').trimEnd();
    const wrong = card[20] === 'q' ? 'p' : 'q';
    writeFileSync(scene.path('slip'), `${card.slice(0, 20)}${wrong}${card.slice(21)}\n`);
    const slip = await scene.run(check('slip', ...onMedia));
    expect(slip.status).toBe(5);
    expect(json(slip)).toMatchObject({ ok: false, code: 'SHARE_SLIP', label: null, record: { seq: 1 } });
    expect(recordsOn(scene, 'a')[1]).toMatchObject({ type: 'share.checked', custodian: 'bob', code: 'SHARE_SLIP' });
    expect(JSON.stringify(recordsOn(scene, 'a'))).not.toContain(card.slice(10, 30));

    writeFileSync(scene.path('rubbish'), 'no card at all\n');
    const rubbish = await scene.run(check('rubbish', ...onMedia));
    expect(rubbish.status).toBe(5);
    expect(json(rubbish)).toMatchObject({ ok: false, record: null, waiting: false });
    expect(rubbish.stderr).toContain('Nothing was recorded');
    expect(recordsOn(scene, 'a')).toHaveLength(2);
  });

  test('the trust file of another trust is refused: it could not be recorded here', async () => {
    const [scene, other] = [scenes.origin.copy(), scenes.fresh()];
    await makeTrust(other);
    cpSync(other.path('out/trust.jws'), scene.path('other.jws'));
    const run = await scene.run(check('cards/bob.share', '--trust', 'other.jws'));
    expect(errorCodes(run)).toEqual(['TRUST_OTHER']);
  });

  // As many as were cut off, and more: the mark of this machine is passed.
  test.each([
    ['one by one', [], onMedia],
    ['after some had waited', notAllowed, onMedia],
  ])('records without a quorum never hide a cut tail from the next quorum: %s', async (_how, first, then) => {
    const scene = drilled.copy();
    for (const folder of [trailFolderOf(scene, 'a'), trailFolderOf(scene, 'b'), scene.path('state', 'trail')])
      for (const name of ['00000001.JWS', '00000002.JWS', 'C0000002.TXT']) rmSync(join(folder, name), { force: true });
    if (first.length > 0)
      for (const share of ['alice', 'bob']) await scene.run(check(`cards/${share}.share`, ...first));
    await scene.run(['media', 'mend', '--state', 'state', ...then]);
    for (const share of ['carol', 'erin', 'frank']) await scene.run(check(`cards/${share}.share`, ...then));
    expect(recordsOn(scene, 'a').length).toBeGreaterThan(3);
    const next = await scene.run([...mintFlags(await writeRequest(scene)), '--json']);
    expect(errorCodes(next)).toContain('TRAIL_CUT');
  });
});
