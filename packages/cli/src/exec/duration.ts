/** Reads durations as people write them. */

import { UsageError } from '../print/failure.ts';

const UNIT_MS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** Node fires a longer timer at once. */
const LONGEST_MS = 2_147_483_647;

/**
 * `90s`, `30m`, `1h30m`, `500ms`, `1d`; a bare number is seconds, as for timeout(1). Milliseconds.
 * @throws UsageError naming the option
 */
export function readDuration(option: string, text: string, exitCode = 2): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)];
  const isWhole = parts.length > 0 && parts.map(([part]) => part).join('') === text;
  const isSeconds = /^\d+(\.\d+)?$/.test(text);
  const ms = isSeconds
    ? Number(text) * 1_000
    : parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (UNIT_MS[unit ?? ''] ?? 0), 0);
  if ((isWhole || isSeconds) && ms <= LONGEST_MS) return Math.round(ms);
  throw new UsageError(
    `Unusable ${option} '${text}'; use a duration such as 90s, 30m or 1h30m, at most 24 days.`,
    { exitCode },
  );
}
