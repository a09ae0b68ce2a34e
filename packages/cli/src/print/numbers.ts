/** Writes numbers and times for people. */

/** 118440 → `118,440`; up to 6 digits behind the point. */
export function drawNumber(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: 6 });
}

/** 950 → `950 ms`, 61500 → `1 min 2 s`. */
export function drawDuration(ms: number | null): string {
  if (ms === null) return '';
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
}

/** `2026-11-23T10:00:05.123456Z` → `2026-11-23 10:00:05`. */
export function drawTime(time: string | null): string {
  return time === null ? '' : time.slice(0, 19).replace('T', ' ');
}

/** `1 client`, `2 clients`. */
export function plural(count: number, noun: string): string {
  return `${drawNumber(count)} ${noun}${count === 1 ? '' : 's'}`;
}
