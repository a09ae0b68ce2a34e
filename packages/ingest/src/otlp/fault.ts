/** Says what is wrong with one record, or with a whole body. */
import { MAX_ROW_BYTES } from './limits.ts';
import type { Origin } from './records.ts';

/** Why a record was refused: stable codes, counted by ingest. */
export type RefusalReason =
  | 'batch_too_large'
  | 'empty_attribute_key'
  | 'invalid_buckets'
  | 'invalid_client_id'
  | 'invalid_exemplar'
  | 'invalid_job_name'
  | 'invalid_link'
  | 'invalid_parent_span_id'
  | 'invalid_run_id'
  | 'invalid_severity'
  | 'invalid_span_id'
  | 'invalid_time'
  | 'invalid_trace_id'
  | 'invalid_utf8'
  | 'malformed_record'
  | 'missing_metric_kind'
  | 'missing_metric_name'
  | 'missing_value'
  | 'name_too_long'
  | 'record_too_large'
  | 'too_many_attributes'
  | 'too_many_records'
  | 'value_too_deep';

/** One record that cannot be kept, and why. */
export interface Fault {
  reason: RefusalReason;
  /** What was wrong, the value seen, and what would work. */
  message: string;
}

/** Unwinds the decoding of one record; the batch goes on. Has no stack: taking one costs more than the record. */
export class RecordError extends Error implements Fault {
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, message: string, options?: ErrorOptions) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(message, options);
    Error.stackTraceLimit = stackTraceLimit;
    this.name = 'RecordError';
    this.reason = reason;
  }
}

/** Unwinds the decoding of a body that is not OTLP; nothing of it is kept. */
export class MalformedBody extends Error {
  readonly code = 'malformed';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'MalformedBody';
  }
}

/** Where decoded records go. A decoder calls `record` or `fault` once per record of the body. */
export interface RecordSink<Item> {
  record(origin: Origin, item: Item): void;
  fault(fault: Fault, count?: number): void;
  /** Why no further record is taken; a decoder then passes over the rest instead of reading it. */
  closed(): Fault | undefined;
}

/** The fault of a record whose row would be too long. */
export const RECORD_TOO_LARGE: Fault = {
  reason: 'record_too_large',
  message: `A record makes a row of more than ${MAX_ROW_BYTES} bytes; send less in one record.`,
};

/** Runs a decoder on one record, and turns what is wrong with that record into a value. */
export function contain<Item>(decode: () => Item): { item: Item } | { fault: Fault } {
  try {
    return { item: decode() };
  } catch (error) {
    if (error instanceof RecordError) return { fault: error };
    // Escaping can make a text longer than the longest string that Node can hold.
    if (error instanceof RangeError) return { fault: RECORD_TOO_LARGE };
    throw error;
  }
}

/** Quotes a value for a message: short, and on one line. */
export function quote(value: string): string {
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
}
