import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openUseLog } from '../../src/guard/use-log/use-log.ts';
import type { Claims } from '../../src/token/claims.ts';
import { openTrust } from '../../src/trust/trust-file.ts';
import type { Use } from '../../src/use/use-record.ts';
import { json, openScenes, payloadOf, type Scene } from './scene.ts';

/** The trail and the use logs of a drill, kept, and then spoilt one way each. */
let scenes: Awaited<ReturnType<typeof openScenes>>;
let drilled: Scene;
beforeAll(async () => {
  scenes = await openScenes();
  drilled = scenes.fresh();
  const run = await drilled.run(['drill', '--keep', 'kept', '--json']);
  if (run.status !== 0) throw new Error(`${run.stdout}${run.stderr}`);
});
afterAll(() => scenes.remove());

const services = ['verifier-1', 'verifier-2', 'verifier-3'];

interface Uses {
  readonly verdict: string;
  readonly findings: readonly { readonly code: string; readonly jti: string | null; readonly severity: string }[];
}

async function audit(scene: Scene): Promise<{ uses: Uses; status: number | null }> {
  const flags: string[] = [];
  for (const name of services) {
    const key = await scene.run(['guard', 'key', `kept/${name}/uses.jws.key`]);
    writeFileSync(scene.path(`${name}.jwk`), key.stdout);
    flags.push('--uses', `kept/${name}/uses.jws`, '--uses-key', `${name}.jwk`);
  }
  const by = ['--trust', 'kept/out/trust.jws', '--revocations', 'kept/revocations.jws', '--json'];
  const run = await scene.run(['audit-check', 'kept/sandbox-a', 'kept/sandbox-b', ...flags, ...by]);
  return { uses: (json(run) as { uses: Uses }).uses, status: run.status };
}

/** The claims of the strip that the drill had in use: those of its issuance. */
function stripClaims(scene: Scene): Claims {
  const [folder = ''] = readdirSync(scene.path('kept/sandbox-a/BGTRAIL')).filter((name) => /^[0-9a-f]{8}$/.test(name));
  const dir = scene.path('kept/sandbox-a/BGTRAIL', folder);
  for (const name of readdirSync(dir).filter((file) => /^\d{8}\.JWS$/.test(file))) {
    const record = payloadOf(readFileSync(`${dir}/${name}`, 'latin1')) as {
      readonly request?: { readonly incident: string };
      readonly tokens?: readonly { readonly claims: Claims }[];
    };
    const claims = record.request?.incident === 'drill-strip' ? record.tokens?.[0]?.claims : undefined;
    if (claims) return claims;
  }
  throw new Error('there is no strip');
}

/** One more use in the log of verifier-1, signed by its own key: what it lets through is on the record, whatever it was. */
async function letThrough(scene: Scene, jti: string, atMs: number): Promise<void> {
  const claims = stripClaims(scene);
  const trust = openTrust(readFileSync(scene.path('kept/out/trust.jws')));
  const log = await openUseLog({
    path: scene.path('kept/verifier-1/uses.jws'),
    name: 'verifier-1',
    trustId: trust.id,
    audience: claims.aud,
    clock: { now: () => Math.floor(atMs / 1000) },
  });
  const { family, sequence, incident, drill } = claims.breakglass;
  const [key] = trust.keys.filter(({ use }) => use === 'token');
  const use: Use = {
    ...{ atMs, outcome: 'allowed', code: null, tokenSha256: null, proof: claims.cnf?.jkt ?? null, session: null },
    ...{ method: 'GET', route: '/drill', scope: null, action: null, client: 'responder-laptop' },
    token: {
      jti,
      kid: key?.public.kid ?? '',
      family,
      sequence,
      incident,
      subject: claims.sub,
      role: claims.roles[0],
      drill,
    },
  };
  await log.record(use);
  await log.close();
}

const codes = ({ findings }: Uses) => findings.filter(({ severity }) => severity !== 'note').map(({ code }) => code);

describe('the use logs of a drill, beside its trail', () => {
  test('are complete; the token that was shown without its key is told', async () => {
    const { uses } = await audit(drilled.copy());
    expect(uses.verdict).toBe('complete');
    expect(codes(uses)).toEqual(['USE_WITHOUT_KEY']);
  });

  test('without one of their records are not, and the gap is named', async () => {
    const scene = drilled.copy();
    const path = scene.path('kept/verifier-2/uses.jws');
    const lines = readFileSync(path, 'latin1').split('\n');
    lines.splice(2, 1);
    writeFileSync(path, lines.join('\n'));
    const { uses, status } = await audit(scene);
    expect([uses.verdict, codes(uses)]).toEqual(['incomplete', ['USE_LINE_MISSING', 'USE_WITHOUT_KEY']]);
    expect(status).toBe(3);
  });

  test('with a record that was changed are tampered with', async () => {
    const scene = drilled.copy();
    const path = scene.path('kept/verifier-2/uses.jws');
    const text = readFileSync(path, 'latin1');
    const middle = text.indexOf('\n', text.length / 2) - 20;
    writeFileSync(path, `${text.slice(0, middle)}${text[middle] === 'A' ? 'B' : 'A'}${text.slice(middle + 1)}`);
    const { uses, status } = await audit(scene);
    expect([uses.verdict, status]).toEqual(['tampered', 1]);
  });

  test('with the use of a token that no record issued show that the key was used outside the tool', async () => {
    const scene = drilled.copy();
    const forged = 'Zm9yZ2VkLWJ5LXRoaWVmIQ';
    await letThrough(scene, forged, stripClaims(scene).nbf * 1000);
    const { uses, status } = await audit(scene);
    const [worst] = uses.findings;
    expect([uses.verdict, worst?.code, worst?.jti, status]).toEqual(['misuse', 'USE_NOT_ISSUED', forged, 1]);
  });

  test('with a use behind the kill show that', async () => {
    const scene = drilled.copy();
    const { jti, nbf } = stripClaims(scene);
    await letThrough(scene, jti, (nbf + 120) * 1000);
    const { uses, status } = await audit(scene);
    const [worst] = uses.findings;
    expect([uses.verdict, worst?.code, worst?.jti, status]).toEqual(['misuse', 'USE_AFTER_REVOCATION', jti, 1]);
  });
});
