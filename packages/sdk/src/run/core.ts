/** What every run needs of the SDK it was started by. */
import type { Logger, Tracer } from '@opentelemetry/api';
import type { InstrumentationScope } from '@opentelemetry/core';
import type { Resource } from '@opentelemetry/resources';
import type { MetricDefinition } from '@rollcall/semconv';
import type { Delivery } from '../delivery/delivery.ts';
import type { Heartbeat } from '../heartbeat/heartbeat.ts';
import type { Odometers } from '../metrics/odometers.ts';
import type { Claims } from './claims.ts';
import type { ReportedErrors } from './reported-errors.ts';
import type { RunIds } from './run-ids.ts';
import type { RunCounts } from './shared-counts.ts';

export interface Core {
  readonly tracer: Tracer;
  readonly logger: Logger;
  /** Who tells Rollcall's own events. */
  readonly eventSource: { resource: Resource; instrumentationScope: InstrumentationScope };
  /** Takes log lines of the application, by who wrote them: `console`. */
  readonly logLines: (source: string) => Logger;
  readonly odometers: Odometers;
  readonly delivery: Delivery;
  readonly heartbeat: Heartbeat;
  readonly errors: ReportedErrors;
  readonly runIds: RunIds;
  readonly claims: Claims;
  /** Declared metrics, where the program declares any. */
  readonly definition: MetricDefinition | undefined;
  readonly counts: RunCounts;
}
