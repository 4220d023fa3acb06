import { readCanonical } from '../base/canonical.ts';
import { BreakglassError, type ErrorCode, isBreakglassError } from '../base/errors.ts';
import { type JwsHeader, openJws, type UnverifiedJws } from '../base/jws.ts';
import { type Claims, checkClaims, claimsSchema, tokenMaxBytes } from './claims.ts';

/** A token of strict form whose signature was not checked yet: nothing in it is proved. */
export interface UnverifiedToken {
  readonly claims: Claims;
  readonly header: JwsHeader;
  readonly jws: UnverifiedJws;
}

/**
 * Steps 1 and 2 of strict verification (docs/format.md §8): the form of the token and of its claims, before any signature.
 * White space around it is not stripped. Throws `TOKEN_EMPTY`, `TOKEN_TOO_LARGE`, `TOKEN_NOT_COMPACT`,
 * `TOKEN_NOT_CANONICAL`, `TOKEN_HEADER` or `TOKEN_CLAIMS`.
 */
export function readToken(token: string | Uint8Array): UnverifiedToken {
  const jws = openForm(compactText(token));
  const result = readCanonical(claimsSchema, jws.payload);
  if ('fault' in result) {
    throw result.fault === 'shape'
      ? refuse('TOKEN_CLAIMS', `its claims are not those of a token: ${result.why}`)
      : refuse('TOKEN_NOT_CANONICAL', `of its claims, ${result.why}`);
  }
  const fault = checkClaims(result.value);
  if (fault) throw refuse('TOKEN_CLAIMS', fault);
  return { claims: result.value, header: jws.header, jws };
}

// The length is judged before anything is decoded: a stranger chooses it.
function compactText(token: string | Uint8Array): string {
  if (token.length === 0) throw refuse('TOKEN_EMPTY', 'it is empty');
  if (token.length > tokenMaxBytes) throw refuse('TOKEN_TOO_LARGE', `it is longer than ${tokenMaxBytes} bytes`);
  if (typeof token === 'string') return token;
  return Buffer.from(token.buffer, token.byteOffset, token.byteLength).toString('latin1');
}

const formCodes: Partial<Record<ErrorCode, ErrorCode>> = {
  JWS_NOT_COMPACT: 'TOKEN_NOT_COMPACT',
  JWS_NOT_CANONICAL: 'TOKEN_NOT_CANONICAL',
  JWS_HEADER: 'TOKEN_HEADER',
};

function openForm(compact: string): UnverifiedJws {
  try {
    return openJws(compact, 'breakglass+jwt', 'the token');
  } catch (cause) {
    if (!isBreakglassError(cause)) throw cause;
    const code = formCodes[cause.code];
    if (!code) throw cause;
    throw new BreakglassError(code, cause.message, { hint: formHint, cause });
  }
}

const formHint =
  'it was cut, changed or not made by breakglass: copy it again, whole, without quotes, spaces or line breaks. Nothing in it was believed.';

function refuse(code: ErrorCode, why: string): BreakglassError {
  return new BreakglassError(code, `the token is refused: ${why}`, { hint: formHint });
}
