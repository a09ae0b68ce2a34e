/** Tells the time in nanoseconds, and orders times. */
import type { HrTime } from '@opentelemetry/api';

/**
 * The wall clock with the resolution of the monotonic one.
 * It follows the wall clock when that is set or the machine slept, which OpenTelemetry's `hrTime` does not.
 */
export function now(): HrTime {
  const wallMs = Date.now();
  const sinceAnchorMs = performance.now() - anchor.monotonicMs;
  const epochMs = anchor.wallMs + sinceAnchorMs;
  if (Math.abs(wallMs - epochMs) <= MAX_DRIFT_MS) return toHrTime(epochMs);
  anchor = { wallMs, monotonicMs: performance.now() };
  return toHrTime(wallMs);
}

const MAX_DRIFT_MS = 20;
let anchor = { wallMs: 0, monotonicMs: 0 };

function toHrTime(epochMs: number): HrTime {
  const seconds = Math.floor(epochMs / 1000);
  return [seconds, Math.floor((epochMs - seconds * 1000) * 1e6)];
}

/** The later of two times. */
export function laterOf(a: HrTime, b: HrTime): HrTime {
  return a[0] > b[0] || (a[0] === b[0] && a[1] >= b[1]) ? a : b;
}

/** A time, or the first after another if it is not later than that. */
export function laterThan(other: HrTime, time: HrTime): HrTime {
  return time[0] > other[0] || (time[0] === other[0] && time[1] > other[1]) ? time : justAfter(other);
}

/** One nanosecond after a time. */
export function justAfter(time: HrTime): HrTime {
  return time[1] === 999_999_999 ? [time[0] + 1, 0] : [time[0], time[1] + 1];
}

/** Milliseconds since 1970, fractions dropped. */
export function toEpochMs(time: HrTime): number {
  return time[0] * 1000 + Math.floor(time[1] / 1e6);
}
