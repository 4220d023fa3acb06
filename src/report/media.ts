/** What `media list` knows of one medium. */
export interface MediumView {
  readonly id: string;
  readonly label: string;
  readonly path: string | null;
  readonly pluggedIn: boolean;
  readonly lastSeq: number | null;
  readonly state: 'in-step' | 'behind' | 'differs' | 'unreadable' | 'not-plugged-in';
  readonly problems: readonly string[];
}

const states: Readonly<Record<MediumView['state'], string>> = {
  'in-step': 'in step',
  behind: 'BEHIND',
  differs: 'DIFFERS',
  unreadable: 'UNREADABLE',
  'not-plugged-in': 'not plugged in',
};

/** A line a medium, and what to do about those that are not in step. */
export function describeMediaList(list: {
  readonly media: readonly MediumView[];
  readonly head: number | null;
  readonly copies: number;
}): string {
  const { media, head, copies } = list;
  const width = Math.max(0, ...media.map(({ label }) => label.length));
  const lines = media.flatMap(({ id, label, path, lastSeq, state, problems }) => [
    `  ${label.padEnd(width)}  ${id}  ${states[state].padEnd(14)}  ${lastSeq === null ? '' : `up to record ${lastSeq}, `}${path ?? 'never seen here'}`,
    ...problems.map((problem) => `  ${' '.repeat(width)}  ${problem}`),
  ]);
  const odd = media.some(({ state }) => state === 'behind' || state === 'differs');
  return [
    `The trail ends with record ${head ?? '(none)'}. A token needs ${copies} media.`,
    ...(media.length === 0 ? ['No medium is known.'] : lines),
    ...(odd ? ['Bring them in step with: breakglass media mend'] : []),
    '',
  ].join('\n');
}

export function describeAdded(added: {
  readonly label: string;
  readonly path: string;
  readonly added: boolean;
  readonly head: { readonly seq: number } | null;
}): string {
  const through = added.head ? `, up to record ${added.head.seq}` : '';
  return added.added
    ? `${added.path} is now the medium ${added.label}, a copy of everything${through}.\n`
    : `${added.path} was the medium ${added.label} of this trust already, and is in step${through}.\n`;
}

type Note =
  | { readonly type: 'media.added'; readonly label: string }
  | {
      readonly type: 'media.mended';
      readonly label: string;
      readonly from: number | null;
      readonly to: number | null;
      readonly setAside: readonly { readonly name: string }[];
    }
  | { readonly type: 'recovered'; readonly label: string; readonly name: string };

export interface MendedView {
  readonly media: readonly string[];
  readonly notes: readonly Note[];
  readonly failures: readonly { readonly code: string; readonly message: string }[];
  readonly head: { readonly seq: number } | null;
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
}

/** `media mend --json`. */
export function mendedJson({ media, notes, failures, head, warnings }: MendedView) {
  return {
    media,
    copied: notes.flatMap((note) =>
      note.type === 'media.mended' && note.from !== null ? [{ medium: note.label, from: note.from, to: note.to }] : [],
    ),
    added: notes.flatMap((note) => (note.type === 'media.added' ? [note.label] : [])),
    setAside: notes.flatMap((note) => setAsideOf(note).map((name) => ({ medium: note.label, name }))),
    failures: failures.map(({ code, message }) => ({ code, message })),
    head,
    warnings,
  };
}

export function describeMended(mended: MendedView): string {
  const { media, notes, failures, head } = mended;
  const done = notes.flatMap((note) => [
    ...(note.type === 'media.added' ? [`${note.label}: a blank medium was filled`] : []),
    ...(note.type === 'media.mended' && note.from !== null
      ? [
          `${note.label}: ${note.from === note.to ? `record ${note.from}` : `records ${note.from} to ${note.to}`} copied`,
        ]
      : []),
    ...setAsideOf(note).map((name) => `${note.label}: ${name} set aside`),
  ]);
  const verdict = failures.length > 0 ? 'NOT ALL MENDED' : 'In step';
  return [
    `${verdict}: ${media.join(', ') || 'none'}${head ? `, up to record ${head.seq}` : ''}.`,
    ...(done.length === 0 ? ['There was nothing to copy.'] : done.map((line) => `  ${line}`)),
    '',
  ].join('\n');
}

function setAsideOf(note: Note): readonly string[] {
  if (note.type === 'recovered') return [note.name];
  return note.type === 'media.mended' ? note.setAside.map(({ name }) => name) : [];
}

export function describeLost(lost: { readonly label: string; readonly left: readonly string[] }): string {
  return `The medium ${lost.label} is forgotten. Known are now: ${lost.left.join(', ') || 'none'}.\n`;
}

export function describeTested(tested: {
  readonly label: string;
  readonly bytes: number;
  readonly replugged: boolean;
  readonly error: { readonly message: string } | null;
}): string {
  const { label, bytes, replugged, error } = tested;
  if (error) return `BAD: ${error.message}.\n`;
  const between = replugged
    ? 'after it was unplugged'
    : 'without unplugging it: that may have been read from memory and proves less';
  return `GOOD: ${label} took ${bytes} bytes and gave them back ${between}.\n`;
}
