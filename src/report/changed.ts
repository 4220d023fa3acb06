import { formatTime } from '../base/time.ts';
import type { Claims } from '../token/claims.ts';
import { custodianLabels, type Trust, trustFingerprint } from '../trust/trust-file.ts';
import type { PublishedView } from './published.ts';

export interface ChangedView {
  readonly kind: 'rotate.keys' | 'rotate.shares' | 'rotate.seed' | 'policy' | 'revocations.reset';
  readonly run: 'first' | 'again';
  readonly trust: Trust;
  readonly record: { readonly seq: number };
  readonly headCode: readonly string[];
  readonly custodians: readonly string[];
  readonly retiredSet: string | null;
  readonly ended: readonly Claims[];
  readonly published: PublishedView;
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
}

const done = {
  'rotate.keys': 'The keys are new. Every token of before is refused from now on.',
  'rotate.shares': 'The cards are new. The seed and its keys are as before.',
  'rotate.seed': 'Seed, keys and cards are new. Nothing of before opens anything any more.',
  policy: 'The policy is in force.',
  'revocations.reset': 'These denials are lifted.',
} as const;

/** What people do after a change, for the screen. */
export function describeChanged(changed: ChangedView): string {
  const { kind, run, trust, record, headCode, custodians, retiredSet, ended, published, warnings } = changed;
  const { payload, set } = trust;
  return [
    ...(run === 'again' ? ['Finished what a quorum had decided before.'] : []),
    done[kind],
    '',
    `  trust        version ${payload.version}, epoch ${payload.epoch}`,
    `  fingerprint  ${trustFingerprint(trust).words.join(' ')}`,
    `  cards        set ${set.setId}: any ${set.threshold} of ${custodianLabels(set).join(', ')}`,
    `  record       ${record.seq}${custodians.length > 0 ? `, by ${custodians.join(', ')}` : ''}`,
    `  head code    ${headCode.join(' ')}`,
    '',
    ...(ended.length === 0 ? [] : ['Tokens in use that end by this:', ...ended.map(describeEnded), '']),
    ...(retiredSet === null ? [] : oldCards(kind, retiredSet, set.threshold)),
    'Every custodian writes the head code on the card.',
    ...(published.error
      ? [`NOT PUBLISHED in ${published.dir}: services do not know it yet. The hint says what to run.`]
      : [`Publish what lies in ${published.dir}:`, '  revocations.jws first, then the JWK Sets, trust.jws last.']),
    ...warnings.map(({ code, message }) => `Warning ${code}: ${message}.`),
    '',
  ].join('\n');
}

function describeEnded({ sub, roles, exp, breakglass }: Claims): string {
  return `  ${breakglass.incident}: ${sub} as ${roles[0]}, until ${formatTime(exp)}`;
}

function oldCards(kind: ChangedView['kind'], setId: string, threshold: number): string[] {
  if (kind === 'rotate.seed')
    return [`The cards of set ${setId} are void. Destroy them: they name who holds what.`, ''];
  return [
    `DESTROY EVERY CARD OF SET ${setId}. This tool refuses them, but the seed is the`,
    `same: ${threshold} of them together still give it outside this tool. If that many may be`,
    'in wrong hands: breakglass rotate seed.',
    '',
  ];
}
