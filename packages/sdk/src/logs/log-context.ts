/** Says which run a log line belongs to. */

import type { Attributes } from '@opentelemetry/api';
import { ATTR } from '@rollcall/semconv';
import { placeOf, type Place } from '../run/scope.ts';

/** What a structured log line carries. Absent is what the line is not inside of. */
export interface LogContext {
  run?: string;
  job?: string;
  client?: string;
  step?: string;
  trace_id?: string;
  span_id?: string;
}

/**
 * The run, client and step around the calling code, for the lines of any logger; empty outside any run.
 * @example
 * const log = pino({ mixin: logContext });
 */
export function logContext(): LogContext {
  return contextOf(placeOf());
}

export function contextOf(place: Place | undefined): LogContext {
  if (place === undefined) return {};
  const { attributes: stamp } = place.scope.stamp;
  const { traceId, spanId } = place.span.spanContext();
  return {
    run: String(stamp[ATTR.RUN_ID]),
    job: String(stamp[ATTR.JOB_NAME]),
    ...texts({ client: stamp[ATTR.CLIENT_ID], step: stamp[ATTR.STEP_NAME] }),
    trace_id: traceId,
    span_id: spanId,
  };
}

/** Names of the fields, which the log record need not repeat: it has columns and attributes of its own for them. */
export const CONTEXT_FIELDS: ReadonlySet<string> = new Set([
  'run',
  'job',
  'client',
  'step',
  'trace_id',
  'span_id',
]);

function texts(values: Attributes): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
