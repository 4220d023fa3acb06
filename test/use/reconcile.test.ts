import { describe, expect, test } from 'vitest';
import { sha256Hex } from '../../src/base/bytes.ts';
import { thumbprint } from '../../src/key/public.ts';
import { preSignedDenial } from '../../src/revocation/kill-file.ts';
import { denyEntrySha256 } from '../../src/revocation/list.ts';
import type { DenyEntry, Statement } from '../../src/revocation/statement.ts';
import { type ReconcileOptions, Reconciler } from '../../src/use/reconcile.ts';
import { readUseLogs, useLogFile } from '../../src/use/use-chain.ts';
import type { Use } from '../../src/use/use-record.ts';
import { auditorKey, beginning, TrailBuilder } from '../trail/build.ts';
import { audience, client, issuedBy, UseLogBuilder, useOf } from './reconcile-scene.ts';

const holder = auditorKey.public.jwk;
const holderJkt = thumbprint(holder);

/** Records 1 a bearer token, 2 a bound one, 3 a drill. */
async function trailOf(): Promise<TrailBuilder> {
  const trail = await (await TrailBuilder.begin()).genesis();
  await trail.mint();
  await trail.mint({ request: { holder } });
  return trail.mint({ drill: true });
}
const trail = await trailOf();
const issued = issuedBy(trail);
const nbf = (seq: number) => Math.floor(useOf(trail, seq).atMs / 1000) - 60;
const denials = { statements: [], allowed: new Set<string>() };

async function reconcile(uses: readonly Use[], change: Partial<ReconcileOptions> = {}, log?: UseLogBuilder) {
  const written = log ?? (await UseLogBuilder.begin(trail.trust.id, { now: beginning }));
  for (const use of uses) await written.uses(use);
  await written.close();
  const reconciler = new Reconciler({ trust: trail.trust.id, issued, revocations: denials, ...change });
  const keys = [written.key.public];
  return reconciler.finish(
    readUseLogs([useLogFile('uses.jws', written.bytes)], { keys, onUse: (found) => reconciler.add(found) }),
  );
}

const all = [useOf(trail, 1), useOf(trail, 2), useOf(trail, 3)];
const codes = (found: { findings: readonly { code: string; severity: string }[] }) =>
  found.findings.map(({ code, severity }) => [code, severity]);

/** What is found of these uses beside one good use of every token. */
async function foundOf(uses: readonly Use[], change: Partial<ReconcileOptions> = {}) {
  const result = await reconcile([...all, ...uses], change);
  return { ...result, codes: codes(result) };
}

test('uses of what was issued, within it, are complete and have nothing to find', async () => {
  const result = await reconcile(all);
  expect(result).toMatchObject({ verdict: 'complete', uses: 3, allowed: 3, denied: 0, findings: [] });
  expect(result.logs).toMatchObject([{ genesis: { name: 'api-1', audience }, keyKnown: true, closed: true }]);
});

describe('a token that no record issued', () => {
  const token = { ...useOf(trail, 1).token, jti: 'A'.repeat(22) } as Use['token'];

  test('is named, whether it was allowed or denied', async () => {
    for (const outcome of [{ outcome: 'allowed' }, { outcome: 'denied', code: 'SCOPE_MISSING' }] as const) {
      const found = await foundOf([useOf(trail, 1, { token, ...outcome })]);
      expect(found).toMatchObject({ verdict: 'misuse', codes: [['USE_NOT_ISSUED', 'misuse']] });
      expect(found.findings[0]).toMatchObject({ jti: 'A'.repeat(22), at: '2026-02-01T08:11:00Z', seq: 4, count: 1 });
    }
  });

  test('many times is one finding with a count', async () => {
    const again = [0, 1, 2].map((second) => useOf(trail, 1, { token, atMs: (nbf(1) + 100 + second) * 1000 }));
    const { findings } = await foundOf(again);
    expect(findings).toMatchObject([{ count: 3, at: '2026-02-01T08:11:40Z', last: '2026-02-01T08:11:42Z' }]);
  });

  test('under a jti that was issued, with other claims or in other bytes', async () => {
    const own = useOf(trail, 1).token as NonNullable<Use['token']>;
    for (const member of [{ role: 'root' }, { subject: 'carol' }, { sequence: 2 }, { kid: trail.keys.drill.kid }]) {
      const found = await foundOf([useOf(trail, 1, { token: { ...own, ...member } })]);
      expect(found.codes).toEqual([['USE_NOT_ISSUED', 'misuse']]);
      expect(found.findings[0]?.message).toContain(Object.keys(member)[0]);
    }
    const spelt = await foundOf([useOf(trail, 1, { tokenSha256: sha256Hex('other bytes') })]);
    expect(spelt.codes).toEqual([['USE_NOT_ISSUED', 'misuse']]);
  });

  test('or none at all, and allowed', async () => {
    const found = await foundOf([useOf(trail, 1, { token: null, tokenSha256: null })]);
    expect(found.codes).toEqual([['USE_NOT_ISSUED', 'misuse']]);
  });

  test('is not meant by what has no right signature and was denied', async () => {
    const noise = useOf(trail, 1, { token: null, outcome: 'denied', code: 'TOKEN_SIGNATURE' });
    expect(await foundOf([noise])).toMatchObject({ verdict: 'complete', codes: [] });
  });
});

test('a use outside the window of its token is named, 5 seconds at both ends forgiven', async () => {
  const at = (seconds: number) => foundOf([useOf(trail, 1, { atMs: seconds * 1000 })]);
  expect((await at(nbf(1) - 6)).codes).toEqual([['USE_OUTSIDE_WINDOW', 'misuse']]);
  expect((await at(nbf(1) - 5)).codes).toEqual([]);
  expect((await at(nbf(1) + 904)).codes).toEqual([]);
  expect((await at(nbf(1) + 905)).codes).toEqual([['USE_OUTSIDE_WINDOW', 'misuse']]);
});

test('what was denied outside the window is right', async () => {
  const late = useOf(trail, 1, { atMs: (nbf(1) + 5000) * 1000, outcome: 'denied', code: 'TOKEN_EXPIRED' });
  expect((await foundOf([late])).codes).toEqual([]);
});

test('a scope and an action beyond the token are named', async () => {
  expect((await foundOf([useOf(trail, 1, { scope: 'db:drop' })])).codes).toEqual([['USE_OVER_SCOPE', 'misuse']]);
  expect((await foundOf([useOf(trail, 1, { action: 'drop' })])).codes).toEqual([['USE_OVER_SCOPE', 'misuse']]);
  expect((await foundOf([useOf(trail, 1, { scope: null, action: null })])).codes).toEqual([]);
});

test('a token that the guard of another audience allowed is named', async () => {
  const log = await UseLogBuilder.begin(trail.trust.id, { now: beginning, audience: 'https://other.example.com' });
  const found = await reconcile([useOf(trail, 1)], {}, log);
  expect(codes(found)).toEqual([['USE_OTHER_AUDIENCE', 'misuse']]);
});

describe('a use after a revocation', () => {
  const at = nbf(1) + 100;
  const entry: DenyEntry = { kind: 'incident', value: 'inc-2026-0117', at, by: 'erin', reason: 'stolen' };
  const denied = (deny: DenyEntry[], allow: { readonly iat: number; readonly entry: DenyEntry } | null = null) => {
    const common = { v: 1 as const, trust: trail.trust.id };
    const statements: Statement[] = [{ ...common, iat: at, deny, allow: [] }];
    if (allow) statements.push({ ...common, iat: allow.iat, deny: [], allow: [denyEntrySha256(allow.entry)] });
    return { revocations: { statements, allowed: new Set(statements.flatMap((each) => each.allow)) } };
  };
  const usedAfter = (seconds: number) => useOf(trail, 1, { atMs: (at + seconds) * 1000 });
  const only = async (use: Use, options: Partial<ReconcileOptions>) =>
    codes(await reconcile([use], options)).filter(([code]) => code !== 'TOKEN_UNUSED');

  test('is named, with how many seconds after; 10 seconds are forgiven', async () => {
    expect(await only(usedAfter(10), denied([entry]))).toEqual([]);
    const found = await reconcile([usedAfter(11)], denied([entry]));
    expect(found.findings[0]).toMatchObject({ code: 'USE_AFTER_REVOCATION', severity: 'misuse' });
    expect(found.findings[0]?.message).toContain('11 s after erin');
  });

  test('is found by every kind of denial, and by none of others', async () => {
    const own = useOf(trail, 1).token as NonNullable<Use['token']>;
    const common = { at, by: 'erin', reason: 'x' };
    const naming: DenyEntry[] = [
      { kind: 'all', value: null, ...common },
      { kind: 'epoch', value: 1, ...common },
      { kind: 'kid', value: own.kid, ...common },
      { kind: 'jti', value: own.jti, ...common },
      { kind: 'family', value: own.family, ...common },
      { kind: 'subject', value: own.subject, ...common },
      { kind: 'role', value: own.role, ...common },
      { kind: 'audience', value: audience, ...common },
    ];
    for (const each of naming)
      expect(await only(usedAfter(60), denied([each]))).toEqual([['USE_AFTER_REVOCATION', 'misuse']]);
    const others: DenyEntry[] = [
      { kind: 'jti', value: 'A'.repeat(22), ...common },
      { kind: 'incident', value: 'inc-2', ...common },
      { kind: 'all', value: null, before: nbf(1) - 1, ...common },
    ];
    expect(await only(usedAfter(60), denied(others))).toEqual([]);
  });

  test('counts until a quorum allowed it again', async () => {
    const again = denied([entry], { iat: at + 120, entry });
    expect(await only(usedAfter(60), again)).toEqual([['USE_AFTER_REVOCATION', 'misuse']]);
    expect(await only(usedAfter(121), again)).toEqual([]);
  });

  test('is not every use of a token that a kill file denies, which was signed at the mint', async () => {
    const { family } = useOf(trail, 1).token as NonNullable<Use['token']>;
    const killed = denied([preSignedDenial(family, nbf(1))]);
    expect(await only(usedAfter(60), killed)).toEqual([['REVOCATION_UNDATED', 'note']]);
    const refused = useOf(trail, 1, { atMs: (at + 10) * 1000, outcome: 'denied', code: 'TOKEN_REVOKED' });
    const late = await reconcile([refused, usedAfter(11), usedAfter(12)], killed);
    expect(codes(late)).toContainEqual(['USE_AFTER_REVOCATION', 'misuse']);
    expect(late.findings.find(({ code }) => code === 'USE_AFTER_REVOCATION')?.count).toBe(1);
  });

  test('cannot be found without a list, and that is said', async () => {
    const result = await reconcile([...all, usedAfter(60)], { revocations: null });
    expect(result).toMatchObject({ verdict: 'complete', revocations: 'not-judged' });
    expect(codes(result)).toEqual([['REVOCATIONS_NOT_JUDGED', 'note']]);
  });
});

describe('a token that is bound to a key', () => {
  const other = 'A'.repeat(43);

  test('and was allowed with another key, or none, is named', async () => {
    expect((await foundOf([useOf(trail, 2, { proof: other })])).codes).toEqual([['USE_OTHER_HOLDER', 'misuse']]);
    expect((await foundOf([useOf(trail, 2, { proof: null })])).codes).toEqual([['USE_OTHER_HOLDER', 'misuse']]);
  });

  test('in a session of its own needs no second proof', async () => {
    expect((await foundOf([useOf(trail, 2, { proof: null, session: 'A'.repeat(22) })])).codes).toEqual([]);
  });

  test('and was checked by hand needs no proof', async () => {
    expect((await foundOf([useOf(trail, 2, { proof: null, method: 'MANUAL', client: null })])).codes).toEqual([]);
  });

  test('shown without its key by a second client was stolen; by its own client it was forgotten', async () => {
    const without = { outcome: 'denied', code: 'PROOF_MISSING', proof: null } as const;
    const stolen = await foundOf([useOf(trail, 2, { ...without, client: '198.51.100.9' })]);
    expect(stolen).toMatchObject({ verdict: 'misuse', codes: [['USE_OTHER_HOLDER', 'misuse']] });
    expect(stolen.findings[0]?.message).toContain('198.51.100.9');
    const own = await foundOf([useOf(trail, 2, without)]);
    expect(own).toMatchObject({ verdict: 'complete', codes: [['USE_WITHOUT_KEY', 'warning']] });
    expect((await foundOf([useOf(trail, 2, { ...without, client: null })])).codes).toEqual([
      ['USE_WITHOUT_KEY', 'warning'],
    ]);
  });

  test('shown with another key, and denied, was stolen', async () => {
    const shown = useOf(trail, 2, { outcome: 'denied', code: 'PROOF_KEY', proof: null });
    expect((await foundOf([shown])).codes).toEqual([['USE_OTHER_HOLDER', 'misuse']]);
  });

  test('and used with it is right', () => {
    expect(useOf(trail, 2).proof).toBe(holderJkt);
  });
});

test('one token of several clients is told', async () => {
  const found = await foundOf([useOf(trail, 1, { client: '198.51.100.9' })]);
  expect(found).toMatchObject({ verdict: 'complete', codes: [['USE_SEVERAL_CLIENTS', 'warning']] });
  expect(found.findings[0]?.message).toContain(`${client}, 198.51.100.9`);
});

test('five denials in a row are told, four are not, and what was allowed ends a row', async () => {
  const denied = () => useOf(trail, 1, { outcome: 'denied', code: 'SCOPE_MISSING' });
  const rows = async (...uses: Use[]) => (await foundOf(uses)).codes;
  const four = [denied(), denied(), denied(), denied()];
  expect(await rows(...four)).toEqual([]);
  expect(await rows(...four, denied())).toEqual([['DENIED_IN_A_ROW', 'warning']]);
  expect(await rows(...four, useOf(trail, 1), denied())).toEqual([]);
});

test('an issuance that nobody used is a note, unless no log at hand could have seen it', async () => {
  const later = useOf(trail, 1, { atMs: (nbf(3) + 100) * 1000, outcome: 'denied', code: 'TOKEN_EXPIRED' });
  expect(codes(await reconcile([useOf(trail, 1), useOf(trail, 2), later]))).toEqual([['TOKEN_UNUSED', 'note']]);
  const elsewhere = await UseLogBuilder.begin(trail.trust.id, {
    now: beginning,
    audience: 'https://other.example.com',
  });
  expect(codes(await reconcile([], {}, elsewhere))).toEqual([]);
});

test('nothing of a log of another trust is compared', async () => {
  const log = await UseLogBuilder.begin(sha256Hex('another trust'), { now: beginning });
  const found = await reconcile([useOf(trail, 1, { scope: 'db:drop' })], {}, log);
  expect([found.verdict, codes(found)]).toEqual(['incomplete', [['USE_LOG_OTHER_TRUST', 'incomplete']]]);
});

test('without a log nothing is complete', async () => {
  const reconciler = new Reconciler({ trust: trail.trust.id, issued, revocations: denials });
  const result = reconciler.finish({ logs: [], findings: [] });
  expect([result.verdict, codes(result)]).toEqual(['incomplete', [['USE_LOGS_NONE', 'incomplete']]]);
});

describe('the log itself', () => {
  const read = async (spoil: (lines: Uint8Array[]) => Uint8Array[], keys = true) => {
    const log = await UseLogBuilder.begin(trail.trust.id, { now: beginning });
    for (const use of all) await log.uses(use);
    await log.close();
    const reconciler = new Reconciler({ trust: trail.trust.id, issued, revocations: denials });
    const bytes = Buffer.concat(spoil(log.lines));
    const onUse = (found: Parameters<Reconciler['add']>[0]) => reconciler.add(found);
    return reconciler.finish(readUseLogs([useLogFile('u', bytes)], { keys: keys ? [log.key.public] : [], onUse }));
  };
  const without = (lines: Uint8Array[], ...gone: number[]) => lines.filter((_, at) => !gone.includes(at));

  test('with a record removed is incomplete, and the place is named', async () => {
    const result = await read((lines) => without(lines, 2));
    expect(result.verdict).toBe('incomplete');
    expect(result.findings.map(({ code }) => code)).toContain('USE_LINE_MISSING');
  });

  test('with a line changed is tampered', async () => {
    const result = await read((lines) => lines.map((line, at) => (at === 2 ? spoilt(line) : line)));
    expect(result.verdict).toBe('tampered');
  });

  test('of a guard that nobody vouches for is incomplete', async () => {
    const result = await read((lines) => lines, false);
    expect([result.verdict, codes(result)]).toEqual(['incomplete', [['USE_KEY_UNKNOWN', 'incomplete']]]);
  });

  test('LIMIT: with its tail cut off is only not closed', async () => {
    const result = await read((lines) => without(lines, 3, 4));
    expect(result.verdict).toBe('complete');
    expect(result.findings.map(({ code }) => code)).toEqual(['USE_END_OPEN', 'TOKEN_UNUSED']);
  });
});

function spoilt(line: Uint8Array): Uint8Array {
  const text = Buffer.from(line).toString('latin1');
  const end = text.length - 20;
  const changed = text[end] === 'A' ? 'B' : 'A';
  return Buffer.from(`${text.slice(0, end)}${changed}${text.slice(end + 1)}`, 'latin1');
}

test('a hostile time is no crash', async () => {
  const found = await foundOf([useOf(trail, 1, { atMs: Number.MAX_SAFE_INTEGER })]);
  expect(found.codes).toEqual([['USE_OUTSIDE_WINDOW', 'misuse']]);
});

test('of one code a hundred findings are listed, and how many more there are', async () => {
  const own = useOf(trail, 1).token as NonNullable<Use['token']>;
  const many = Array.from({ length: 103 }, (_, at) =>
    useOf(trail, 1, { token: { ...own, jti: Buffer.alloc(16, at).toString('base64url') } }),
  );
  const { findings } = await foundOf(many);
  expect(findings.filter(({ code }) => code === 'USE_NOT_ISSUED')).toHaveLength(100);
  expect(findings.at(-1)).toMatchObject({ code: 'FINDINGS_CUT', count: 3 });
});
