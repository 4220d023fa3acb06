/** A shape that a value from outside must have; `Shape<typeof s>` is its type. */
export interface Schema<T> {
  /** What is wrong with `value`, the first thing or all; undefined if nothing is. It changes nothing and keeps nothing. */
  readonly misfits: (value: unknown, extent: Extent) => Misfits;
  /** Is never there: it carries the type. */
  readonly of?: T;
}

export type Shape<S extends Schema<unknown>> = S extends Schema<infer T> ? T : never;

export type Extent = 'first' | 'all';

/** What is wrong with a value, for people: the member's path and what was expected; never the value itself. */
export interface Misfit {
  readonly path: string;
  readonly expected: string;
  readonly received: 'missing' | 'unknown' | 'wrong';
}

type Misfits = readonly Misfit[] | undefined;

/** A member that may be absent; when it is there, it is never undefined. */
export interface OptionalMember<T> extends Schema<T> {
  readonly presence: 'optional';
}

export type Members = Readonly<Record<string, Schema<unknown>>>;

type OptionalNames<M extends Members> = { [K in keyof M]: M[K] extends OptionalMember<unknown> ? K : never }[keyof M];
type Flat<T> = { [K in keyof T]: T[K] };
type ObjectOf<M extends Members> = Flat<
  { -readonly [K in Exclude<keyof M, OptionalNames<M>>]: Shape<M[K]> } & {
    -readonly [K in OptionalNames<M>]?: Shape<M[K]>;
  }
>;

export interface ObjectSchema<M extends Members> extends Schema<ObjectOf<M>> {
  readonly members: M;
}

/** A value that `is` accepts; `expected` says in words which. */
export function scalar<T>(is: (value: unknown) => boolean, expected: string): Schema<T> {
  const wrong = [{ path: '', expected, received: 'wrong' }] as const;
  return { misfits: (value) => (is(value) ? undefined : wrong) };
}

export function stringThat(is: (text: string) => boolean, expected: string): Schema<string> {
  return scalar((value) => typeof value === 'string' && is(value), expected);
}

export function literal<const V extends string | number>(value: V): Schema<V> & { readonly value: V } {
  return { ...scalar<V>((given) => given === value, JSON.stringify(value)), value };
}

export function oneOf<const V extends string | number>(values: readonly V[]): Schema<V> {
  const known: ReadonlySet<unknown> = new Set(values);
  return scalar((value) => known.has(value), values.map((value) => JSON.stringify(value)).join(' or '));
}

export function nullable<T>(schema: Schema<T>): Schema<T | null> {
  return { misfits: (value, extent) => (value === null ? undefined : schema.misfits(value, extent)) };
}

export function optional<T>(schema: Schema<T>): OptionalMember<T> {
  return { misfits: schema.misfits, presence: 'optional' };
}

/** An object of exactly these members, its own and no inherited ones. */
export function object<const M extends Members>(members: M): ObjectSchema<M> {
  const declared = Object.entries(members).map(([name, schema]) => ({ name, schema, optional: 'presence' in schema }));
  const names: ReadonlySet<string> = new Set(Object.keys(members));
  const misfits = (value: unknown, extent: Extent) => {
    if (!isTable(value)) return notAnObject;
    let found: Misfit[] | undefined;
    let present = 0;
    for (const { name, schema, optional } of declared) {
      const given = Object.hasOwn(value, name);
      if (given) present += 1;
      const inner = given ? schema.misfits(value[name], extent) : optional ? undefined : missing;
      if (!inner) continue;
      found = joined(found, name, inner);
      if (extent === 'first') return found;
    }
    const all = Object.keys(value);
    // As many as were found by name: then there is no other.
    if (all.length === present) return found;
    for (const name of all) {
      if (names.has(name)) continue;
      found = joined(found, name, unknownMember);
      if (extent === 'first') break;
    }
    return found;
  };
  return { misfits, members };
}

/** One of several objects, told apart by the literal that stands in `name`. */
export function variant<const N extends string, O extends ObjectSchema<Members>>(
  name: N,
  choices: readonly O[],
): Schema<Shape<O>> {
  const byValue = new Map(choices.map((choice) => [discriminator(choice, name), choice]));
  const wrong = [{ path: name, expected: `one of ${[...byValue.keys()].join(', ')}`, received: 'wrong' }] as const;
  return {
    misfits: (value, extent) => {
      if (!isTable(value)) return notAnObject;
      if (!Object.hasOwn(value, name)) return under(name, missing);
      return byValue.get(value[name])?.misfits(value, extent) ?? (byValue.has(value[name]) ? undefined : wrong);
    },
  };
}

export function array<T>(item: Schema<T>): Schema<T[]> {
  return arrayBetween(item, 0, Number.MAX_SAFE_INTEGER);
}

export function arrayBetween<T>(item: Schema<T>, least: number, most: number): Schema<T[]> {
  const wrongLength = [{ path: '', expected: `${least} to ${most} items`, received: 'wrong' }] as const;
  return {
    misfits: (value, extent) => {
      if (!Array.isArray(value)) return notAnArray;
      if (value.length < least || value.length > most) return wrongLength;
      let found: Misfit[] | undefined;
      for (let position = 0; position < value.length; position++) {
        const inner = item.misfits(value[position], extent);
        if (inner) found = joined(found, String(position), inner);
        if (found && extent === 'first') break;
      }
      return found;
    },
  };
}

/** Exactly one item, in an array. */
export function single<T>(item: Schema<T>): Schema<[T]> {
  const { misfits } = arrayBetween(item, 1, 1);
  return { misfits };
}

/** An object of any members whose names fit `key` and whose values fit `item`. */
export function map<T>(key: Schema<string>, item: Schema<T>): Schema<Record<string, T>> {
  return {
    misfits: (value, extent) => {
      if (!isTable(value)) return notAnObject;
      let found: Misfit[] | undefined;
      for (const name of Object.keys(value)) {
        // What every object inherits is nobody's name: reading it from a map that lacks it would find something.
        const strange = name in Object.prototype ? unknownMember : key.misfits(name, extent);
        const inner = strange ?? item.misfits(value[name], extent);
        if (inner) found = joined(found, name, inner);
        if (found && extent === 'first') break;
      }
      return found;
    },
  };
}

const notAnObject = [{ path: '', expected: 'an object', received: 'wrong' }] as const;
const notAnArray = [{ path: '', expected: 'an array', received: 'wrong' }] as const;
const missing = [{ path: '', expected: 'it to be there', received: 'missing' }] as const;
const unknownMember = [{ path: '', expected: 'no such member', received: 'unknown' }] as const;

// Pushes onto the list that it began: a hostile value has many things wrong.
function joined(found: Misfit[] | undefined, name: string, inner: readonly Misfit[]): Misfit[] {
  const list = found ?? [];
  for (const misfit of under(name, inner)) list.push(misfit);
  return list;
}

function under(name: string, misfits: readonly Misfit[]): Misfit[] {
  return misfits.map((misfit) => ({ ...misfit, path: misfit.path === '' ? name : `${name}.${misfit.path}` }));
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function discriminator(choice: ObjectSchema<Members>, name: string): unknown {
  const member = choice.members[name];
  if (member && 'value' in member) return member.value;
  throw new TypeError(`every choice has a literal ${name}`);
}
