/** Marks log records with the run they belong to, and hands them to the outbox. */
import type { Context } from '@opentelemetry/api';
import type { LogRecordProcessor, ReadWriteLogRecord } from '@opentelemetry/sdk-logs';
import { ATTR } from '@rollcall/semconv';
import type { Delivery } from '../delivery/delivery.ts';
import { scopeOf } from '../run/scope.ts';

/** Stamps every log record that is emitted inside a run, whoever emits it. */
export class StampingLogRecordProcessor implements LogRecordProcessor {
  readonly #delivery: Delivery;
  readonly #onlyRuns: boolean;

  /** With `onlyRuns`, records outside any run are left to the application's own exporter. */
  constructor(delivery: Delivery, { onlyRuns }: { onlyRuns: boolean }) {
    this.#delivery = delivery;
    this.#onlyRuns = onlyRuns;
  }

  onEmit(record: ReadWriteLogRecord, emittedIn?: Context): void {
    // Rollcall's own events carry their run already.
    if (record.eventName?.startsWith('rollcall.') === true && record.attributes[ATTR.RUN_ID] !== undefined) {
      this.#delivery.events.add(record);
      return;
    }
    const scope = scopeOf(emittedIn);
    if (scope !== undefined) record.setAttributes(scope.stamp.attributes);
    else if (this.#onlyRuns) return;
    this.#delivery.logs.add(record);
  }

  async forceFlush(): Promise<void> {
    await this.#delivery.logs.flush(FLUSH_MS);
  }

  async shutdown(): Promise<void> {
    await this.forceFlush();
  }
}

const FLUSH_MS = 5_000;
