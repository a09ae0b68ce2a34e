/** Cells are read as what they are, or refused. */

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Mapping, readMappingFile, type MetricRole } from './mapping.ts';
import { readMetric, readTime, textOf } from './read-values.ts';

const NOW_MS = Date.UTC(2026, 10, 23);

test.each([
  ['2025-09-30T12:30:45Z', '1759235445000000000'],
  ['2025-09-30 12:30:45', '1759235445000000000'],
  ['2025-09-30T22:30:45.123456789+10:00', '1759235445123456789'],
  ['2025-09-30T12:30Z', '1759235400000000000'],
  ['2025-09-30 12:30:45 UTC', '1759235445000000000'],
  ['1759235445', '1759235445000000000'],
  ['1759235445.5', '1759235445500000000'],
  [1759235445123, '1759235445123000000'],
])('%s is a time', (cell, expected) => {
  expect(readTime(cell, NOW_MS)).toEqual({ status: 'ok', value: BigInt(expected) });
});

test.each([
  ['20240531090402', 'the year 2611'],
  ['2611-01-01T00:00:00Z', 'in the future'],
  ['1999-12-31T23:59:59Z', 'before 2000'],
  ['2025-02-30T00:00:00Z', 'no time'],
  ['2025-09-30T24:00:00Z', 'no time'],
  ['2025-00-30T12:00:00Z', 'no time'],
  ['2025-13-30T12:00:00Z', 'no time'],
  ['2025-09-00T12:00:00Z', 'no time'],
  ['2025-09-30', 'no time of day'],
  ['30/09/2025 12:30', 'no time'],
  ['yesterday', 'no time'],
  ['[object Object]', 'no time'],
])('%s is refused: %s', (cell, words) => {
  expect(readTime(cell, NOW_MS)).toEqual({ status: 'refused', reason: expect.stringContaining(words) });
});

test('every instant reads the same from each of its spellings', () => {
  fc.assert(
    fc.property(fc.integer({ min: Date.UTC(2001, 8, 10), max: NOW_MS }), (ms) => {
      const expected = { status: 'ok', value: BigInt(ms) * 1_000_000n };
      expect(readTime(new Date(ms).toISOString(), NOW_MS)).toEqual(expected);
      expect(readTime(ms, NOW_MS)).toEqual(expected);
      expect(readTime((ms / 1000).toFixed(3), NOW_MS)).toEqual(expected);
    }),
  );
});

const mapping = new Mapping({ ...(await readMappingFile(undefined)), metrics: { Balance: 'last' } });
const LEADS = mapping.roleOf('leadsProcessed') as MetricRole;
const BALANCE = mapping.roleOf('Balance') as MetricRole;

test.each([
  ['0', 0],
  [0, 0],
  [' 12.5 ', 12.5],
  ['-3', -3],
  ['1e3', 1000],
])('%s is a number', (cell, value) => {
  expect(readMetric(cell, BALANCE)).toMatchObject({ status: 'ok', value });
});

test('an empty cell is no value, and no zero', () => {
  for (const cell of ['', '  ', null, undefined])
    expect(readMetric(cell, LEADS)).toEqual({ status: 'ok', value: null });
});

test.each(['not-a-number', 'NaN', 'Infinity', '1,234', '0x10', '1 234', '12 leads', true])(
  '%s is refused',
  (cell) => {
    expect(readMetric(cell, BALANCE).status).toBe('refused');
  },
);

test('a list of one is its element; an object is never [object Object]', () => {
  expect(textOf(['acme'])).toBe('acme');
  expect(textOf({ id: 1 })).toBe('{"id":1}');
});

test('a count of the old system is a whole number and not negative', () => {
  expect(readMetric('3', LEADS)).toMatchObject({ status: 'ok', metric: 'Leads Processed', unit: '{lead}' });
  expect(readMetric('-3', LEADS)).toMatchObject({
    status: 'refused',
    reason: expect.stringContaining('below 0'),
  });
  expect(readMetric('2.5', LEADS).status).toBe('refused');
});
