import { BreakglassError } from '../base/errors.ts';
import { jwkAlg, thumbprint } from '../key/public.ts';
import { checkPolicy, checkPolicyForSet } from './policy.ts';
import { keyUses, type ShareSet, type TrustPayload } from './trust-schema.ts';

/** The laws of a trust file that its shape does not show (docs/format.md §5). */
export function checkTrust(payload: TrustPayload): void {
  const first = payload.version === 1;
  if (first !== (payload.id === undefined) || first !== (payload.previous === null))
    throw invalid('version, id and previous do not go together');
  for (const use of keyUses) {
    const active = payload.keys.filter((key) => key.use === use && key.status === 'active');
    if (active.length !== 1 || active[0]?.epoch !== payload.epoch)
      throw invalid(`it must have exactly one active ${use} key, of epoch ${payload.epoch}`);
  }
  for (const key of payload.keys) {
    if (jwkAlg(key.jwk) !== key.alg) throw invalid(`the ${key.use} key of epoch ${key.epoch} is not of its algorithm`);
    if ((key.use === 'trail' || key.use === 'deny') && key.alg !== 'Ed25519')
      throw invalid(`the ${key.use} key must be Ed25519`);
    if (key.epoch > payload.epoch) throw invalid(`the ${key.use} key of epoch ${key.epoch} is newer than the file`);
  }
  const tokenAlgs = payload.keys.filter(
    ({ use, status }) => (use === 'token' || use === 'drill') && status === 'active',
  );
  if (new Set(tokenAlgs.map(({ alg }) => alg)).size > 1)
    throw invalid('the active token and drill keys must be of one algorithm');
  refuseRepeated(
    [
      payload.root,
      ...payload.keys.map((key) => key.jwk),
      ...payload.revokers.map((key) => key.jwk),
      ...payload.auditors.map((key) => key.jwk),
    ].map(thumbprint),
    'a key',
  );
  refuseRepeated(
    payload.keys.map((key) => `${key.use} ${key.epoch}`),
    'a key',
  );
  refuseRepeated(
    payload.revokers.map((revoker) => revoker.label),
    'a revoker',
  );
  refuseRepeated(
    payload.auditors.map((auditor) => auditor.label),
    'an auditor',
  );
  refuseRepeated(
    payload.sets.map((set) => set.setId),
    'a set',
  );
  const { threshold, ...set } = activeSet(payload);
  for (const each of payload.sets) checkSet(each);
  const custodians = set.shares.map(({ custodian }) => custodian);
  const [violation] = [...checkPolicy(payload.policy), ...checkPolicyForSet(payload.policy, { threshold, custodians })];
  if (violation) throw invalid(violation.message);
}

function checkSet(set: ShareSet): void {
  if (set.shares.length < set.threshold) throw invalid(`set ${set.setId} has fewer shares than its threshold`);
  refuseRepeated(
    set.shares.map((share) => share.index),
    `an index of set ${set.setId}`,
  );
  refuseRepeated(
    set.shares.map((share) => share.custodian),
    `a custodian of set ${set.setId}`,
  );
}

export function activeSet(payload: TrustPayload): ShareSet {
  const [set, ...more] = payload.sets.filter((candidate) => candidate.status === 'active');
  if (!set || more.length > 0) throw invalid('it must have exactly one active set of shares');
  return set;
}

function refuseRepeated(values: readonly (string | number)[], what: string): void {
  if (new Set(values).size !== values.length) throw invalid(`${what} stands in it twice`);
}

export function invalid(why: string): BreakglassError {
  return new BreakglassError('TRUST_INVALID', `the trust file is refused: ${why}`, {
    hint: 'get the file again from where it is published, and compare its fingerprint words. Nothing was done.',
  });
}
