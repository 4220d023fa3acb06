import { readdirSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { isBreakglassError } from '../../src/base/errors.ts';
import { formatTime, parseTime } from '../../src/base/time.ts';
import { readRevocations } from '../../src/revocation/list.ts';
import { verifyToken } from '../../src/token/verify.ts';
import { openTrust } from '../../src/trust/trust-file.ts';
import { type TokenFault, tokenFaults } from './faults.ts';
import { audience, type Fixture, makeFixture, midnight } from './fixture.ts';

const folder = new URL('../testdata/tokens/', import.meta.url).pathname;
const filed = tokenFaults.filter(({ only }) => only === undefined);

/** One fault a file, in the manner of C2SP's CCTV: lines of what to do and what to expect, an empty line, the token, one LF. */
function formatCase(fault: TokenFault, token: string): string {
  return [
    `expect: ${fault.expect}`,
    `at: ${formatTime(fault.now ?? midnight + 60)}`,
    `audience: ${audience}`,
    `mode: ${fault.mode ?? 'production'}`,
    '',
    `${token}\n`,
  ].join('\n');
}

describe('the token corpus', () => {
  let fixture: Fixture;
  beforeAll(async () => {
    fixture = await makeFixture('Ed25519');
  });

  // Made anew on every run and compared: `vitest -u` writes the files after a deliberate change.
  test('is what the generator makes', async () => {
    await expect(Buffer.from(fixture.trust.bytes).toString()).toMatchFileSnapshot(`${folder}trust.jws`);
    await expect(Buffer.from(fixture.firstFile).toString()).toMatchFileSnapshot(`${folder}revocations.jws`);
    for (const fault of filed)
      await expect(formatCase(fault, await fault.make(fixture))).toMatchFileSnapshot(`${folder}${fault.name}.txt`);
  });

  test('has no file that the generator does not make', () => {
    const names = readdirSync(folder).filter((name) => name.endsWith('.txt'));
    expect(names.sort()).toEqual(filed.map(({ name }) => `${name}.txt`).sort());
  });

  test.each(readdirSync(folder).filter((name) => name.endsWith('.txt')))('%s is refused as the file says', (name) => {
    const trust = openTrust(readFileSync(`${folder}trust.jws`));
    const list = readRevocations(readFileSync(`${folder}revocations.jws`), trust);
    const content = readFileSync(folder + name, 'utf8');
    const end = content.indexOf('\n\n');
    const fields = new Map(
      content
        .slice(0, end)
        .split('\n')
        .map((line) => line.split(': ') as [string, string]),
    );
    const mode = fields.get('mode');
    if (mode !== 'production' && mode !== 'drill' && mode !== 'any') throw new Error('unknown mode');
    const code = (() => {
      try {
        verifyToken(content.slice(end + 2, -1), {
          trust,
          now: parseTime(fields.get('at') ?? '') ?? 0,
          audience: fields.get('audience') ?? null,
          mode,
          revocations: { state: 'checked', list },
        });
        return 'accepted';
      } catch (error) {
        return isBreakglassError(error) ? error.code : String(error);
      }
    })();
    expect(code).toBe(fields.get('expect'));
  });
});
