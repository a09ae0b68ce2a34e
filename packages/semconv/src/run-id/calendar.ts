/** Turns written dates into instants, refuses those that do not exist, and writes instants as run IDs. */

/** A point in time in milliseconds since 1970, or why there is none. */
export type Instant = { status: 'ok'; epochMs: number } | { status: 'refused'; reason: string };

/**
 * Reads 14 digits, `YYYYMMDDHHMMSS`, as UTC.
 * Refuses what is not on the calendar: 30 February, hour 24, second 60 (Unix time has no leap seconds).
 */
export function instantOf(digits: string): Instant {
  const year = Number(digits.slice(0, 4));
  const month = Number(digits.slice(4, 6));
  const day = Number(digits.slice(6, 8));
  const hour = Number(digits.slice(8, 10));
  const minute = Number(digits.slice(10, 12));
  const second = Number(digits.slice(12, 14));
  if (month < 1 || month > 12) return doesNotExist(`month ${digits.slice(4, 6)}`);
  if (day < 1 || day > daysIn(year, month)) {
    return doesNotExist(`${digits.slice(0, 4)}-${digits.slice(4, 6)}-${digits.slice(6, 8)}`);
  }
  if (hour > 23) return doesNotExist(`hour ${hour}`);
  if (minute > 59) return doesNotExist(`minute ${minute}`);
  if (second > 59) return doesNotExist(`second ${second}`);
  // Not Date.UTC, which reads the years 0 to 99 as 1900 to 1999.
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return { status: 'ok', epochMs: date.setUTCHours(hour, minute, second) };
}

/** Keeps an instant if a run ID can name it: the years 2000 to 2099, UTC. */
export function withinRange(instant: Instant): Instant {
  if (instant.status === 'refused') return instant;
  const year = new Date(instant.epochMs).getUTCFullYear();
  if (year >= 2000 && year <= 2099) return instant;
  return { status: 'refused', reason: `the year ${year} lies outside 2000 to 2099` };
}

/** Writes an instant that is within range as `YYMMDD-HHMMSS`; fractions of a second are dropped. */
export function formatRunId(epochMs: number): string {
  const digits = new Date(epochMs).toISOString().replaceAll(/\D/g, '');
  return `${digits.slice(2, 8)}-${digits.slice(8, 14)}`;
}

function daysIn(year: number, month: number): number {
  if (month === 2) return isLeapYear(year) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

function doesNotExist(what: string): Instant {
  return { status: 'refused', reason: `${what} does not exist` };
}
