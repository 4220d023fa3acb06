import { BreakglassError } from '../base/errors.ts';
import { type JwsSigner, jwsPayload, openJws, sealJws, type UnverifiedJws, verifyJws } from '../base/jws.ts';
import {
  array,
  freeText,
  identifier,
  integerBetween,
  literal,
  nullValue,
  numericDate,
  object,
  optional,
  printable,
  randomId,
  type Schema,
  type Shape,
  sha256Digest,
  thumbprint,
  variant,
} from '../base/schema.ts';
import type { PublicKey } from '../key/public.ts';
import type { Trust } from '../trust/trust-file.ts';

const entryOf = <K extends string, V>(kind: K, value: Schema<V>) =>
  object({
    kind: literal(kind),
    value,
    at: numericDate,
    before: optional(numericDate),
    until: optional(numericDate),
    by: identifier,
    reason: freeText,
  });

/** What each kind of denial names (docs/format.md §10). */
export const denyValues = {
  all: nullValue,
  epoch: integerBetween(1, 1_000_000),
  kid: thumbprint,
  jti: randomId,
  family: randomId,
  incident: identifier,
  subject: identifier,
  role: identifier,
  audience: printable,
} as const;

export const denyEntrySchema = variant('kind', [
  entryOf('all', denyValues.all),
  entryOf('epoch', denyValues.epoch),
  entryOf('kid', denyValues.kid),
  entryOf('jti', denyValues.jti),
  entryOf('family', denyValues.family),
  entryOf('incident', denyValues.incident),
  entryOf('subject', denyValues.subject),
  entryOf('role', denyValues.role),
  entryOf('audience', denyValues.audience),
]);

export const statementSchema = object({
  v: literal(1),
  trust: sha256Digest,
  iat: numericDate,
  deny: array(denyEntrySchema),
  allow: array(sha256Digest),
});

/** One denial (docs/format.md §10). `epoch` means that one and older; times are NumericDate; a verifier ignores `until`. */
export type DenyEntry = Shape<typeof denyEntrySchema>;
export type DenyKind = DenyEntry['kind'];
/** The payload of a line of `revocations.jws`. */
export type Statement = Shape<typeof statementSchema>;

/** The longest line that a reader looks at, in bytes. */
export const statementMaxBytes = 1024 * 1024;

/** Signs a statement; the result is the line without its LF. The signer is a revoker, `deny` or `root`. Throws `REVOCATIONS_INVALID`. */
export async function sealStatement(payload: Statement, signer: JwsSigner): Promise<string> {
  const line = await sealJws(payload, 'breakglass-revocations+jws', signer);
  openPayload(openLine(line));
  return line;
}

/**
 * Opens one line, without LF: its form, a signer whom the trust file knows, the signature, this trust, and that the
 * signer may say what it says. Throws `REVOCATIONS_INVALID`.
 */
export function openStatement(line: string, trust: Trust): Statement {
  const jws = openLine(line);
  const signer = findSigner(jws, trust);
  if (!verifyJws(jws, signer.public.key)) throw invalid(`the signature of ${signer.name} is wrong`);
  const statement = openPayload(jws);
  if (statement.trust !== trust.id)
    throw invalid(`it is of another trust: ${statement.trust.slice(0, 8)}, not ${trust.id.slice(0, 8)}`);
  // Opening needs the quorum, which alone can sign as root; closing needs one (P5).
  if (signer.may === 'deny' && statement.allow.length > 0)
    throw invalid(`${signer.name} may only deny, and the line allows`);
  if (signer.may === 'allow' && statement.deny.length > 0)
    throw invalid(`${signer.name} may only allow, and the line denies`);
  return statement;
}

/** The trust id that a line of good form claims, whoever signed it; undefined for any other line. */
export function claimedTrust(line: string): string | undefined {
  try {
    return openPayload(openLine(line)).trust;
  } catch (error) {
    if (error instanceof BreakglassError) return undefined;
    throw error;
  }
}

interface StatementSigner {
  readonly name: string;
  readonly may: 'deny' | 'allow';
  readonly public: PublicKey;
}

// A retired `deny` key counts: what it denied stays denied while the key stands in the trust file.
function findSigner(jws: UnverifiedJws, trust: Trust): StatementSigner {
  const { kid } = jws.header;
  if (kid === trust.root.kid) return { name: 'the root key', may: 'allow', public: trust.root };
  const key = trust.keys.find((candidate) => candidate.use === 'deny' && candidate.public.kid === kid);
  if (key) return { name: `the deny key of epoch ${key.epoch}`, may: 'deny', public: key.public };
  const revoker = trust.revokers.find((candidate) => candidate.public.kid === kid);
  if (revoker) return { name: `revoker ${revoker.label}`, may: 'deny', public: revoker.public };
  throw invalid('no root, deny or revoker key of the trust file signed it');
}

function openLine(line: string): UnverifiedJws {
  if (line.length > statementMaxBytes) throw invalid('it is longer than 1 MiB');
  const jws = formOf(() => openJws(line, 'breakglass-revocations+jws', 'the line'));
  if (jws.header.alg !== 'EdDSA') throw invalid('its alg is not EdDSA');
  return jws;
}

function openPayload(jws: UnverifiedJws): Statement {
  return formOf(() => jwsPayload(jws, statementSchema, 'the line'));
}

function formOf<T>(open: () => T): T {
  try {
    return open();
  } catch (cause) {
    if (!(cause instanceof BreakglassError)) throw cause;
    throw invalid(cause.message, cause);
  }
}

function invalid(why: string, cause?: unknown): BreakglassError {
  return new BreakglassError('REVOCATIONS_INVALID', `a line of the revocations is refused: ${why}`, {
    hint: 'get the line again from the commander who made it. It denies and allows nothing; the other lines count.',
    cause,
  });
}
