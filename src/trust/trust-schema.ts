import {
  array,
  arrayBetween,
  ed25519Jwk,
  freeText,
  identifier,
  integer,
  integerBetween,
  literal,
  nullable,
  object,
  oneOf,
  optional,
  printable,
  publicJwk,
  randomId,
  type Shape,
  setIdentifier,
  sha256Digest,
  time,
} from '../base/schema.ts';
import { policySchema } from './policy.ts';

export const keyUses = ['token', 'drill', 'trail', 'deny'] as const;

export type KeyUse = (typeof keyUses)[number];

const shareEntry = object({ custodian: identifier, index: integerBetween(1, 255), commitment: sha256Digest });

const setEntry = object({
  setId: setIdentifier,
  nonce: randomId,
  threshold: integerBetween(2, 16),
  strength: oneOf([128, 256]),
  status: oneOf(['active', 'retired', 'abandoned']),
  shares: arrayBetween(shareEntry, 2, 255),
});

const keyEntry = object({
  use: oneOf(keyUses),
  alg: oneOf(['ES256', 'Ed25519']),
  epoch: integerBetween(1, 1_000_000),
  status: oneOf(['active', 'retired']),
  jwk: publicJwk,
});

const labelledKey = object({ label: identifier, jwk: ed25519Jwk });

export const trustSchema = object({
  v: literal(1),
  id: optional(sha256Digest),
  name: freeText,
  issuer: printable,
  nonce: randomId,
  version: integerBetween(1, 1_000_000),
  previous: nullable(sha256Digest),
  root: ed25519Jwk,
  epoch: integer,
  keys: array(keyEntry),
  revokers: array(labelledKey),
  sets: array(setEntry),
  auditors: array(labelledKey),
  policy: policySchema,
  issuedAt: time,
});

export type TrustPayload = Shape<typeof trustSchema>;

export type ShareSet = Shape<typeof setEntry>;
