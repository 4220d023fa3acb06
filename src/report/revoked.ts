import { sha256Hex } from '../base/bytes.ts';
import type { BreakglassError } from '../base/errors.ts';
import { describeDuration, formatTime, type Seconds } from '../base/time.ts';
import { describeSelector, isClosed, reasonText } from '../revocation/denial.ts';
import type { RevocationList } from '../revocation/list.ts';
import type { DenyEntry } from '../revocation/statement.ts';
import { type Effect, type Family, familiesOf, type IssuedToken } from '../token/issued.ts';
import { denialJson } from './revocations.ts';

export interface PlaceView {
  readonly path: string;
  readonly error: BreakglassError | null;
}

/** What `revoke` did, for people and as JSON. */
export interface RevokedView {
  readonly lines: readonly string[];
  readonly added: readonly DenyEntry[];
  readonly allowedAgain: readonly DenyEntry[];
  readonly list: PlaceView;
  readonly seen: PlaceView;
  readonly sent: readonly PlaceView[];
  readonly written: RevocationList;
  readonly lost: number;
  readonly effect: Effect;
  /** Families of single tokens that were denied, while the rest of the family was not. */
  readonly openFamilies: readonly string[];
  /** True when a trail was read: without one, tokens may be open that are not known here. */
  readonly trailRead: boolean;
  readonly problems: readonly string[];
  /** When the last token that may be meant ends by itself. */
  readonly frozenUntil: Seconds;
  readonly now: Seconds;
}

/** `revoke --json`. */
export function revokedJson(view: RevokedView) {
  const { lines, added, list, seen, sent, written, effect } = view;
  return {
    added: added.map(denialJson),
    statements: written.statements.length,
    entries: written.entries.length,
    list: list.path,
    sent: sent.map(({ path, error }) => ({ dir: path, ...placeJson(error) })),
    written: placeJson(list.error),
    seen: placeJson(seen.error),
    lines: lines.map((line) => sha256Hex(line)),
    killed: effect.dying.map(tokenJson),
    alive: effect.living.map(tokenJson),
    deniedBefore: effect.deadBefore.map(tokenJson),
    allowedAgain: view.allowedAgain.map(denialJson),
    frozenUntil: view.frozenUntil,
    lost: view.lost,
    alarms: written.alarms,
    problems: view.problems,
  };
}

function placeJson(error: BreakglassError | null) {
  return { ok: error === null, code: error?.code ?? null, message: error?.message ?? null };
}

function tokenJson({ claims }: IssuedToken) {
  const { incident, family, sequence, drill } = claims.breakglass;
  return {
    jti: claims.jti,
    family,
    sequence,
    incident,
    subject: claims.sub,
    role: claims.roles[0],
    exp: claims.exp,
    drill,
  };
}

/** What died, what did not, and when services will know. */
export function describeRevoked(view: RevokedView): string {
  const { added, effect } = view;
  const verdict = added.length > 0 && added.every(isClosed) ? 'CLOSED' : 'REVOKED';
  const dead = added.filter((entry) => !view.allowedAgain.includes(entry));
  return [
    ...dead.map((entry) => `${verdict}: ${describeSelector(entry)}${limit(entry)}`),
    ...view.allowedAgain.map(
      (entry) =>
        `NOT DENIED: ${describeSelector(entry)}: a quorum has allowed this very entry again. Revoke it with a key.`,
    ),
    ...distinctReasons(added),
    ...places(view),
    'What dies:',
    ...dying(view),
    ...(effect.living.length > 0 || view.openFamilies.length > 0 ? ['What does not:', ...living(view)] : []),
    'When services know:',
    ...timing(view),
    '',
  ].join('\n');
}

function limit({ before }: DenyEntry): string {
  return before === undefined ? '' : `, issued before ${formatTime(before)}`;
}

function distinctReasons(added: readonly DenyEntry[]): string[] {
  const said = new Set(added.map((entry) => `  by       ${entry.by} at ${formatTime(entry.at)}: ${reasonText(entry)}`));
  return [...said];
}

function places({ list, seen, sent, written }: RevokedView): string[] {
  const { statements, entries } = written;
  const counts = `${count(statements.length, 'statement')}, ${count(entries.length, 'denial')} in force`;
  return [
    list.error ? `  NOT IN   ${list.path}: ${list.error.message}` : `  list     ${list.path}: ${counts}`,
    ...sent.map(({ path, error }) =>
      error ? `  NOT SENT ${path}: ${error.message}` : `  sent     ${path}: read back, all of it`,
    ),
    ...(seen.error ? [`  NOT SEEN verify here will not know it without the list: ${seen.error.message}`] : []),
  ];
}

function dying({ effect, trailRead }: RevokedView): string[] {
  const { dying: dead, deadBefore, ended, living: open } = effect;
  const rest = [
    ...(deadBefore.length > 0 ? [`  ${count(deadBefore.length, 'open token')} at hand had been denied before`] : []),
    ...(ended.length > 0 ? [`  ${count(ended.length, 'token')} at hand had ended already`] : []),
  ];
  if (dead.length > 0) return [...describeFamilies(dead), ...rest];
  const known = open.length + deadBefore.length;
  const nothingAtHand = trailRead
    ? 'no token of the trail at hand is open'
    : 'no token and no trail is at hand (--trail)';
  const why = known > 0 ? `of the open tokens at hand (${known}) this names none that lived` : nothingAtHand;
  return [`  nothing that is known here: ${why}. The denial is written all the same.`, ...rest];
}

function living({ effect, openFamilies }: RevokedView): string[] {
  const shown = new Set(effect.living.map(({ claims }) => claims.breakglass.family));
  return [
    ...describeFamilies(effect.living, ({ family }) => `\n    breakglass revoke --family ${family}`),
    ...openFamilies
      .filter((family) => !shown.has(family))
      .map(
        (family) =>
          `  what else there is of the family of that token, renewals too:\n    breakglass revoke --family ${family}`,
      ),
  ];
}

function timing({ sent, frozenUntil, now, list }: RevokedView): string[] {
  const carried = list.error ? 'a list with this denial' : list.path;
  const confirmed = sent.some(({ error }) => error === null);
  const until = `${formatTime(frozenUntil)} (in ${describeDuration(frozenUntil - now)})`;
  return [
    ...(confirmed ? ['  those that watch a directory that was sent to: now, at their next look'] : []),
    `  ${confirmed ? 'others' : 'all of them'}: when ${carried} reaches them${confirmed ? '' : ' (--send-to DIR)'}`,
    '  one that nothing reaches any more: when the last token that is meant ends,',
    `    at ${until}`,
  ];
}

const shownFamilies = 20;

function describeFamilies(tokens: readonly IssuedToken[], after: (family: Family) => string = () => ''): string[] {
  const families = familiesOf(tokens);
  const lines = families.slice(0, shownFamilies).map((family) => `  ${describeFamily(family)}${after(family)}`);
  return families.length > shownFamilies
    ? [...lines, `  and ${families.length - shownFamilies} families more (--json lists them)`]
    : lines;
}

/** `inc-1: dana as db-admin, 8 tokens, until 2026-01-31T23:59:59Z`. */
export function describeFamily({ tokens, exp }: Family): string {
  const [{ claims }] = tokens;
  const drill = claims.breakglass.drill ? ' (drill)' : '';
  const many = tokens.length === 1 ? '' : `, ${tokens.length} tokens`;
  return `${claims.breakglass.incident}: ${claims.sub} as ${claims.roles[0]}${drill}${many}, until ${formatTime(exp)}`;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
