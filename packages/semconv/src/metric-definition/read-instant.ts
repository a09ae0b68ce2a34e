/** Reads points in time as programs report them: Dates, ISO 8601 texts, seconds since 1970. */
import { describeValue, quote } from '../run-id/describe-value.ts';
import { readIso } from '../run-id/read-time.ts';
import { readNumber, type NumberReading } from './read-number.ts';

// The years 2000 to 2099, as for run IDs. Milliseconds taken for seconds lie far outside:
// such a mistake once put an end into the year 2611.
const FIRST_SECOND = Date.UTC(2000, 0) / 1000;
const AFTER_LAST_SECOND = Date.UTC(2100, 0) / 1000;

const ISO = /^(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?([Zz]|[+-]\d\d(?::?\d\d)?)?$/;

/** Seconds since 1970, UTC, of a Date, an ISO 8601 text with a time zone, or a number of seconds. */
export function readInstant(value: unknown): NumberReading {
  const seconds = readSeconds(value);
  if (seconds.status === 'refused' || isInRange(seconds.value)) return seconds;
  const hint = isInRange(seconds.value / 1000) ? '; it looks like milliseconds: divide by 1000' : '';
  return refused(`${describeValue(value)} is not a time in seconds since 1970 from 2000 to 2099${hint}`);
}

function readSeconds(value: unknown): NumberReading {
  if (value instanceof Date) {
    const epochMs = value.getTime();
    return Number.isNaN(epochMs) ? refused('an invalid Date is not a time') : ok(epochMs);
  }
  const iso = typeof value === 'string' ? ISO.exec(value.trim()) : null;
  if (iso === null) return readNumber(value);
  const [, local = '', fraction = '', offset] = iso;
  if (offset === undefined) {
    return refused(`${quote(String(value))} has no time zone; add Z, or an offset such as +10:00`);
  }
  const instant = readIso(local, fraction, offset);
  return instant.status === 'ok'
    ? ok(instant.epochMs)
    : refused(`${quote(String(value))} is not a time: ${instant.reason}`);
}

function isInRange(seconds: number): boolean {
  return seconds >= FIRST_SECOND && seconds < AFTER_LAST_SECOND;
}

function ok(epochMs: number): NumberReading {
  return { status: 'ok', value: epochMs / 1000 };
}

function refused(reason: string): NumberReading {
  return { status: 'refused', reason };
}
