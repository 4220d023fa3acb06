import type { DepartedHolders, Departure, Remaining } from './departure.ts';

/** What to run, in this order, and why. */
export interface DepartureAdvice {
  readonly run: readonly string[];
  readonly why: readonly string[];
}

/** A departure in commands and in plain words. */
export function adviseDeparture(departure: Departure): DepartureAdvice {
  return { run: commands(departure), why: reasons(departure) };
}

/** The groups that could combine, each once. */
export function combiningGroups({ open }: Departure): string[][] {
  return [...new Map(open.map(({ labels }) => [labels.join(' '), [...labels]])).values()];
}

function commands(departure: Departure): string[] {
  const { stay, needs, revokers, auditors } = departure;
  const custodians = [...stay.labels, ...Array.from({ length: stay.missing }, () => 'NEW')];
  const dealt = `${custodians.map((label) => ` --custodian ${label}`).join('')} --threshold ${stay.threshold}`;
  const rotations = {
    nothing: [],
    keys: ['breakglass rotate keys'],
    shares: [`breakglass rotate shares${dealt}`],
    seed: [`breakglass rotate seed${dealt}`],
  };
  const newPolicy = changesPolicy(departure);
  const retired = [
    ...revokers.map((label) => ` --retire-revoker ${label}`),
    ...auditors.map((label) => ` --retire-auditor ${label}`),
  ].join('');
  return [
    ...respondersOf(departure)
      .filter(() => departure.revokersLeft.length > 0)
      .map((label) => `breakglass revoke --subject ${label} --reason "${label} left"`),
    // One ceremony for both: the quorum meets once, and whoever holds a card is in the policy at every moment.
    ...rotations[needs].map((rotation) => (newPolicy ? `${rotation} --policy FILE` : rotation)),
    ...(retired !== '' || (newPolicy && needs === 'nothing') ? [`breakglass policy apply FILE${retired}`] : []),
  ];
}

/** Whether the policy must name other people, or ask for fewer shares. */
function changesPolicy({ leaving, parts, needs, stay }: Departure): boolean {
  const named = leaving.some((label) => (parts.get(label) ?? []).length > 0);
  return named || (deals(needs) && (stay.missing > 0 || stay.roles.length > 0));
}

function deals(needs: Departure['needs']): boolean {
  return needs === 'shares' || needs === 'seed';
}

function reasons(departure: Departure): string[] {
  const { stay, needs, leaving } = departure;
  return [
    ...uncertainty(departure),
    ...departure.open.map(opened),
    ...departure.held.filter((set) => !departure.nearlyOpen.includes(set)).map(held),
    ...departure.nearlyOpen.map(nearly),
    ...departure.harmless.map((setId) => `cards of set ${setId} are of an earlier seed and open nothing any more`),
    ...tokens(departure),
    ...(deals(needs) ? enough(stay, leaving) : []),
    ...revokerReasons(departure),
    ...removal(departure),
  ];
}

function uncertainty({ decided, missingVersions, doubts, tokenHolders }: Departure): string[] {
  const found = [...doubts];
  if (missingVersions.length > 0)
    found.push(
      `trust ${versions(missingVersions)} not at hand: a set of which only they tell counts as one of the live seed${decided ? ', which changes nothing here' : ''}`,
    );
  if (tokenHolders === null)
    found.push(
      'no trail is at hand: a re-deal that was begun and is in no trust file yet, and tokens that are still valid, do not show',
    );
  return found;
}

function opened({ setId, status, threshold, labels, leaving }: DepartedHolders): string {
  const before = labels.length - leaving.length >= threshold ? '. This was so before' : '';
  const which = labels.length > threshold ? `any ${threshold} of these cards` : 'these cards';
  return `${names(labels)} will have left and ${has(labels)} ${labels.length} cards of the ${status} set ${setId}: ${which} make the key again outside this tool, and only a new seed ends that${before}`;
}

function held({ setId, status, threshold, labels, leaving }: DepartedHolders): string {
  const others = labels.filter((label) => !leaving.includes(label));
  const together = others.length > 0 ? `, with ${names(others)} who left before: ${labels.length} in all` : '';
  return `${names(leaving)} ${has(leaving)} a card of the ${status} set ${setId}${together}; ${threshold} make the key`;
}

function nearly({ setId, status, threshold, labels }: DepartedHolders): string {
  return `warning: ${names(labels)} will have left with ${labels.length} of the ${threshold} cards of the ${status} set ${setId} that make the key: one more departure, or one more card of it that is lost, needs a new seed`;
}

function tokens(departure: Departure): string[] {
  const { tokenHolders, revokersLeft } = departure;
  const responders = respondersOf(departure);
  if (responders.length === 0) return [];
  const live = (tokenHolders ?? []).map((label) => `${label} holds a token that is still valid`);
  const by = names(revokersLeft);
  if (revokersLeft.length > 0)
    return [
      ...live,
      `a commander (${by}) denies every token of ${names(responders)}, now and later; where services take only the JWK Set and no denials, run breakglass rotate keys too`,
    ];
  const none = 'nobody who stays has a revoker key: a kill file (INCIDENT.kill.jws) denies the tokens of its incident';
  return [
    ...live,
    tokenHolders?.length === 0
      ? `${none}, and the trail knows of no token that is still valid`
      : `${none}, rotate keys ends all of them`,
  ];
}

function enough(stay: Remaining, leaving: readonly string[]): string[] {
  const { labels, threshold, missing, roles, separated } = stay;
  const found: string[] = [];
  if (missing > 0)
    found.push(
      `${labels.length} of the custodians stay and ${threshold} shares are needed: run it while ${names(leaving)} can still give a share, with ${missing} new custodian${missing > 1 ? 's' : ''} in the place of NEW, whom FILE names too`,
    );
  if (missing === 0 && labels.length === threshold)
    found.push(
      `${labels.length} custodians stay and all ${threshold} of them are needed: one lost card locks everybody out, so name one more`,
    );
  for (const { role, minShares } of roles)
    found.push(
      `role ${role} asks for ${minShares} shares and ${labels.length} custodians stay: lower its minShares in FILE, or name more custodians`,
    );
  for (const { role, subject, needed } of separated)
    found.push(
      `${subject} could not get role ${role} any more: ${needed} others must give a share, and fewer are left`,
    );
  return found;
}

function revokerReasons({ revokers, revokersLeft }: Departure): string[] {
  const each = revokers.map(
    (label) =>
      `${label} has a revoker key: --retire-revoker writes the denials made with it again under the deny key first, for a statement counts only while its signer stands in the trust file`,
  );
  if (revokers.length === 0 || revokersLeft.length > 0) return each;
  return [...each, 'nobody else has a revoker key: give somebody one with --add-revoker, or only kill files deny'];
}

function removal({ leaving, parts, auditors }: Departure): string[] {
  const named = leaving.filter((label) => (parts.get(label) ?? []).length > 0);
  return [
    ...(named.length > 0 ? [`FILE is the policy without ${names(named)} in [people]`] : []),
    ...auditors.map(
      (label) => `${label} has an auditor key: --retire-auditor ends it, and what it signed before stays good`,
    ),
  ];
}

function respondersOf({ leaving, parts }: Departure): string[] {
  return leaving.filter((label) => parts.get(label)?.includes('responder'));
}

function has(labels: readonly string[]): string {
  return labels.length === 1 ? 'has' : 'have';
}

function names(labels: readonly string[]): string {
  if (labels.length < 2) return labels[0] ?? 'nobody';
  return `${labels.slice(0, -1).join(', ')} and ${labels.at(-1)}`;
}

function versions(numbers: readonly number[]): string {
  const shown = numbers.slice(0, 8).join(', ');
  const more = numbers.length > 8 ? ' …' : '';
  return numbers.length === 1 ? `version ${shown} is` : `versions ${shown}${more} are`;
}
