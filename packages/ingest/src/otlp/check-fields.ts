/** Checks IDs, times and names: what decodes, but cannot be kept. */
import { quote, RecordError, type RefusalReason } from './fault.ts';
import { MAX_AHEAD_NS, MAX_NAME_LENGTH, MAX_TIME_NS } from './limits.ts';

const TRACE_ID = /^[\da-f]{32}$/;
const SPAN_ID = /^[\da-f]{16}$/;
const ZEROS = /^0*$/;

/** Refuses a trace ID that is absent, not 16 bytes, or all zero. */
export function checkTraceId(traceId: string): void {
  if (TRACE_ID.test(traceId) && !ZEROS.test(traceId)) return;
  throw new RecordError(
    'invalid_trace_id',
    `The trace ID ${quote(traceId)} is not valid; send 16 bytes (32 hex digits) that are not all zero.`,
  );
}

/** Refuses a span ID that is absent, not 8 bytes, or all zero. */
export function checkSpanId(spanId: string): void {
  if (SPAN_ID.test(spanId) && !ZEROS.test(spanId)) return;
  throw new RecordError(
    'invalid_span_id',
    `The span ID ${quote(spanId)} is not valid; send 8 bytes (16 hex digits) that are not all zero.`,
  );
}

/** A trace ID that may be absent; all zero means the same (W3C trace context). */
export function optionalTraceId(traceId: string, reason: RefusalReason = 'invalid_trace_id'): string {
  if (ZEROS.test(traceId) && (traceId === '' || traceId.length === 32)) return '';
  if (TRACE_ID.test(traceId)) return traceId;
  throw new RecordError(
    reason,
    `The trace ID ${quote(traceId)} is not valid; send 16 bytes (32 hex digits) or none.`,
  );
}

/** A span ID that may be absent; all zero means the same (W3C trace context). */
export function optionalSpanId(spanId: string, reason: RefusalReason = 'invalid_span_id'): string {
  if (ZEROS.test(spanId) && (spanId === '' || spanId.length === 16)) return '';
  if (SPAN_ID.test(spanId)) return spanId;
  throw new RecordError(
    reason,
    `The span ID ${quote(spanId)} is not valid; send 8 bytes (16 hex digits) or none.`,
  );
}

/** Refuses a time that is absent or beyond what the tables can hold. */
export function checkTime(timeNs: bigint, what: string): void {
  if (timeNs === 0n) {
    throw new RecordError('invalid_time', `The ${what} is 0; send nanoseconds since 1970-01-01 UTC.`);
  }
  checkOptionalTime(timeNs, what);
}

/** Refuses a time beyond what the tables can hold. */
export function checkOptionalTime(timeNs: bigint, what: string): void {
  if (timeNs <= MAX_TIME_NS) return;
  throw new RecordError(
    'invalid_time',
    `The ${what} ${timeNs} is after the year 2262; send nanoseconds since 1970-01-01 UTC, at most ${MAX_TIME_NS}.`,
  );
}

/**
 * Refuses a time far ahead of its arrival. What is told of a run decides what is concluded of it: an event of the next
 * century would keep a dead run alive, and the latest value of a metric for ever.
 */
export function checkRunTime(timeNs: bigint, receivedAtMs: number, what: string): void {
  const latestNs = BigInt(Math.floor(receivedAtMs)) * 1_000_000n + MAX_AHEAD_NS;
  if (timeNs <= latestNs) return;
  throw new RecordError(
    'invalid_time',
    `The ${what} ${timeNs} is more than a day ahead of its arrival; set the clock of the sender.`,
  );
}

/** Refuses a name that would swell the dictionaries of the tables. */
export function checkName(name: string, what: string): void {
  if (name.length <= MAX_NAME_LENGTH) return;
  throw new RecordError(
    'name_too_long',
    `The ${what} ${quote(name)} has ${name.length} characters; use at most ${MAX_NAME_LENGTH}.`,
  );
}
