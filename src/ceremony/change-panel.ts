import { formatTime } from '../base/time.ts';
import { describeDenial } from '../revocation/denial.ts';
import type { Claims } from '../token/claims.ts';
import { checkClaimsAgainstPolicy } from '../token/over-policy.ts';
import type { Policy } from '../trust/policy.ts';
import type { Request } from '../trust/request.ts';
import { custodianLabels, type Trust } from '../trust/trust-file.ts';
import type { Change } from './change-plan.ts';
import type { PanelText } from './panel.ts';

/** What custodians agree to: what changes, and which tokens in use it ends. */
export function changePanelText(change: Change, request: Request, trust: Trust, live: readonly Claims[]): PanelText {
  return {
    title: titles[change.kind],
    rows: [
      ['because', request.reason],
      ...changeRows(change, trust),
      ...('policy' in change && change.policy ? policyRows(change.policy, trust.payload.policy) : []),
      ['tokens in use', describeEnded(change, live)],
    ],
    question: 'Is this what is meant to be done?',
  };
}

const titles = {
  'rotate.keys': 'NEW KEYS of the same seed. The cards stay.',
  'rotate.shares': 'NEW CARDS for the same seed. The cards of before are retired.',
  'rotate.seed': 'A NEW SEED: new keys and new cards. Those of before open nothing any more.',
  policy: 'A NEW POLICY',
  'revocations.reset': 'UN-DENIAL: what these entries deny is allowed again',
} as const;

function changeRows(change: Change, trust: Trust): (readonly [string, string])[] {
  const { epoch } = trust.payload;
  const next = ['epoch', `${epoch} is denied, ${epoch + 1} begins`] as const;
  switch (change.kind) {
    case 'rotate.keys':
      return [next];
    case 'rotate.shares':
      return cardRows(change.deal, trust);
    case 'rotate.seed':
      return [next, ...cardRows(change.deal, trust)];
    case 'policy':
      return [
        ...listRow('new revokers', change.addRevokers),
        ...listRow(
          'revokers who go',
          change.retireRevokers.map((label) => ({ label })),
        ),
        ...listRow('new auditors', change.addAuditors),
        ...listRow(
          'auditors who go',
          change.retireAuditors.map((label) => ({ label })),
        ),
      ];
    case 'revocations.reset':
      return change.entries.map((entry) => ['allow again', describeDenial(entry)] as const);
  }
}

function cardRows(
  { threshold, custodians }: { readonly threshold: number; readonly custodians: readonly string[] },
  trust: Trust,
): (readonly [string, string])[] {
  const before = custodianLabels(trust.set);
  const gone = before.filter((label) => !custodians.includes(label));
  const come = custodians.filter((label) => !before.includes(label));
  return [
    ['cards', `any ${threshold} of ${custodians.length}: ${custodians.join(', ')}`],
    ...(gone.length > 0 ? [['no card for', gone.join(', ')] as const] : []),
    ...(come.length > 0 ? [['first card for', come.join(', ')] as const] : []),
  ];
}

function listRow(label: string, people: readonly { readonly label: string }[]): (readonly [string, string])[] {
  return people.length === 0 ? [] : [[label, people.map((person) => person.label).join(', ')]];
}

/** The members of the policy that differ, one below the other: what changed must be seen, not searched for. */
function policyRows(next: Policy, before: Policy): (readonly [string, string])[] {
  const [was, is] = [flatten(before), flatten(next)];
  const names = [...new Set([...was.keys(), ...is.keys()])].sort();
  const changed = names.filter((name) => was.get(name) !== is.get(name));
  if (changed.length === 0) return [['policy', 'stays as it is']];
  return changed.map((name) => [name, `${was.get(name) ?? 'not there'} → ${is.get(name) ?? 'removed'}`]);
}

function flatten(value: unknown, path = ''): Map<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return new Map([[path, Array.isArray(value) ? value.join(' ') : String(value)]]);
  return new Map(
    Object.entries(value).flatMap(([name, member]) => [...flatten(member, path === '' ? name : `${path}.${name}`)]),
  );
}

/** The tokens in use that end by the change: those of the old keys, or those that go beyond the new policy. */
export function endedBy(change: Change, live: readonly Claims[]): Claims[] {
  return live.filter((claims) => ends(change, claims));
}

function describeEnded(change: Change, live: readonly Claims[]): string {
  if (live.length === 0) return 'none';
  const ended = endedBy(change, live);
  const until = formatTime(Math.max(...live.map(({ exp }) => exp)));
  const count = `${live.length}, the last until ${until}`;
  if (ended.length === 0) return `${count}; none of them ends by this`;
  const who = [...new Set(ended.map(({ sub, breakglass }) => `${sub} (${breakglass.incident})`))].join(', ');
  return `${count}; ${ended.length} END BY THIS: ${who}`;
}

function ends(change: Change, claims: Claims): boolean {
  if (change.kind === 'rotate.keys' || change.kind === 'rotate.seed') return true;
  return (
    'policy' in change && change.policy !== undefined && checkClaimsAgainstPolicy(claims, change.policy).length > 0
  );
}
