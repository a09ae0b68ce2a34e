/** Marks spans with the run they belong to, and hands them to the outbox. */
import { TraceFlags, type Context } from '@opentelemetry/api';
import type { ReadableSpan, Span, SpanProcessor } from '@opentelemetry/sdk-trace';
import { ATTR } from '@rollcall/semconv';
import type { Delivery } from '../delivery/delivery.ts';
import { scopeOf } from '../run/scope.ts';
import { STAMP, type Stamped } from './stamp.ts';

/** Stamps every span that starts inside a run, whoever starts it. */
export class StampingSpanProcessor implements SpanProcessor {
  readonly #delivery: Delivery;
  readonly #onlyRuns: boolean;

  /** With `onlyRuns`, spans outside any run are left to the application's own exporter. */
  constructor(delivery: Delivery, { onlyRuns }: { onlyRuns: boolean }) {
    this.#delivery = delivery;
    this.#onlyRuns = onlyRuns;
  }

  onStart(span: Span, parentContext: Context): void {
    const scope = scopeOf(parentContext);
    if (scope === undefined) return;
    // The application's exporters do not know of stamps.
    if (this.#onlyRuns) span.setAttributes(scope.stamp.attributes);
    else (span as Stamped)[STAMP] = scope.stamp;
  }

  onEnd(span: ReadableSpan): void {
    if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return;
    if (this.#onlyRuns && span.attributes[ATTR.RUN_ID] === undefined) return;
    this.#delivery.spans.add(span);
  }

  async forceFlush(): Promise<void> {
    await this.#delivery.spans.flush(FLUSH_MS);
  }

  /** Nothing to do: the outbox belongs to Rollcall, which outlives a provider. */
  async shutdown(): Promise<void> {
    await this.forceFlush();
  }
}

const FLUSH_MS = 5_000;
