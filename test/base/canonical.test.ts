import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson, readCanonical } from '../../src/base/canonical.ts';
import { freeText, identifier, integer, map, object, optional } from '../../src/base/schema.ts';

const schema = object({ zeta: optional(integer), names: map(identifier, integer), alpha: optional(freeText) });
const read = (text: string) => readCanonical(schema, Buffer.from(text));

describe('canonical JSON', () => {
  test('is the same by either way of spelling it', () => {
    const value = fc.jsonValue({ maxDepth: 4, stringUnit: 'binary' });
    fc.assert(
      fc.property(value, (json) => {
        const canonical = canonicalize(json);
        expect(canonicalJson(json)).toBe(canonical);
        // Now the members stand in order, and the quick way is taken.
        if (canonical !== undefined) expect(canonicalJson(JSON.parse(canonical))).toBe(canonical);
      }),
      { numRuns: 500, seed: 11 },
    );
  });

  // Names like 2 and 10 are the trap: JavaScript lists them by number, RFC 8785 sorts them as text.
  test('is accepted in its one spelling and in no other order of members', () => {
    const name = fc.constantFrom('1', '2', '10', 'a', 'b', 'a1', '0', '00');
    const value = fc.record(
      {
        names: fc.uniqueArray(fc.tuple(name, fc.nat()), { selector: ([key]) => key }),
        alpha: fc.constantFrom('x', 'é', '"', '\u{1f600}'),
      },
      { requiredKeys: ['names'] },
    );
    fc.assert(
      fc.property(value, ({ names, ...rest }) => {
        const spelled = `{${names.map(([key, number]) => `"${key}":${number}`).join(',')}}`;
        const alpha = rest.alpha === undefined ? '' : `"alpha":${JSON.stringify(rest.alpha)},`;
        const text = `{${alpha}"names":${spelled}}`;
        const canonical = canonicalJson(JSON.parse(text));
        expect(read(canonical)).toEqual({ value: JSON.parse(text) });
        if (text !== canonical) expect(read(text)).toEqual({ fault: 'spelling', why: 'it is not canonical JSON' });
      }),
      { numRuns: 400, seed: 7 },
    );
  });

  test.each([
    ['a space', '{"names": {}}', 'spelling'],
    ['a duplicate name', '{"names":{},"names":{}}', 'spelling'],
    ['members out of order', '{"zeta":1,"names":{}}', 'spelling'],
    ['an escape that is not needed', '{"alpha":"\\u0061","names":{}}', 'spelling'],
    ['an escaped slash', '{"alpha":"\\/","names":{}}', 'spelling'],
    ['a number with an exponent', '{"names":{},"zeta":1e3}', 'spelling'],
    ['minus zero', '{"names":{},"zeta":-0}', 'spelling'],
    ['an unknown member', '{"beta":1,"names":{}}', 'shape'],
    ['a member called __proto__', '{"__proto__":{},"names":{}}', 'shape'],
    ['a member of the prototype', '{"constructor":1,"names":{}}', 'shape'],
    ['a name in a map called __proto__', '{"names":{"__proto__":1}}', 'shape'],
    ['a lone surrogate', '{"alpha":"\\ud800","names":{}}', 'shape'],
    ['a number beyond 2^53', '{"names":{},"zeta":9007199254740993}', 'shape'],
    ['a BOM', '\u{feff}{"names":{}}', 'json'],
    ['a cut', '{"names":{', 'json'],
  ])('with %s is refused', (_, text, fault) => {
    expect(read(text)).toMatchObject({ fault });
  });

  test('that is not UTF-8 is refused', () => {
    expect(readCanonical(schema, Buffer.from('{"alpha":"\u{e9}","names":{}}', 'latin1'))).toMatchObject({
      fault: 'json',
    });
  });
});
