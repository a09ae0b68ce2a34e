/** Facts about taking a run ID apart. */
import { expect, test } from 'vitest';
import { parseRunId } from './parse-run-id.ts';

const startedAt = new Date('2025-09-30T12:30:45Z');

test('everything after the second hyphen is the client ID', () => {
  for (const clientId of ['Guy-Wilson', "O'Neil", '-', '--a', 'a-', '250930-123045', 'v2.0', 'a b']) {
    expect(parseRunId(`250930-123045-${clientId}`)).toEqual({
      status: 'ok',
      runId: '250930-123045',
      clientId,
      startedAt,
    });
  }
});

test('a second hyphen with nothing after it is refused', () => {
  expect(parseRunId('250930-123045-')).toEqual({
    status: 'refused',
    reason: expect.stringContaining('empty'),
  });
});

test('a refusal names the part of the date or time that does not exist', () => {
  const reasons = {
    '999999-999999': 'month 99 does not exist',
    '250230-120000': '2025-02-30 does not exist',
    '250930-246000': 'hour 24 does not exist',
    '250930-236000': 'minute 60 does not exist',
    '250930-235960-acme': 'second 60 does not exist',
  };
  for (const [value, reason] of Object.entries(reasons)) {
    expect(parseRunId(value)).toEqual({ status: 'refused', reason: expect.stringContaining(reason) });
  }
});

test('legacy forms are not run IDs', () => {
  for (const value of [
    '250930-123045.0',
    '2025-09-30T12:30:45Z',
    'job_20250929094802',
    '250930_123045',
    '',
  ]) {
    expect(parseRunId(value).status).toBe('refused');
  }
});

test('a client run ID with an unprintable client is refused', () => {
  expect(parseRunId('250930-123045-a\nb').status).toBe('refused');
});
