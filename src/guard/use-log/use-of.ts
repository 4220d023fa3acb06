import type { BreakglassError } from '../../base/errors.ts';
import { isIdentifier } from '../../base/text.ts';
import type { Claims } from '../../token/claims.ts';
import { printableField } from '../../use/use-line.ts';
import type { Use } from '../../use/use-record.ts';
import { usedToken } from '../../use/used-token.ts';
import type { GuardRequest, Requirement } from '../request.ts';

/** What a request showed, as far as it is known: for the use log. */
export interface UseFacts {
  /** Of a token whose signature was right. */
  readonly proved: { readonly claims: Claims; readonly kid: string } | null;
  /** Of the compact form as it was shown; hashed only when somebody wants to know. */
  readonly tokenSha256: (() => string) | null;
  /** Thumbprint of the key whose possession was proved. */
  readonly holder: string | null;
  readonly session: string | null;
}

/** One entry of the use log (docs/format.md §13). `error`: why it was denied; null when it was allowed. */
export function useOf(
  request: GuardRequest,
  requirement: Requirement | undefined,
  facts: UseFacts,
  { atMs, error }: { readonly atMs: number; readonly error: BreakglassError | null },
): Use {
  return {
    atMs: Math.floor(atMs),
    outcome: error ? 'denied' : 'allowed',
    code: error?.code ?? null,
    token: facts.proved && usedToken(facts.proved.claims, facts.proved.kid),
    tokenSha256: facts.tokenSha256?.() ?? null,
    proof: facts.holder,
    session: facts.session,
    method: printableField(request.method.slice(0, 32)),
    route: printableField(request.target.split('?', 1)[0] ?? ''),
    scope: nameOrNull(requirement?.scope),
    action: nameOrNull(requirement?.action),
    client: request.client === null ? null : printableField(request.client),
  };
}

/** What no policy can name is wanted by mistake, and never granted: there is no name to write down. */
function nameOrNull(name: string | undefined): string | null {
  return name !== undefined && isIdentifier(name) ? name : null;
}
