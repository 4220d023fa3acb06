import { wrap } from '../terminal/layout.ts';
import type { Deadline } from '../trail/due.ts';
import type { ListedPerson, PeopleList } from '../trail/people-list.ts';
import type { Departure } from '../trust/departure.ts';
import { adviseDeparture, combiningGroups } from '../trust/departure-advice.ts';

/** `people list --json`. */
export function peopleJson(list: PeopleList) {
  const { people, drill, policyReview, reviews } = list;
  return { people, drill: { ...drill }, policyReview, reviews, overdue: overdue(list) };
}

/** A line a person, then what is overdue. */
export function describePeople(list: PeopleList, trustName: string): string {
  const { people, drill, policyReview, reviews } = list;
  const rows = people.map((person) => [person.label, partsOf(person), cardOf(person)] as const);
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const late = overdue(list);
  return [
    `The people of ${trustName}:`,
    ...rows.map(([label, parts, card]) =>
      `  ${label.padEnd(widths[0] ?? 0)}  ${parts.padEnd(widths[1] ?? 0)}  ${card}`.trimEnd(),
    ),
    '',
    `  last drill      ${drill.last ?? 'never'}${nextOf(drill)}`,
    `  policy review   ${policyReview.last ?? 'unknown'}${nextOf(policyReview)}`,
    ...reviews.map(
      ({ incident, due, overdue: late }) =>
        `  review open     ${incident}${due === null ? '' : `, due by ${due}${late ? ': OVERDUE' : ''}`}`,
    ),
    '',
    ...(late.length === 0 ? ['Nothing is overdue.'] : ['Overdue:', ...late.map(({ message }) => `  ${message}`)]),
    '',
  ].join('\n');
}

export interface Overdue {
  readonly what: 'drill' | 'policy' | 'card' | 'review';
  /** Whose card, or the incident that was not reviewed; null for the others. */
  readonly label: string | null;
  readonly since: string;
  readonly message: string;
}

function overdue({ people, drill, policyReview, reviews }: PeopleList): Overdue[] {
  const found: Overdue[] = [];
  if (drill.overdue && drill.next !== null)
    found.push({
      what: 'drill',
      label: null,
      since: drill.next,
      message: `a drill, since ${drill.next}: breakglass mint --drill`,
    });
  if (policyReview.overdue && policyReview.next !== null)
    found.push({
      what: 'policy',
      label: null,
      since: policyReview.next,
      message: `the review of the policy, since ${policyReview.next}: breakglass policy apply FILE`,
    });
  for (const { label, card } of people) {
    if (!card?.overdue || card.next === null) continue;
    const message = `the card of ${label}, since ${card.next}: breakglass share check --record`;
    found.push({ what: 'card', label, since: card.next, message });
  }
  for (const { incident, due, overdue: late } of reviews) {
    if (!late || due === null) continue;
    const message = `the review of incident ${incident}, since ${due}: breakglass review ${incident}`;
    found.push({ what: 'review', label: incident, since: due, message });
  }
  return found;
}

function partsOf({ parts, revoker }: ListedPerson): string {
  return [...parts, ...(revoker ? ['revoker key'] : [])].join(', ') || 'none';
}

function cardOf({ card }: ListedPerson): string {
  if (!card) return '';
  const day = card.last?.slice(0, 10);
  const seen =
    day === undefined ? 'not seen since it was dealt' : `${card.by === 'checked' ? 'checked' : 'used'} ${day}`;
  return `card ${seen}${card.overdue ? ', OVERDUE' : ''}`;
}

function nextOf({ next, overdue: late }: Pick<Deadline, 'next' | 'overdue'>): string {
  return next === null ? '' : `, the next by ${next}${late ? ': OVERDUE' : ''}`;
}

/** `people leave --json`. */
export function departureJson(departure: Departure) {
  const { leaving, needs, decided, missingVersions, nearlyOpen, stay } = departure;
  return {
    label: leaving[0],
    also: leaving.slice(1),
    canStillCombine: combiningGroups(departure),
    needs,
    ...adviseDeparture(departure),
    decided,
    missingVersions,
    oneShort: nearlyOpen.map(({ setId, status, threshold, labels }) => ({ setId, status, threshold, labels })),
    stay: { custodians: stay.labels, threshold: stay.threshold, missing: stay.missing },
  };
}

const headlines = {
  nothing: 'No rotation is needed.',
  shares: 'NEEDED: rotate shares.',
  keys: 'NEEDED: rotate keys.',
  seed: 'NEEDED: rotate seed.',
} as const;

const consoleColumns = 79;

/** Commands are never wrapped: they are copied. */
function wrapped(reason: string): string[] {
  return wrap(reason, consoleColumns - 4).map((line, number) => `${number === 0 ? '  - ' : '    '}${line}`);
}

/** The answer, who could combine, what to run in this order, and why. */
export function describeDeparture(departure: Departure): string {
  const groups = combiningGroups(departure);
  const { run, why } = adviseDeparture(departure);
  return [
    `When ${departure.leaving.join(', ')} ${departure.leaving.length === 1 ? 'leaves' : 'leave'}: ${headlines[departure.needs]}`,
    ...(departure.decided ? [] : ['NOT CERTAIN: something is not at hand, and this is the stronger answer.']),
    '',
    groups.length === 0 ? 'Nobody who has left could combine enough cards.' : 'Could still combine, outside this tool:',
    ...groups.map((labels) => `  ${labels.join(', ')}`),
    ...(run.length === 0 ? [] : ['', 'Run, in this order:', ...run.map((command) => `  ${command}`)]),
    ...(why.length === 0 ? [] : ['', 'Because:', ...why.flatMap(wrapped)]),
    '',
  ].join('\n');
}
