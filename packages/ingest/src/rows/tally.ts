/** Counts what is kept of one request, and what is refused and why. */
import type { Fault, RefusalReason } from '../otlp/fault.ts';
import { MAX_RECORDS } from '../otlp/limits.ts';

/** Records of one request that were refused for one reason. */
export interface Refusal {
  reason: RefusalReason;
  count: number;
  /** The first example: what was wrong, the value seen, what would work. */
  message: string;
}

const TOO_MANY_RECORDS: Fault = {
  reason: 'too_many_records',
  message: `More than ${MAX_RECORDS} records in one request; send smaller batches.`,
};

export class Tally {
  accepted = 0;
  /** Why no further record is taken: the rest is passed over, and counted. */
  closed: Fault | undefined;
  readonly #refused = new Map<RefusalReason, Refusal>();
  #records = 0;

  /** How many records may still come. */
  get leftRecords(): number {
    return Math.max(0, MAX_RECORDS - this.#records);
  }

  accept(count = 1): void {
    this.accepted += count;
    this.#count(count);
  }

  refuse(fault: Fault, count = 1): void {
    if (fault.reason === 'batch_too_large') this.closed ??= fault;
    this.#count(count);
    const refusal = this.#refused.get(fault.reason);
    if (refusal) refusal.count += count;
    else this.#refused.set(fault.reason, { reason: fault.reason, count, message: fault.message });
  }

  refusals(): Refusal[] {
    return [...this.#refused.values()];
  }

  #count(records: number): void {
    this.#records += records;
    if (this.#records >= MAX_RECORDS) this.closed ??= TOO_MANY_RECORDS;
  }
}
