import type { BreakglassError } from '../base/errors.ts';
import { describeDuration, formatTime, type Seconds } from '../base/time.ts';
import { isClosed } from '../revocation/denial.ts';
import type { DenyEntry } from '../revocation/statement.ts';
import type { Claims } from '../token/claims.ts';
import type { VerifiedToken } from '../token/verify.ts';
import type { Trust } from '../trust/trust-file.ts';
import { denialJson } from './revocations.ts';

export interface TokenReport {
  readonly verified: VerifiedToken | undefined;
  readonly refusal: BreakglassError | undefined;
  /** The claims of a token of strict form, believed or not. */
  readonly claims: Claims | undefined;
  readonly now: Seconds;
  readonly revocations: 'checked' | 'not-checked' | 'missing';
  /** The entry that denies it, when that is why it is refused. */
  readonly denial: DenyEntry | undefined;
  readonly trust: Trust;
}

/** `verify --json`. `valid` is null where it could not be decided. */
export function tokenJson(report: TokenReport) {
  const { verified, refusal, claims, now } = report;
  return {
    valid: refusal === undefined ? true : isOpen(refusal) ? null : false,
    code: refusal?.code ?? null,
    message: refusal?.message ?? 'the token is valid',
    drill: claims?.breakglass.drill ?? null,
    claims: claims ?? null,
    remainingSeconds: verified ? verified.remainingSeconds : claims ? Math.max(0, claims.exp - now) : null,
    revocations: { state: report.revocations, denial: report.denial ? denialJson(report.denial) : null },
    record: claims ? { trail: claims.breakglass.trail.id, seq: claims.breakglass.trail.seq } : null,
  };
}

/** What a token opens, for whom, until when; or why it is refused and what it claims. */
export function describeToken(report: TokenReport): string {
  const { refusal, claims } = report;
  const verdict =
    refusal === undefined
      ? 'VALID'
      : isOpen(refusal)
        ? `NOT DECIDED (${refusal.code}): ${refusal.message}`
        : `NOT VALID (${refusal.code}): ${refusal.message}`;
  if (!claims) return `${verdict}\n`;
  const heading = refusal && !report.verified ? ['  What it claims:'] : [];
  return [verdict, ...heading, ...describeClaims(claims, report), ''].join('\n');
}

function isOpen(refusal: BreakglassError): boolean {
  return (
    refusal.code === 'NOT_JUDGED' || refusal.code === 'REVOCATIONS_MISSING' || refusal.code === 'REVOCATIONS_BEHIND'
  );
}

function describeClaims(claims: Claims, report: TokenReport): string[] {
  const [details] = claims.authorization_details;
  const { incident, family, sequence, drill, epoch, trail } = claims.breakglass;
  return [
    `  ${drill ? 'DRILL: opens nothing in production' : 'PRODUCTION'}`,
    `  opens      ${claims.scope} (${details.actions.join(', ')})`,
    `  at         ${claims.aud}, instead of the normal roles`,
    `  for        ${claims.sub} as ${claims.roles[0]}`,
    `  holder     ${claims.cnf ? `only with the key ${claims.cnf.jkt}` : 'no key: it works for anyone who has it'}`,
    `  incident   ${incident}`,
    `  valid      ${formatTime(claims.nbf)} to ${formatTime(claims.exp)}: ${describeWindow(claims, report.now)}`,
    `  token      ${claims.jti}, ${sequence} of family ${family}, epoch ${epoch}`,
    `  record     ${trail.seq} of trail ${trail.id.slice(0, 8)}`,
    `  revoked    ${describeRevoked(report)}`,
  ];
}

function describeWindow(claims: Claims, now: Seconds): string {
  if (now >= claims.exp) return `expired ${describeDuration(now - claims.exp)} ago`;
  if (now < claims.nbf) return `begins in ${describeDuration(claims.nbf - now)}`;
  return `${describeDuration(claims.exp - now)} left`;
}

function describeRevoked({ verified, denial, refusal, revocations }: TokenReport): string {
  if (revocations === 'missing') return 'not known: no list was given';
  if (revocations === 'not-checked') return 'not looked up, as asked';
  if (denial && isClosed(denial)) return 'closed: the incident is over';
  if (refusal?.code === 'TOKEN_REVOKED') return 'yes';
  return verified ? 'no, by the list given' : 'not looked up: it is refused before';
}
