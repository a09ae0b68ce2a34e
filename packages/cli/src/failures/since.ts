/** Reads since when somebody wants to know. */

import { UsageError } from '../print/failure.ts';

const UNIT_MS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };
const LONGEST_MS = 3_660 * 86_400_000;

/**
 * `24h`, `7d`, `1h30m`, `2w`, or a day or time of UTC such as `2026-11-24` or `2026-11-24T08:00`.
 * @throws UsageError
 */
export function readSince(text: string, nowMs: number): number {
  const parts = [...text.matchAll(/(\d{1,6})([mhdw])/g)];
  if (parts.length > 0 && parts.map(([part]) => part).join('') === text) {
    const ms = parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (UNIT_MS[unit ?? ''] ?? 0), 0);
    if (ms > 0 && ms <= LONGEST_MS) return nowMs - ms;
  }
  const [, day, time = '00:00'] =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)Z?)?$/.exec(text) ?? [];
  const at = day === undefined ? NaN : Date.parse(`${day}T${time}Z`);
  // Date.parse takes 30 February for 2 March.
  if (at <= nowMs && at >= nowMs - LONGEST_MS && new Date(at).toISOString().startsWith(day ?? '')) return at;
  throw new UsageError(
    `Unusable --since '${text}'; use a time back from now such as 24h or 7d, or a day or time of UTC that is past, such as ${new Date(nowMs - 86_400_000).toISOString().slice(0, 10)}.`,
  );
}

/** How a span of time is cut for a trend. */
export interface Buckets {
  readonly fromMs: number;
  readonly bucketMs: number;
  readonly count: number;
  readonly unit: 'hour' | 'day' | 'week';
}

const MOST_BUCKETS = 60;

/** Whole hours for two days, whole days for two months, else weeks, counted in UTC; the last one is the present one. */
export function cutInto(sinceMs: number, nowMs: number): Buckets {
  const spanMs = nowMs - sinceMs;
  const unit = spanMs <= 48 * 3_600_000 ? 'hour' : spanMs <= MOST_BUCKETS * 86_400_000 ? 'day' : 'week';
  const bucketMs = { hour: 3_600_000, day: 86_400_000, week: 7 * 86_400_000 }[unit];
  const fromMs = Math.floor(sinceMs / bucketMs) * bucketMs;
  return { fromMs, bucketMs, count: Math.floor((nowMs - fromMs) / bucketMs) + 1, unit };
}
