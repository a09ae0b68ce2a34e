/** Facts about which dates and times exist. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatRunId, instantOf, withinRange } from './calendar.ts';

const pad = (value: number, length: number): string => String(value).padStart(length, '0');
const almostTime = fc.tuple(
  fc.integer({ min: 100, max: 9999 }),
  fc.integer({ min: 0, max: 14 }),
  fc.integer({ min: 0, max: 33 }),
  fc.integer({ min: 0, max: 26 }),
  fc.integer({ min: 0, max: 62 }),
  fc.integer({ min: 0, max: 62 }),
);

test('an instant exists exactly when Date.UTC keeps all its digits', () => {
  fc.assert(
    fc.property(almostTime, ([year, month, ...rest]) => {
      const digits = pad(year, 4) + [month, ...rest].map((part) => pad(part, 2)).join('');
      const epochMs = Date.UTC(year, month - 1, ...rest);
      const kept = new Date(epochMs).toISOString().replaceAll(/\D/g, '').startsWith(digits);
      const refusal = { status: 'refused', reason: expect.stringContaining('does not exist') };
      expect(instantOf(digits)).toEqual(kept ? { status: 'ok', epochMs } : refusal);
    }),
    { numRuns: 20_000 },
  );
});

test('every day of 2000 to 2099 and no other exists', () => {
  let days = 0;
  for (let year = 2000; year <= 2099; year++) {
    for (let monthAndDay = 0; monthAndDay <= 9999; monthAndDay++) {
      if (instantOf(`${year}${pad(monthAndDay, 4)}000000`).status === 'ok') days++;
    }
  }
  expect(days).toBe((Date.UTC(2100, 0) - Date.UTC(2000, 0)) / 86_400_000);
});

test('a year before 100 is not taken for one of the 1900s', () => {
  const instant = instantOf('00500101000000');
  expect(withinRange(instant)).toEqual({
    status: 'refused',
    reason: 'the year 50 lies outside 2000 to 2099',
  });
});

test('the first and the last second of the range are within it, their neighbours are not', () => {
  const first = Date.UTC(2000, 0);
  const last = Date.UTC(2100, 0) - 1;
  expect(withinRange({ status: 'ok', epochMs: first }).status).toBe('ok');
  expect(withinRange({ status: 'ok', epochMs: first - 1 }).status).toBe('refused');
  expect(withinRange({ status: 'ok', epochMs: last }).status).toBe('ok');
  expect(withinRange({ status: 'ok', epochMs: last + 1 }).status).toBe('refused');
});

test('fractions of a second are dropped, not rounded', () => {
  expect(formatRunId(Date.UTC(2025, 8, 30, 12, 30, 45, 999))).toBe('250930-123045');
});
