import {
  array,
  arrayBetween,
  boolean,
  conform,
  conformOrUndefined,
  duration,
  identifier,
  integerBetween,
  type Misfit,
  map,
  object,
  oneOf,
  optional,
  printable,
  type Schema,
  type Shape,
} from '../base/schema.ts';
import { showable } from '../base/text.ts';
import { parseDuration, type Seconds } from '../base/time.ts';

/** The names of every rule that a policy, a request or a token can break (docs/format.md §6). */
export const rules = [
  'copies',
  'preflight',
  'separation',
  'reason-min-length',
  'drill-every',
  'drill-time-to-access',
  'drill-time-to-kill',
  'review-within',
  'review-policy-every',
  'limits-cooldown',
  'limits-max-per-day',
  'people',
  'roles',
  'role-audience',
  'role-scopes',
  'role-actions',
  'role-circumstances',
  'role-max-lifetime',
  'role-max-duration',
  'role-holder',
  'role-min-shares',
  'review-overdue',
  'unknown-key',
  'toml',
  'custodian-unknown',
  'threshold',
  'request-subject',
  'request-role',
  'request-circumstance',
] as const;
export type Rule = (typeof rules)[number];

/** A broken rule: `path` is the member of the policy or request (`roles.db-admin.maxLifetime`). */
export interface Violation {
  readonly rule: Rule;
  readonly path: string;
  readonly message: string;
}

const identifierList = arrayBetween(identifier, 1, 32);

const roleSchema = object({
  audience: printable,
  scopes: identifierList,
  actions: identifierList,
  circumstances: identifierList,
  maxLifetime: duration,
  maxDuration: duration,
  holder: oneOf(['required', 'optional']),
  minShares: optional(integerBetween(2, 255)),
});

const partsSchema = array(oneOf(['custodian', 'responder', 'commander', 'auditor']));

export const policySchema = object({
  copies: integerBetween(1, 16),
  preflight: oneOf(['require', 'record']),
  separation: boolean,
  reason: object({ minLength: integerBetween(0, 1024) }),
  drill: object({ every: duration, timeToAccess: duration, timeToKill: duration }),
  review: object({ within: duration, policyEvery: duration, overdue: optional(oneOf(['extra-share'])) }),
  limits: object({ cooldown: duration, maxPerDay: integerBetween(1, 1000) }),
  people: map(identifier, partsSchema),
  roles: map(identifier, roleSchema),
});

/** The policy as it stands in the trust file: the TOML table verbatim, durations as text. */
export type Policy = Shape<typeof policySchema>;
export type PolicyRole = Shape<typeof roleSchema>;
export type Part = Shape<typeof partsSchema>[number];

const longestLifetimeSeconds = 3600;
const longestDurationSeconds = 86_400;

/** A policy says the same few durations at every judgement. */
const knownSeconds = new Map<string, Seconds>();
const knownSecondsMax = 256;

/** A duration of the policy in seconds. Every one was checked when the policy was read. */
export function policySeconds(text: string): Seconds {
  const known = knownSeconds.get(text);
  if (known !== undefined) return known;
  const seconds = parseDuration(text);
  if (seconds === undefined) throw new TypeError('not a duration');
  if (knownSeconds.size < knownSecondsMax) knownSeconds.set(text, seconds);
  return seconds;
}

export function policyRole(policy: Policy, role: string): PolicyRole | undefined {
  return Object.hasOwn(policy.roles, role) ? policy.roles[role] : undefined;
}

/** True if the policy gives this person this part. */
export function hasPart(policy: Policy, label: string, part: Part): boolean {
  return Object.hasOwn(policy.people, label) && (policy.people[label]?.includes(part) ?? false);
}

/** How many shares a role needs: the threshold, or the role's `minShares` if that is more. */
export function sharesNeeded(policy: Policy, role: string | null, threshold: number): number {
  const minShares = role === null ? undefined : policyRole(policy, role)?.minShares;
  return Math.max(threshold, minShares ?? 0);
}

/** A policy from a table of unknown shape, or every rule that it breaks. */
export function readPolicy(
  table: unknown,
): { readonly policy: Policy } | { readonly violations: readonly Violation[] } {
  const whole = withTables(table);
  const result = conform(policySchema, whole);
  const misfits = 'misfits' in result ? result.misfits.map(violationOf) : [];
  const violations = [...misfits, ...checkPolicy(Object(whole))];
  return 'value' in result && violations.length === 0 ? { policy: result.value } : { violations };
}

/** The laws of a policy that its shape does not show; whoever is not of the shape is passed over, for that is told already. */
export function checkPolicy(policy: { readonly people?: unknown; readonly roles?: unknown }): Violation[] {
  return [
    ...checkEach('people', policy.people, partsSchema, checkPerson),
    ...checkEach('roles', policy.roles, roleSchema, checkRole),
  ];
}

/** What a policy asks of the set of shares that it governs. */
export function checkPolicyForSet(
  policy: Policy,
  set: { readonly threshold: number; readonly custodians: readonly string[] },
): Violation[] {
  const strangers = set.custodians.filter((label) => !hasPart(policy, label, 'custodian'));
  const tooMany = Object.entries(policy.roles).filter(([, role]) => (role.minShares ?? 0) > set.custodians.length);
  const tooFew = Object.entries(policy.roles).filter(([, role]) => (role.minShares ?? set.threshold) < set.threshold);
  return [
    ...strangers.map((label) =>
      violation(
        'custodian-unknown',
        `people.${label}`,
        `custodian ${label} is not among the people of the policy with the role "custodian"`,
      ),
    ),
    ...tooMany.map(([name, role]) =>
      violation(
        'role-min-shares',
        `roles.${name}.minShares`,
        `role ${name} needs ${role.minShares} shares, but there are ${set.custodians.length} custodians`,
      ),
    ),
    ...tooFew.map(([name, role]) =>
      violation(
        'role-min-shares',
        `roles.${name}.minShares`,
        `role ${name} asks for ${role.minShares} shares, fewer than the threshold of ${set.threshold}`,
      ),
    ),
  ];
}

export function violation(rule: Rule, path: string, message: string): Violation {
  return { rule, path, message };
}

function checkEach<T>(
  member: 'people' | 'roles',
  table: unknown,
  schema: Schema<T>,
  check: (name: string, value: T) => Violation[],
): Violation[] {
  if (typeof table !== 'object' || table === null || Array.isArray(table)) return [];
  const entries = Object.entries(table);
  if (entries.length === 0) return [violation(member, member, `the policy names no ${member}`)];
  return entries.flatMap(([name, value]) => {
    const fitting = conformOrUndefined(schema, value);
    return fitting === undefined ? [] : check(showable(name), fitting);
  });
}

function checkPerson(label: string, parts: readonly string[]): Violation[] {
  if (parts.length > 0 && new Set(parts).size === parts.length) return [];
  return [violation('people', `people.${label}`, `${label} needs at least one role, each once`)];
}

function checkRole(name: string, role: PolicyRole): Violation[] {
  const at = (member: string) => `roles.${name}.${member}`;
  const lifetime = policySeconds(role.maxLifetime);
  const duration = policySeconds(role.maxDuration);
  const lists = [
    ['role-scopes', 'scopes', role.scopes],
    ['role-actions', 'actions', role.actions],
    ['role-circumstances', 'circumstances', role.circumstances],
  ] as const;
  const found = lists
    .filter(([, , list]) => new Set(list).size !== list.length)
    .map(([rule, member]) => violation(rule, at(member), `${member} of role ${name} names something twice`));
  if (lifetime < 1 || lifetime > longestLifetimeSeconds) {
    found.push(
      violation(
        'role-max-lifetime',
        at('maxLifetime'),
        `maxLifetime of role ${name} must be 1s to 60m, it is ${role.maxLifetime}`,
      ),
    );
  }
  if (duration < lifetime || duration > longestDurationSeconds) {
    found.push(
      violation(
        'role-max-duration',
        at('maxDuration'),
        `maxDuration of role ${name} must be maxLifetime to 24h, it is ${role.maxDuration}`,
      ),
    );
  }
  return found;
}

// A table that is missing as a whole is reported member by member, under the rule of each.
function withTables(table: unknown): unknown {
  if (typeof table !== 'object' || table === null) return table;
  return { reason: {}, drill: {}, review: {}, limits: {}, people: {}, roles: {}, ...table };
}

const ruleByPath: readonly (readonly [RegExp, Rule])[] = [
  [/^copies$/, 'copies'],
  [/^preflight$/, 'preflight'],
  [/^separation$/, 'separation'],
  [/^reason(\.minLength)?$/, 'reason-min-length'],
  [/^drill(\.every)?$/, 'drill-every'],
  [/^drill\.timeToAccess$/, 'drill-time-to-access'],
  [/^drill\.timeToKill$/, 'drill-time-to-kill'],
  [/^review(\.within)?$/, 'review-within'],
  [/^review\.policyEvery$/, 'review-policy-every'],
  [/^review\.overdue$/, 'review-overdue'],
  [/^limits(\.cooldown)?$/, 'limits-cooldown'],
  [/^limits\.maxPerDay$/, 'limits-max-per-day'],
  [/^people(\.|$)/, 'people'],
  [/^roles\..+\.audience$/, 'role-audience'],
  [/^roles\..+\.scopes(\.\d+)?$/, 'role-scopes'],
  [/^roles\..+\.actions(\.\d+)?$/, 'role-actions'],
  [/^roles\..+\.circumstances(\.\d+)?$/, 'role-circumstances'],
  [/^roles\..+\.maxLifetime$/, 'role-max-lifetime'],
  [/^roles\..+\.maxDuration$/, 'role-max-duration'],
  [/^roles\..+\.holder$/, 'role-holder'],
  [/^roles\..+\.minShares$/, 'role-min-shares'],
  [/^roles(\.|$)/, 'roles'],
];

function violationOf(misfit: Misfit): Violation {
  // The names in a path are the writer's choice: they must not reach a terminal as they are.
  const path = showable(misfit.path || 'policy', 200);
  if (misfit.received === 'unknown') return violation('unknown-key', path, `${path} is not a member of a policy`);
  const rule = ruleByPath.find(([pattern]) => pattern.test(path))?.[1] ?? 'unknown-key';
  if (misfit.received === 'missing') return violation(rule, path, `${path} is missing`);
  return violation(rule, path, `${path} must be ${misfit.expected}`);
}
