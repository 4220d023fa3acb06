import { beforeAll, describe, expect, test } from 'vitest';
import { Judge } from '../../src/guard/judge.ts';
import { SignaturePool } from '../../src/guard/signature-pool.ts';
import { RevocationMemory } from '../../src/revocation/memory.ts';
import type { Trust } from '../../src/trust/trust-file.ts';
import { audience, exampleToken, type Fixture, makeFixture, midnight } from '../token/fixture.ts';

const now = midnight + 60;

describe('a judge', () => {
  let fixture: Fixture;
  let token: string;

  beforeAll(async () => {
    fixture = await makeFixture('ES256');
    token = await exampleToken(fixture);
  });

  function judgeOf(trust: Trust): Judge {
    const judge = new Judge({
      audience,
      mode: 'production',
      rememberTokens: 0,
      signatures: new SignaturePool(),
      channel: () => ({ freshness: () => 'fresh', killSwitch: undefined }),
    });
    enter(judge, trust);
    return judge;
  }

  function enter(judge: Judge, trust: Trust): void {
    const memory = new RevocationMemory(trust);
    for (const _ of memory.read(fixture.firstFile));
    judge.enter(trust, memory);
  }

  function withKeys(change: (key: Trust['keys'][number]) => Trust['keys'][number]): Trust {
    return { ...fixture.trust, keys: fixture.trust.keys.map(change) };
  }

  test('accepts a token that it has proved, alone and among others', async () => {
    const judge = judgeOf(fixture.trust);
    const proved = await Promise.all([judge.prove(token), judge.prove(token), judge.prove(token)]);
    for (const known of proved) expect(() => judge.judge(known, now)).not.toThrow();
  });

  test('refuses a token whose key was retired between its proof and its judgement', async () => {
    const judge = judgeOf(fixture.trust);
    const known = await judge.prove(token);
    const { kid } = fixture.token;
    enter(
      judge,
      withKeys((key) => (key.public.kid === kid ? { ...key, status: 'retired' } : key)),
    );
    expect(() => judge.judge(known, now)).toThrow(expect.objectContaining({ code: 'TOKEN_KEY_RETIRED' }));
  });

  test('goes on with a token whose key the next trust version has too', async () => {
    const judge = judgeOf(fixture.trust);
    const known = await judge.prove(token);
    enter(
      judge,
      withKeys((key) => key),
    );
    expect(() => judge.judge(known, now)).not.toThrow();
  });

  test('proves a token anew when the trust changed while its signature was in the thread pool', async () => {
    const judge = judgeOf(fixture.trust);
    const [, inPool] = [judge.prove(token), judge.prove(token)];
    expect(inPool).toBeInstanceOf(Promise);
    enter(
      judge,
      withKeys((key) => (key.use === 'token' ? { ...key, status: 'retired' } : key)),
    );
    await expect(inPool).rejects.toMatchObject({ code: 'TOKEN_KEY_RETIRED' });
  });
});
