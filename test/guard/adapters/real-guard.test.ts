import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { sha256 } from '../../../src/base/bytes.ts';
import { deriveKey, type SigningKey } from '../../../src/key/derive.ts';
import { sealProof } from '../../../src/token/proof.ts';
import { audience, denial, exampleRequest, type Fixture, makeFixture } from '../../token/fixture.ts';
import { GuardScene } from '../fixture.ts';
import { ask } from './client.ts';
import {
  type Service,
  type StartService,
  startExpress,
  startExpress4,
  startFastify,
  startFastify4,
  startHono,
  startNode,
} from './services.ts';

let fixture: Fixture;
let holder: SigningKey;
let scene: GuardScene;
let service: Service;
beforeAll(async () => {
  fixture = await makeFixture('ES256');
  const origin = { trustName: 'dana', nonce: new Uint8Array(16) };
  holder = await deriveKey(new Uint8Array(16).fill(1), origin, { role: 'token', alg: 'ES256', epoch: 1 });
});
beforeEach(() => {
  scene = new GuardScene(fixture);
});
afterEach(async () => {
  await service.close();
  await scene.end();
});

const frameworks: [string, StartService][] = [
  ['node:http', startNode],
  ['Express 5', startExpress],
  ['Express 4', startExpress4],
  ['Fastify 5', startFastify],
  ['Fastify 4', startFastify4],
  ['Hono', startHono],
];

describe.each(frameworks)('a guard behind %s', (_, start) => {
  const begin = async () => {
    const guard = await scene.guard();
    service = await start(guard);
    return { guard, port: service.port };
  };
  const codes = () => scene.eventsOf('use').map(({ use }) => use.code ?? use.outcome);

  test('opens to a token, and to nobody after the kill', async () => {
    const { guard, port } = await begin();
    const authorization = `Bearer ${await scene.token()}`;
    expect(JSON.parse((await ask(port, { authorization })).body)).toMatchObject({ by: 'dana', member: true });
    await scene.deny(denial({ kind: 'subject', value: 'dana' }));
    await guard.refresh();
    const heard = await ask(port, { authorization, headers: { 'x-role': 'reader' } });
    expect([heard.status, heard.body]).toEqual([401, '{"error":"invalid_token"}']);
    expect((await ask(port, { headers: { 'x-role': 'reader' } })).status).toBe(200);
    expect(codes()).toEqual(['allowed', 'TOKEN_REVOKED']);
  });

  test('refuses what comes in two fields, or beside other credentials', async () => {
    const { port } = await begin();
    const token = await scene.token();
    const headers = { 'x-role': 'reader' };
    for (const authorization of [
      [`Bearer ${token}`, `Bearer ${token}`],
      ['Basic eDp5', `Bearer ${token}`],
    ])
      expect((await ask(port, { authorization, headers })).status).toBe(400);
    expect((await ask(port, { path: `/rows?access_token=${token}`, headers })).status).toBe(400);
    expect(service.ran).toEqual([]);
  });

  test('takes a proof for the address that the client called, below a mounted router, once', async () => {
    const { port } = await begin();
    const token = await scene.token({ request: exampleRequest(fixture.trust, { holder: holder.public.jwk }) });
    const proof = await sealProof(
      {
        ...{ jti: 'proof', htm: 'POST', htu: `${audience}/api/rows` },
        iat: Math.floor(scene.clocks.wallMs() / 1000),
        ath: Buffer.from(sha256(token)).toString('base64url'),
      },
      holder,
    );
    const asked = {
      ...{ method: 'POST', path: '/api/rows?limit=3', authorization: `DPoP ${token}` },
      headers: { dpop: proof, 'content-type': 'text/plain' },
      body: 'row',
    };
    expect(JSON.parse((await ask(port, asked)).body)).toMatchObject({ by: 'dana', body: 'row' });
    expect((await ask(port, asked)).status).toBe(401);
    expect((await ask(port, { ...asked, path: '/rows' })).status).toBe(401);
    expect((await ask(port, { ...asked, authorization: `Bearer ${token}` })).status).toBe(401);
    expect(codes()).toEqual(['allowed', 'PROOF_REPLAYED', 'PROOF_URL', 'PROOF_MISSING']);
  });
});
