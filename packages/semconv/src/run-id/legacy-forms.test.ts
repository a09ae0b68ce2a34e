/** Facts about each legacy form and its limits. */
import { expect, test } from 'vitest';
import { convertToStandardFormat } from './convert.ts';

/** The run ID, or the reason why there is none. */
function convert(input: string): string {
  const converted = convertToStandardFormat(input);
  return converted.status === 'converted' ? converted.runId : converted.reason;
}

function isLossy(input: string): boolean {
  const converted = convertToStandardFormat(input);
  return converted.status === 'converted' && converted.lossy;
}

test('ISO times are read in either case, with any offset, extended or basic', () => {
  for (const input of [
    '2025-09-30t12:30:45z',
    '2025-09-30 12:30:45+00',
    '2025-09-30T12:30:45.999999999Z',
    '2025-09-30T12:30:45,5Z',
    '2025-09-30T08:00:45-0430',
    '2025-10-01T02:30:45+14:00',
    '20250930T123045Z',
  ]) {
    expect(convert(input)).toBe('250930-123045');
  }
});

test('an ISO time without a time zone is refused, for it names no instant', () => {
  expect(convert('2025-09-30T12:30:45')).toContain('time zone');
  expect(convert('2025-09-30T12:30:45.123')).toContain('time zone');
});

test('an offset that does not exist is refused', () => {
  expect(convert('2025-09-30T12:30:45+24:00')).toContain('offset +24:00 does not exist');
  expect(convert('2025-09-30T12:30:45+10:60')).toContain('offset +10:60 does not exist');
});

test('the year counts in UTC, after the offset', () => {
  expect(convert('1999-12-31T23:30:00-01:00')).toBe('000101-003000');
  expect(convert('2000-01-01T00:30:00+01:00')).toContain('the year 1999 lies outside 2000 to 2099');
  expect(convert('2099-12-31T23:30:00-01:00')).toContain('the year 2100 lies outside 2000 to 2099');
});

test('a date or time that does not exist is refused inside every written form', () => {
  for (const input of [
    '2025-02-30T12:00:00Z',
    '2025-09-30T24:00:00Z',
    '2025-09-30T23:59:60Z',
    'scheduled__2025-13-01T00:00:00+00:00',
    'job_x_20250230120000',
    'job_x_20250930_246000',
    '250230-120000.0',
    '250930-246000-apify-AeljThOnfXhim2T31',
  ]) {
    expect(convert(input)).toContain('does not exist');
  }
});

test('a year outside 2000 to 2099 is refused inside every form', () => {
  for (const input of [
    '1999-09-30T12:30:45Z',
    'manual__2100-01-01T00:00:00+00:00',
    'job_x_19991231235959',
    'job_x_21000101_000000',
    'job_x_9999999999999',
    '00000000-0000-7000-8000-000000000000',
    'ffffffff-ffff-7fff-bfff-ffffffffffff',
    '7ZZZZZZZZZZZZZZZZZZZZZZZZZ',
    'nightly-99999999',
  ]) {
    expect(convert(input)).toMatch(/the year \d+ lies outside 2000 to 2099/);
  }
});

test('Airflow IDs of every run type are read, with the tail that Airflow 3 adds', () => {
  expect(convert('manual__2025-09-30T12:30:45.123456+00:00')).toBe('250930-123045');
  expect(convert('dataset_triggered__2025-09-30T12:30:45+00:00')).toBe('250930-123045');
  expect(convert('manual__2025-09-30T12:30:45+00:00_Ab3dEf9x')).toBe('250930-123045');
});

test('only UUIDs of version 7 and the standard variant are read, in either case', () => {
  expect(convert('01999A9A-9183-7A1B-9C2D-3E4F5A6B7C8D')).toBe('250930-123045');
  expect(convert('01999a9a-9183-4a1b-9c2d-3e4f5a6b7c8d')).toContain('not of version 7');
  expect(convert('01999a9a-9183-7a1b-cc2d-3e4f5a6b7c8d')).toContain('not of version 7');
});

test('a ULID is read in either case and has only letters of its alphabet', () => {
  expect(convert('01k6d9n4c37zqxh4b2n8kdefgr')).toBe('250930-123045');
  expect(convert('01K6D9N4C37ZQXH4B2N8KDEFGU')).toContain('holds no time');
  expect(convert('81K6D9N4C37ZQXH4B2N8KDEFGR')).toContain('holds no time');
});

test('thirteen digits are milliseconds, ten digits are refused', () => {
  expect(convert('1717146242405')).toBe('240531-090402');
  expect(convert('job_1717146242')).toContain('ten digits');
  expect(convert('1717146242')).toContain('ten digits');
  expect(convert('171714624240')).toContain('holds no time');
  expect(convert('-1717146242405')).toContain('holds no time');
});

test('the minutes of a Kubernetes CronJob count from 2021 on; a date is not taken for minutes', () => {
  expect(convert('nightly-26824320')).toBe('210101-000000');
  expect(convert('nightly-26824319')).toContain('before 2021');
  expect(convert('nightly-20250930')).toContain('no time of day');
  expect(convert('nightly-20991231')).toContain('no time of day');
});

test('a pod of a Kubernetes CronJob has the run ID of its job', () => {
  expect(convert('nightly-scoring-29320590-x7k2p')).toBe('250930-123000');
});

test('a date without a time of day is refused as such', () => {
  for (const input of ['2025-09-30', 'job_20250930', '20250930', 'job-2025-09-30']) {
    expect(convert(input)).toContain('no time of day');
  }
});

test('a conversion is lossy exactly when the input says more than the run ID holds', () => {
  for (const input of [
    '2025-09-30T12:30:45.000Z',
    '2025-09-30T22:30:45+10:00',
    '250930-123045.0',
    '20250930_123045',
    '1717146242000',
  ]) {
    expect(isLossy(input)).toBe(false);
  }
  for (const input of [
    '2025-09-30T12:30:45.001Z',
    '250930-123045.5',
    'a_20250930_123045',
    '1717146242001',
    'a-29320590',
  ]) {
    expect(isLossy(input)).toBe(true);
  }
});
