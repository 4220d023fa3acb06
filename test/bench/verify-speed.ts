import { verify } from 'node:crypto';
import { importJWK, jwtVerify } from 'jose';
import type { KeyAlg } from '../../src/key/public.ts';
import { verifyToken } from '../../src/token/verify.ts';
import { audience, exampleOptions, exampleToken, makeFixture, midnight } from '../token/fixture.ts';
import { medianTimes } from './measure.ts';
import { type Measurement, type Metric, metric } from './metric.ts';

const rounds = 41;
const batch = 150;

/** Whole strict verification, revocations and policy included, against jose and against the signature alone. */
export const verifySpeed: Measurement = async () => [...(await measure('ES256')), ...(await measure('Ed25519'))];

async function measure(alg: KeyAlg): Promise<Metric[]> {
  const fixture = await makeFixture(alg);
  const token = await exampleToken(fixture);
  const options = exampleOptions(fixture);
  const { jwk, key } = fixture.token.public;
  const joseKey = await importJWK(jwk, alg);
  const joseOptions = {
    algorithms: [alg],
    issuer: fixture.trust.payload.issuer,
    audience,
    typ: 'breakglass+jwt',
    currentDate: new Date((midnight + 60) * 1000),
  };
  const [input, signature] = [Buffer.from(token.slice(0, token.lastIndexOf('.'))), token.split('.')[2] ?? ''];
  const signatureBytes = Buffer.from(signature, 'base64url');
  const [hash, raw] = alg === 'ES256' ? ['sha256', { key, dsaEncoding: 'ieee-p1363' as const }] : [null, { key }];
  const [strict = 0, jose = 0, alone = 0] = await medianTimes(
    [
      () => {
        for (let count = 0; count < batch; count++) verifyToken(token, options);
      },
      async () => {
        for (let count = 0; count < batch; count++) await jwtVerify(token, joseKey, joseOptions);
      },
      () => {
        for (let count = 0; count < batch; count++)
          if (!verify(hash, input, raw, signatureBytes)) throw new Error('the signature is wrong');
      },
    ],
    rounds,
  );
  const perSecond = (milliseconds: number) => (batch * 1000) / milliseconds;
  return [
    metric(`strict verify, ${alg}`, perSecond(strict), '/s', {
      against: { value: perSecond(jose), what: 'jose.jwtVerify' },
      goal: { sign: '>=', limit: 1.5 },
    }),
    metric(`strict verify, ${alg}, of the signature alone`, perSecond(strict), '/s', {
      against: { value: perSecond(alone), what: 'crypto.verify' },
    }),
  ];
}
