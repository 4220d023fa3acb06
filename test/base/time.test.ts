import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describeDuration, formatTime, parseDuration, parseTime } from '../../src/base/time.ts';

const endOf9999 = 253_402_300_799;

describe('a time', () => {
  test('has one spelling, and is read back from it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: endOf9999 }), (seconds) => {
        expect(parseTime(formatTime(seconds))).toBe(seconds);
        expect(formatTime(seconds)).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      }),
      { numRuns: 300, seed: 3 },
    );
    expect([formatTime(0), formatTime(endOf9999)]).toEqual(['1970-01-01T00:00:00Z', '9999-12-31T23:59:59Z']);
  });

  test.each([
    '2026-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T23:60:00Z',
    '2016-12-31T23:59:60Z',
    '2026-01-01T00:00:00',
    '2026-01-01T00:00:00z',
    '2026-01-01t00:00:00Z',
    '2026-01-01 00:00:00Z',
    '2026-01-01T00:00:00.0Z',
    '2026-01-01T00:00:00+00:00',
    '2026-01-01',
    '+02026-01-01T00:00:00Z',
    ' 2026-01-01T00:00:00Z',
    '2026-01-01T00:00:00Z\n',
    '２026-01-01T00:00:00Z',
    '',
  ])('is not %j', (text) => {
    expect(parseTime(text)).toBeUndefined();
  });
});

describe('a duration', () => {
  test('is a whole number of one unit', () => {
    expect(['0s', '1s', '15m', '2h', '90d', '3600s'].map(parseDuration)).toEqual([0, 1, 900, 7200, 7_776_000, 3600]);
    expect(Number.isSafeInteger(parseDuration('999999999d'))).toBe(true);
  });

  test.each([
    '',
    '0',
    '0m',
    '00s',
    '01m',
    '-1s',
    '+1s',
    '1.5h',
    '1e3s',
    '1 s',
    '1s ',
    '1m30s',
    '1w',
    '1M',
    '1000000000s',
    'm',
    'toStrings',
  ])('is not %j', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  test('is told with its two largest units', () => {
    expect([0, -5, 0.4, 59, 60, 890, 7200, 90_061, 86_405].map(describeDuration)).toEqual([
      '0 s',
      '0 s',
      '0 s',
      '59 s',
      '1 m',
      '14 m 50 s',
      '2 h',
      '1 d 1 h',
      '1 d 5 s',
    ]);
  });
});
