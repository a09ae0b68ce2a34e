/** Learns from its starts how often a job runs. */

/** How often, and how much later than that a start still is no surprise. */
export interface LearntSchedule {
  readonly everyMs: number;
  readonly lateAfterMs: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const LEAST_GAPS = 6;
/** So many of the gaps must be alike. A job of weekdays has 4 in 5, one of office hours 8 in 9: neither is taken for regular. */
const LEAST_SHARE = 0.9;
const TOLERANCE = 0.1;
const SHORTEST_MS = 10_000;

/**
 * Starts in order, milliseconds since 1970. Confident, or undefined:
 * at least seven starts; nine in ten gaps within a tenth of the median one, the last three included;
 * and a history that is long enough for the pauses of nights (from five-minute gaps on) or weekends (from six-hour gaps on) to show.
 * A job that has not started for ten gaps, and for a week, is forgotten.
 */
export function learnSchedule(starts: readonly number[], nowMs: number): LearntSchedule | undefined {
  const gaps = starts.slice(1).map((start, index) => start - (starts[index] ?? start));
  const [first, last] = [starts[0], starts.at(-1)];
  if (gaps.length < LEAST_GAPS || first === undefined || last === undefined) return undefined;
  const median = medianOf(gaps);
  if (median < SHORTEST_MS || last - first < leastHistoryMs(median)) return undefined;
  if (nowMs - last > Math.max(10 * median, 7 * DAY_MS)) return undefined;
  const tolerance = Math.max(TOLERANCE * median, Math.min(MINUTE_MS, median / 2));
  const isAlike = (gap: number): boolean => Math.abs(gap - median) <= tolerance;
  if (gaps.filter(isAlike).length < LEAST_SHARE * gaps.length || !gaps.slice(-3).every(isAlike))
    return undefined;
  return {
    everyMs: roundOff(median),
    lateAfterMs: Math.round(Math.min(2 * HOUR_MS, Math.max(2 * MINUTE_MS, tolerance))),
  };
}

function leastHistoryMs(median: number): number {
  if (median >= 6 * HOUR_MS) return 8 * DAY_MS;
  return median >= 5 * MINUTE_MS ? 25 * HOUR_MS : 2 * HOUR_MS;
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** People choose round times: the largest unit that is within a hundredth of it. */
function roundOff(value: number): number {
  for (const unit of [DAY_MS, HOUR_MS, 15 * MINUTE_MS, 5 * MINUTE_MS, MINUTE_MS]) {
    const rounded = Math.round(value / unit) * unit;
    if (rounded > 0 && Math.abs(rounded - value) <= value / 100) return rounded;
  }
  return Math.max(1_000, Math.round(value / 1_000) * 1_000);
}
