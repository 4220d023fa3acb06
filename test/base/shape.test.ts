import { describe, expect, test } from 'vitest';
import {
  arrayBetween,
  boolean,
  conform,
  conformFirst,
  identifier,
  integer,
  literal,
  map,
  nullable,
  object,
  oneOf,
  optional,
  single,
  variant,
} from '../../src/base/schema.ts';

const pet = object({ name: identifier, age: optional(integer) });
const shelter = object({
  pets: arrayBetween(pet, 1, 3),
  open: boolean,
  keeper: nullable(identifier),
  rooms: map(identifier, integer),
  mood: oneOf(['calm', 'loud']),
  key: single(integer),
});
const good = { pets: [{ name: 'rex' }], open: true, keeper: null, rooms: { a: 1 }, mood: 'calm', key: [7] };

const misfitsOf = (value: unknown) => {
  const result = conform(shelter, value);
  return 'misfits' in result ? result.misfits.map(({ path, received }) => `${received} ${path}`) : [];
};

describe('a shape', () => {
  test('gives back the value itself', () => {
    expect(conform(shelter, good)).toEqual({ value: good });
    expect(conformFirst(shelter, good)).toEqual({ value: good });
  });

  test.each([
    ['a missing member', { ...good, open: undefined }, 'wrong open'],
    ['an unknown member', { ...good, extra: 1 }, 'unknown extra'],
    ['an unknown member deep inside', { ...good, pets: [{ name: 'rex', tail: 1 }] }, 'unknown pets.0.tail'],
    ['an optional member that is undefined', { ...good, pets: [{ name: 'rex', age: undefined }] }, 'wrong pets.0.age'],
    ['an array where an object belongs', { ...good, rooms: [] }, 'wrong rooms'],
    ['an object where an array belongs', { ...good, pets: { 0: { name: 'rex' } } }, 'wrong pets'],
    ['too few items', { ...good, pets: [] }, 'wrong pets'],
    ['two items where one belongs', { ...good, key: [7, 7] }, 'wrong key'],
    ['a hole', { ...good, key: new Array(1) }, 'wrong key.0'],
    ['a wrong name in a map', { ...good, rooms: { A: 1 } }, 'wrong rooms.A'],
    ['a name in a map that every object inherits', { ...good, rooms: { constructor: 1 } }, 'unknown rooms.constructor'],
    ['__proto__ in a map', { ...good, rooms: JSON.parse('{"__proto__":1}') }, 'unknown rooms.__proto__'],
    ['__proto__ as a member', JSON.parse(JSON.stringify(good).replace('{', '{"__proto__":1,')), 'unknown __proto__'],
    ['another word', { ...good, mood: 'toString' }, 'wrong mood'],
    ['a float', { ...good, rooms: { a: 1.5 } }, 'wrong rooms.a'],
    ['a number as text', { ...good, rooms: { a: '1' } }, 'wrong rooms.a'],
  ])('refuses %s, and names the place', (_, value, misfit) => {
    expect(misfitsOf(value)).toEqual([misfit]);
    expect(conformFirst(shelter, value)).toHaveProperty('misfit.path', misfit.split(' ')[1]);
  });

  test('takes no member that is merely inherited', () => {
    expect(misfitsOf(Object.create(good))).toHaveLength(6);
  });

  test('says all that is wrong, or the first thing', () => {
    expect(misfitsOf({ ...good, open: 1, mood: 1, more: 1 })).toEqual(['wrong open', 'wrong mood', 'unknown more']);
    expect(conformFirst(shelter, { open: 1 })).toEqual({
      misfit: { path: 'pets', expected: 'it to be there', received: 'missing' },
    });
  });

  test('never repeats the value', () => {
    expect(JSON.stringify(conform(shelter, { ...good, keeper: 'SECRET', mood: 'SECRET' }))).not.toContain('SECRET');
  });

  test('is done soon with a hundred thousand things wrong', () => {
    const many = Object.fromEntries(Array.from({ length: 100_000 }, (_, number) => [`x${number}`, 1]));
    expect(misfitsOf({ ...good, ...many })).toHaveLength(100_000);
    expect(conformFirst(shelter, { ...good, ...many })).toHaveProperty('misfit.received', 'unknown');
  });
});

describe('a variant', () => {
  const shape = variant('kind', [
    object({ kind: literal('a'), value: integer }),
    object({ kind: literal('b'), value: boolean }),
  ]);

  test.each([
    [{ kind: 'a', value: 1 }, undefined],
    [{ kind: 'b', value: true }, undefined],
    [{ kind: 'b', value: 1 }, 'value'],
    [{ kind: 'c', value: 1 }, 'kind'],
    [{ value: 1 }, 'kind'],
    [['a'], ''],
    [null, ''],
  ])('%j has the misfit at %j', (value, path) => {
    const result = conformFirst(shape, value);
    expect('misfit' in result ? result.misfit?.path : undefined).toBe(path);
  });
});
