import { beforeAll, describe, expect, test } from 'vitest';
import { isBreakglassError } from '../../src/base/errors.ts';
import { mergeRevocations, readRevocations } from '../../src/revocation/list.ts';
import { sealStatement } from '../../src/revocation/statement.ts';
import { planTokens, sealToken, type TokenPlan } from '../../src/token/mint.ts';
import { openStrip } from '../../src/token/strip.ts';
import { verifyToken } from '../../src/token/verify.ts';
import {
  denial,
  exampleOptions,
  examplePlan,
  exampleRequest,
  type Fixture,
  makeFixture,
  midnight,
  statement,
} from './fixture.ts';

let fixture: Fixture;
/** Two hours of fifteen minutes each. */
let strip: readonly string[];
beforeAll(async () => {
  fixture = await makeFixture('Ed25519');
  strip = await mintStrip({});
});

async function mintStrip(change: Partial<TokenPlan>): Promise<string[]> {
  const request = exampleRequest(fixture.trust, { durationSeconds: 7200 });
  const claims = planTokens(examplePlan(fixture, { request, ...change }));
  return Promise.all(claims.map((each) => sealToken(each, fixture.token)));
}

const bundleOf = (tokens: readonly string[]) => Buffer.from(tokens.map((token) => `${token}\n`).join(''));

function codeOf(act: () => unknown): string | undefined {
  try {
    act();
  } catch (error) {
    if (isBreakglassError(error)) return error.code;
    throw error;
  }
  return undefined;
}

const verifies =
  (now: number, list = fixture.firstFile) =>
  (token: string) =>
    codeOf(() =>
      verifyToken(
        token,
        exampleOptions(fixture, {
          now,
          revocations: { state: 'checked', list: readRevocations(list, fixture.trust) },
        }),
      ),
    ) === undefined;

describe('a strip of two hours, of fifteen minutes each', () => {
  const minutes = Array.from({ length: 120 }, (_, minute) => minute);
  const overlaps = [14, 28, 42, 56, 70, 84, 98, 112];

  test('at every minute exactly one token verifies, two in the overlap, and the current one is the later', () => {
    const opened = openStrip(bundleOf(strip));
    for (const minute of minutes) {
      const now = midnight + 60 * minute;
      const valid = strip.filter(verifies(now));
      expect([minute, valid.length]).toEqual([minute, overlaps.includes(minute) ? 2 : 1]);
      expect(opened.current(now).token).toBe(valid.at(-1));
    }
  });

  test('before it none is current, and after it none, with the time that people need', () => {
    const opened = openStrip(bundleOf(strip));
    expect(() => opened.current(midnight - 61)).toThrow('token 1 begins at 2026-01-01T00:00:00Z, in 1 m 1 s');
    expect(codeOf(() => opened.current(midnight - 1))).toBe('STRIP_NOT_BEGUN');
    expect(codeOf(() => opened.current(midnight + 7199))).toBeUndefined();
    expect(() => opened.current(midnight + 7200)).toThrow('its last token ended at 2026-01-01T02:00:00Z');
    expect(codeOf(() => opened.current(midnight + 7200))).toBe('STRIP_OVER');
  });

  test('a commander who denies the incident kills every token of it at once, and so does the kill file alone', async () => {
    const line = (entry: ReturnType<typeof denial>, signer = fixture.revoker) =>
      sealStatement(statement(fixture, { iat: midnight + 60, deny: [entry] }), signer);
    const family = denial({ kind: 'family', value: 'A'.repeat(22), by: 'quorum', reason: 'pre-signed at mint' });
    for (const statementLine of [
      await line(denial({ kind: 'incident', value: 'inc-2026-001' })),
      await line(family, fixture.deny),
    ]) {
      const list = mergeRevocations(fixture.firstFile, Buffer.from(`${statementLine}\n`));
      for (const minute of minutes) expect(strip.filter(verifies(midnight + 60 * minute, list))).toEqual([]);
    }
  });

  test('goes on with its renewal, in one file or in any order of the lines', async () => {
    const renewal = await mintStrip({ iat: midnight + 7140, firstSequence: 10 });
    const opened = openStrip(bundleOf([...renewal, ...strip]));
    const at = (seconds: number) => opened.current(midnight + seconds).claims.breakglass.sequence;
    expect([at(7139), at(7140), at(7200), at(7980)]).toEqual([9, 10, 10, 11]);
    expect(opened.after(opened.current(midnight + 7139))?.claims.breakglass.sequence).toBe(10);
    expect(opened.after(opened.current(midnight + 14_339))).toBeUndefined();
  });

  test('with a gap before its renewal says when it goes on', async () => {
    const renewal = await mintStrip({ iat: midnight + 9000, firstSequence: 10 });
    const opened = openStrip(bundleOf([...strip, ...renewal]));
    expect(() => opened.current(midnight + 8000)).toThrow('token 10 begins at 2026-01-01T02:30:00Z, in 16 m 40 s');
  });
});

describe('a bundle', () => {
  test('may lack its last line feed, and may have gone through a system that ends lines with CR LF', () => {
    for (const text of [strip.join('\n'), `${strip.join('\r\n')}\r\n`])
      expect(openStrip(Buffer.from(text)).tokens).toHaveLength(9);
  });

  test.each<[string, string, () => string | Uint8Array]>([
    ['nothing in it', 'TOKEN_EMPTY', () => ''],
    ['an empty line', 'TOKEN_EMPTY', () => `${strip[0]}\n\n${strip[1]}\n`],
    ['a line that is no token', 'TOKEN_NOT_COMPACT', () => `${strip[0]}\nnotes\n`],
    ['a line that was cut', 'TOKEN_NOT_COMPACT', () => `${strip[0]}\n${strip[1]?.split('.')[0]}\n`],
    ['a space before a token', 'TOKEN_NOT_CANONICAL', () => ` ${strip[0]}\n`],
    ['a line that is too long', 'TOKEN_TOO_LARGE', () => `${'x'.repeat(9000)}\n`],
    ['bytes that are no text', 'TOKEN_NOT_COMPACT', () => Uint8Array.of(0xff, 0xfe, 0)],
  ])('with %s is refused (%s)', (_what, code, content) => {
    expect(codeOf(() => openStrip(Buffer.from(content() as string)))).toBe(code);
  });

  test('says which line is not right', () => {
    expect(() => openStrip(Buffer.from(`${strip[0]}\nnotes\n`))).toThrow('line 2 of the bundle:');
  });

  test('of two families has no one current token, and is refused', async () => {
    const other = await mintStrip({ family: 'B'.repeat(21).concat('A') });
    expect(codeOf(() => openStrip(bundleOf([...strip, ...other])))).toBe('BAD_INPUT');
  });
});
