/** Checks times and names while they are still numbers and bytes. */
import { MAX_NAME_LENGTH } from '../otlp/limits.ts';
import { checkName, checkOptionalTime, checkRunTime, checkTime } from '../otlp/check-fields.ts';
import type { Source } from '../native/source.ts';

/** A 64-bit number from its two halves. */
function toBigInt(low: number, high: number): bigint {
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

/** Refuses a time that is absent or beyond what the tables can hold. */
export function checkTimeHalves(low: number, high: number, what: string): void {
  if (high < 0 || (low | high) === 0) checkTime(toBigInt(low, high), what);
}

/** Refuses a time beyond what the tables can hold. */
export function checkOptionalTimeHalves(low: number, high: number, what: string): void {
  if (high < 0) checkOptionalTime(toBigInt(low, high), what);
}

/** Refuses a time far ahead of its arrival. */
export function checkRunTimeHalves(low: number, high: number, receivedAtMs: number, what: string): void {
  // 2^32 ns are 4.3 s: only what is about a day ahead is looked at exactly.
  if ((high >>> 0) * 4294.967296 < receivedAtMs) return;
  checkRunTime(toBigInt(low, high), receivedAtMs, what);
}

/** Refuses a name that would swell the dictionaries of the tables. */
export function checkNameSlice(source: Source, at: number, length: number, what: string): void {
  if (length > MAX_NAME_LENGTH) checkName(source.text(at, length), what);
}
