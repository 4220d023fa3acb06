import { custodianLabels, type Trust, trustFingerprint } from '../trust/trust-file.ts';

/** `trust show --json`. */
export function trustJson(trust: Trust) {
  return {
    trustId: trust.id,
    fingerprint: trustFingerprint(trust),
    name: trust.payload.name,
    issuer: trust.payload.issuer,
    version: trust.payload.version,
    sha256: trust.sha256,
    epoch: trust.payload.epoch,
    keys: trust.keys.map(({ use, epoch, status, public: key }) => ({ use, alg: key.alg, epoch, status, kid: key.kid })),
    threshold: trust.set.threshold,
    custodians: custodianLabels(trust.set),
    revokers: trust.revokers.map(({ label }) => label),
    roles: Object.keys(trust.payload.policy.roles),
  };
}

/** A trust file for people: the words first, for they are what is compared. */
export function describeTrust(trust: Trust): string {
  const { payload, set } = trust;
  const fingerprint = trustFingerprint(trust);
  const active = trust.keys.filter((key) => key.status === 'active');
  return [
    `${payload.name}, version ${payload.version} of ${payload.issuedAt}`,
    `  fingerprint  ${fingerprint.words.join(' ')}`,
    `               ${trust.id}`,
    `  issuer       ${payload.issuer}`,
    `  quorum       ${set.threshold} of ${set.shares.length}: ${custodianLabels(set).join(', ')} (set ${set.setId})`,
    `  revokers     ${trust.revokers.map(({ label }) => label).join(', ') || 'none'}`,
    `  roles        ${Object.keys(payload.policy.roles).join(', ')}`,
    ...active.map((key) => `  ${`${key.use} key`.padEnd(12)} ${key.public.alg}, epoch ${key.epoch}, ${key.public.kid}`),
    '',
  ].join('\n');
}
