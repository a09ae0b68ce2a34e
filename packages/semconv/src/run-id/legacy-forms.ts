/** Lists the legacy forms of a run ID and where each keeps its time. */
import { instantOf, type Instant } from './calendar.ts';
import { readIso, readUlid } from './read-time.ts';

/** The time that a legacy ID holds; `lossy` when the ID says more than that second. */
export interface LegacyReading {
  instant: Instant;
  lossy: boolean;
}

// ISO 8601 as RFC 3339 narrows it, extended or basic: local time, fraction, offset.
const ISO = String.raw`(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d|\d{8}[Tt]\d{6})(?:[.,](\d+))?([Zz]|[+-]\d\d(?::?\d\d)?)`;
// The name of a job or process, with the separator that ends it.
const NAME = String.raw`(?:[^_-].*[_-])?`;
// A random tail. Shorter than 13, so that milliseconds are never taken for one.
const TAIL = String.raw`(?:[_-][A-Za-z0-9]{1,12})?`;

/**
 * The first form whose pattern fits decides; a time that does not exist is not tried in another.
 * Every pattern is anchored and no repetition is nested in another, so matching stays linear.
 */
export const LEGACY_FORMS = [
  {
    form: 'iso-8601',
    pattern: new RegExp(`^${ISO}$`),
    read: ([, local = '', fraction = '', offset = '']) => ({
      instant: readIso(local, fraction, offset),
      lossy: /[1-9]/.test(fraction),
    }),
  },
  {
    // `<run type>__<logical date>`; Airflow 3 may add a random tail.
    form: 'airflow',
    pattern: new RegExp(`^[a-z][a-z_]*__${ISO}(?:_[A-Za-z0-9]{1,12})?$`),
    read: ([, local = '', fraction = '', offset = '']) => lossy(readIso(local, fraction, offset)),
  },
  {
    // RFC 9562, section 5.7: 48 bits of milliseconds, version 7, variant 10.
    form: 'uuid-v7',
    pattern: /^([\da-f]{8})-([\da-f]{4})-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/i,
    read: ([, high = '', low = '']) => lossy(epoch(Number.parseInt(high + low, 16))),
  },
  {
    // 26 characters of Crockford's base 32, in either case; the first ten are milliseconds.
    form: 'ulid',
    pattern: /^([0-7][\dA-HJKMNP-TV-Z]{9})[\dA-HJKMNP-TV-Z]{16}$/i,
    read: ([, time = '']) => lossy(epoch(readUlid(time))),
  },
  {
    // 13 digits. Ten (seconds) are refused: too many other numbers have ten digits.
    form: 'epoch-ms',
    pattern: new RegExp(`^${NAME}(\\d{13})${TAIL}$`, 's'),
    read: ([whole, digits = '']) => ({
      instant: epoch(Number(digits)),
      lossy: whole !== digits || !digits.endsWith('000'),
    }),
  },
  {
    form: 'job-process',
    pattern: new RegExp(`^${NAME}(\\d{8})[_-]?(\\d{6})${TAIL}$`, 's'),
    read: ([whole, date = '', time = '']) => ({
      instant: instantOf(date + time),
      // Fifteen characters are the bare stamp.
      lossy: whole.length > 15,
    }),
  },
  {
    // The name of a CronJob's job, or of its pod: minutes since 1970, then five characters of the pod's own.
    form: 'kubernetes-cronjob',
    pattern: /^[a-z\d][a-z\d.-]*-(\d{8})(?:-[bcdfghjklmnpqrstvwxz2456789]{5})?$/,
    read: ([, digits = '']) => lossy(readCronJobMinutes(digits)),
  },
] as const satisfies readonly {
  form: string;
  pattern: RegExp;
  read: (match: RegExpExecArray) => LegacyReading;
}[];

// Kubernetes 1.21 brought these names in April 2021. Every date of this century written as
// YYYYMMDD is a smaller number than this one, so a date is never taken for minutes.
const FIRST_CRONJOB_MINUTE = Date.UTC(2021, 0) / 60_000;

function readCronJobMinutes(digits: string): Instant {
  if (Number(digits) >= FIRST_CRONJOB_MINUTE) return epoch(Number(digits) * 60_000);
  return {
    status: 'refused',
    reason: `${digits} has no time of day as a date and is before 2021 as minutes since 1970`,
  };
}

function lossy(instant: Instant): LegacyReading {
  return { instant, lossy: true };
}

function epoch(epochMs: number): Instant {
  return { status: 'ok', epochMs };
}
