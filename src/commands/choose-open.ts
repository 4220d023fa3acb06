import { toIdentifier } from '../base/text.ts';
import { describeDuration, type Seconds } from '../base/time.ts';
import { readSeen } from '../machine/pin.ts';
import { readRevocationsFile } from '../machine/revocations-file.ts';
import { describeFamily } from '../report/revoked.ts';
import type { Selector } from '../revocation/denial.ts';
import { mergeRevocations, readRevocations } from '../revocation/list.ts';
import { wrap } from '../terminal/layout.ts';
import { askOneKey, askText } from '../terminal/prompts.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { type Family, familiesOf, type IssuedToken } from '../token/issued.ts';
import type { Trust } from '../trust/trust-file.ts';

export interface OpenTokens {
  readonly tokens: readonly IssuedToken[];
  readonly trust: Trust;
  readonly stateDir: string;
  readonly list: string;
  readonly now: Seconds;
}

/** What somebody chose to deny; `before` is there only when the choice says so. */
export interface Choice {
  readonly selectors: readonly Selector[];
  readonly before?: Seconds;
}

const familiesAPage = 9;

/** Shows what is open, newest first, and takes one key for what is to die. Throws `ABORTED`. */
export async function chooseOpen(terminal: Terminal, open: OpenTokens): Promise<Choice> {
  const families = openFamilies(open);
  for (let page = 0; ; page = (page + 1) * familiesAPage < families.length ? page + 1 : 0) {
    const answer = await askOneKey(terminal, ...menu(families, page, open.now, terminal.columns));
    if (answer === 'next') continue;
    if (answer === 'everything') return { selectors: [{ kind: 'all', value: null }], before: untilNow(open) };
    if (answer === 'incident') return { selectors: [{ kind: 'incident', value: await askIncident(terminal) }] };
    return { selectors: [{ kind: 'family', value: answer.family }] };
  }
}

// The clock of the vault may be ahead of this one: what is known to be issued is meant, whatever this clock says.
function untilNow({ tokens, now }: OpenTokens): Seconds {
  return tokens.reduce((latest, { claims }) => Math.max(latest, claims.iat), now) + 1;
}

/** Issued, not ended and not denied, as far as this machine knows. */
export function openFamilies({ tokens, trust, stateDir, list, now }: OpenTokens): Family[] {
  const lines = mergeRevocations(readRevocationsFile(list), readSeen(stateDir, trust.id));
  const { denials } = readRevocations(lines, trust);
  return familiesOf(tokens.filter((token) => token.claims.exp > now && denials.find(token) === undefined));
}

type Answer = Family | 'everything' | 'incident' | 'next';

function menu(
  families: readonly Family[],
  page: number,
  now: Seconds,
  columns: number,
): [text: string, answers: ReadonlyMap<string, Answer>] {
  const shown = families.slice(page * familiesAPage, (page + 1) * familiesAPage);
  const answers = new Map<string, Answer>(shown.map((family, position) => [String(position + 1), family]));
  answers.set('a', 'everything').set('i', 'incident');
  const more = families.length > familiesAPage;
  if (more) answers.set('n', 'next');
  const rows = [
    ...shown.map(
      (family, position) => `${position + 1}  ${describeFamily(family)} (${describeDuration(family.exp - now)} left)`,
    ),
    ...(more ? [`n  the next of ${families.length}`] : []),
    'a  everything that was issued until now, known here or not',
    'i  an incident, by its name',
  ];
  const lines = rows.flatMap((row) =>
    wrap(row, columns - 8).map((line, part) => `${part === 0 ? '  ' : '       '}${line}`),
  );
  const heading = families.length > 0 ? 'Open now, the newest first:' : 'Nothing is open, as far as is known here.';
  return [`${[heading, ...lines].join('\n')}\nWhich one dies? (Ctrl-C: none) `, answers];
}

async function askIncident(terminal: Terminal): Promise<string> {
  const validate = (typed: string) => (toIdentifier(typed) === undefined ? 'a name like inc-42' : undefined);
  const typed = await askText(terminal, 'Incident', { validate });
  return toIdentifier(typed) ?? typed;
}
