import type { Seconds } from '../base/time.ts';
import type { Claims } from '../token/claims.ts';
import type { Access } from './decision.ts';
import type { KnownToken } from './judge.ts';

/** What a token opens, as the service sees it. */
export class TokenAccess implements Access {
  readonly subject: string;
  readonly incident: string;
  readonly role: string;
  readonly scopes: readonly string[];
  readonly actions: readonly string[];
  readonly drill: boolean;
  readonly family: string;
  readonly jti: string;
  readonly kid: string;
  readonly sequence: number;
  readonly expiresAt: Seconds;
  readonly holder: string | null;
  readonly session = null;
  readonly claims: Claims;
  readonly #token: KnownToken;

  constructor(token: KnownToken, holder: string | null) {
    const { claims, kid } = token;
    const { family, sequence, incident, drill } = claims.breakglass;
    this.subject = claims.sub;
    this.incident = incident;
    this.role = claims.roles[0];
    this.scopes = claims.scope.split(' ');
    this.actions = claims.authorization_details[0].actions;
    this.drill = drill;
    this.family = family;
    this.jti = claims.jti;
    this.kid = kid;
    this.sequence = sequence;
    this.expiresAt = claims.exp;
    this.holder = holder;
    this.claims = claims;
    this.#token = token;
  }

  /** Computed when somebody asks: most services do not. */
  get tokenSha256(): string {
    return this.#token.sha256;
  }
}
