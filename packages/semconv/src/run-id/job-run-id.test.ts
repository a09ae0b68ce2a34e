/** Facts about making and checking the ID of a job run. */
import { runInNewContext } from 'node:vm';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { generateRunId, isValidRunId, nextRunId } from './job-run-id.ts';
import { parseRunId } from './parse-run-id.ts';

const nowInRange = fc.date({
  min: new Date('2000-01-01T00:00:00Z'),
  max: new Date('2099-12-31T23:59:58Z'),
  noInvalidDate: true,
});

test('every generated ID is valid and parses to the second it was made in', () => {
  fc.assert(
    fc.property(nowInRange, (now) => {
      const runId = generateRunId(now);
      expect(isValidRunId(runId)).toBe(true);
      const startedAt = new Date(Math.floor(now.getTime() / 1000) * 1000);
      expect(parseRunId(runId)).toEqual({ status: 'ok', runId, clientId: null, startedAt });
    }),
  );
});

test('without a date, the ID is of this second', () => {
  const before = generateRunId(new Date());
  const runId = generateRunId();
  expect([before, generateRunId(new Date())]).toContain(runId);
});

test('the next run ID is the ID of one second later', () => {
  fc.assert(
    fc.property(nowInRange, (now) => {
      expect(nextRunId(generateRunId(now))).toBe(generateRunId(new Date(now.getTime() + 1000)));
    }),
  );
});

test('the next run ID carries over into the next year', () => {
  expect(nextRunId('241231-235959')).toBe('250101-000000');
});

test('no run ID follows the last second of 2099', () => {
  expect(() => nextRunId('991231-235959')).toThrow(
    expect.objectContaining({ name: 'RunIdError', code: 'out_of_range' }),
  );
});

test('the next run ID of a client run ID is an error that names the base ID', () => {
  expect(() => nextRunId('250930-123045-acme')).toThrow(
    expect.objectContaining({
      code: 'invalid_run_id',
      message: expect.stringContaining('ID, 250930-123045'),
    }),
  );
});

test('a date outside 2000 to 2099 makes no run ID', () => {
  for (const date of ['1999-12-31T23:59:59.999Z', '2100-01-01T00:00:00Z']) {
    expect(() => generateRunId(new Date(date))).toThrow(expect.objectContaining({ code: 'out_of_range' }));
  }
});

test('what is no date makes no run ID', () => {
  for (const value of [new Date(Number.NaN), '2025-09-30', 1717146242405, null, {}, Promise.resolve()]) {
    // @ts-expect-error not all are Dates
    expect(() => generateRunId(value)).toThrow(expect.objectContaining({ code: 'invalid_date' }));
  }
});

test('a Date of another realm makes a run ID', () => {
  const date = runInNewContext("new Date('2025-09-30T12:30:45Z')");
  expect(generateRunId(date)).toBe('250930-123045');
});

test('a run ID is valid exactly when its date and time exist', () => {
  const twoDigits = fc.integer({ min: 0, max: 99 });
  const plausible = fc.integer({ min: 0, max: 62 });
  const parts = fc.tuple(
    twoDigits,
    fc.integer({ max: 14, min: 0 }),
    plausible,
    plausible,
    plausible,
    plausible,
  );
  fc.assert(
    fc.property(parts, ([year, month, ...rest]) => {
      const digits = [year, month, ...rest].map((part) => String(part).padStart(2, '0')).join('');
      const date = new Date(Date.UTC(2000 + year, month - 1, ...rest));
      const exists = date.toISOString().replaceAll(/\D/g, '').slice(2, 14) === digits;
      expect(isValidRunId(`${digits.slice(0, 6)}-${digits.slice(6)}`)).toBe(exists);
    }),
    { numRuns: 20_000 },
  );
});

test('29 February is valid in leap years only, 2000 among them', () => {
  expect(['000229-000000', '240229-235959'].map(isValidRunId)).toEqual([true, true]);
  expect(['010229-000000', '250229-000000', '250230-120000'].map(isValidRunId)).toEqual([
    false,
    false,
    false,
  ]);
});

test('anything around a run ID makes it invalid', () => {
  for (const value of [
    '250930-123045\n',
    ' 250930-123045',
    '250930-123045-',
    '250930-123045-a',
    '250930-123045.0',
  ]) {
    expect(isValidRunId(value)).toBe(false);
  }
});

test('only strings are run IDs, and only ASCII digits are digits', () => {
  for (const value of [
    250930,
    undefined,
    null,
    {},
    [],
    ['250930-123045'],
    '٢٥٠٩٣٠-١٢٣٠٤٥',
    '２５0930-123045',
  ]) {
    expect(isValidRunId(value)).toBe(false);
  }
});
