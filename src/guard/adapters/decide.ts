import { BreakglassError } from '../../base/errors.ts';
import { isIdentifier, showable } from '../../base/text.ts';
import { failedAnswer } from '../answer.ts';
import type { Access, Answer, Decision } from '../decision.ts';
import type { GuardRequest, Requirement } from '../request.ts';

/** The one thing that an adapter wants of a guard. */
export interface Checker {
  check(request: GuardRequest, requirement?: Requirement): Promise<Decision>;
}

/** What a route wants: a scope, or a scope and an action. */
export type Wanted = string | Requirement;

export interface AdapterOptions<Request> {
  /**
   * Who asks, for the use log. Default: the address at the other end of the socket, where the framework shows one. Behind a proxy, read
   * the field that the proxy sets, and only if it removes what clients send in it.
   */
  readonly client?: (request: Request) => string | null;
  /** Hears that the guard itself failed: the request was answered 503. Default: one line on standard error. */
  readonly onFailure?: (error: unknown) => void;
}

export type Verdict =
  | { readonly outcome: 'none' }
  | { readonly outcome: 'allowed'; readonly access: Access }
  | { readonly outcome: 'denied'; readonly answer: Answer };

/** What to do with a request. Never rejects: whatever goes wrong on the way is a denial. */
export async function decide(
  checker: Checker,
  read: () => GuardRequest,
  requirement: Requirement,
  onFailure: (error: unknown) => void = report,
): Promise<Verdict> {
  try {
    const decision = await checker.check(read(), requirement);
    if (decision.outcome === 'none' || decision.outcome === 'allowed') return decision;
    return { outcome: 'denied', answer: decision.answer };
  } catch (error) {
    tell(onFailure, error);
    return { outcome: 'denied', answer: failedAnswer };
  }
}

/** A requirement as a route states it. Throws `BAD_INPUT` for one that would mean nothing: a mistake of whoever wrote the route. */
export function readRequirement(wanted: Wanted): Requirement {
  const requirement: unknown = typeof wanted === 'string' ? { scope: wanted } : wanted;
  if (typeof requirement !== 'object' || requirement === null) throw badRequirement();
  const entries = Object.entries(requirement).filter(([, value]) => value !== undefined);
  const known = entries.every(
    ([name, value]) => (name === 'scope' || name === 'action') && typeof value === 'string' && isIdentifier(value),
  );
  if (!known || entries.length === 0) throw badRequirement();
  return Object.fromEntries(entries);
}

/** The functions of a route that run one after the other. Throws `BAD_INPUT` for what is no function: such a route would be open. */
export function readSteps<Step>(steps: readonly Step[]): readonly Step[] {
  if (steps.every((step) => typeof step === 'function')) return steps;
  throw new BreakglassError('BAD_INPUT', 'a route with break-glass access was given something that is no function', {
    hint: 'give the functions that decide for requests without break-glass credentials, one by one. The route was not made.',
  });
}

/** A promise of any make. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

function badRequirement(): BreakglassError {
  return new BreakglassError('BAD_INPUT', 'a route with break-glass access does not say what it wants', {
    hint: "give a scope, 'db:read', or { scope, action }, as the policy names them. The route was not made.",
  });
}

function tell(onFailure: (error: unknown) => void, error: unknown): void {
  try {
    onFailure(error);
  } catch {
    // The request is answered all the same.
  }
}

function report(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`breakglass: the guard failed, and a request was answered 503: ${showable(message, 256)}\n`);
}
