/** Turns OTLP spans into rows of otel_traces. */
import { ATTR } from '@rollcall/semconv';
import {
  checkName,
  checkOptionalTime,
  checkRunTime,
  checkSpanId,
  checkTime,
  checkTraceId,
  optionalSpanId,
  optionalTraceId,
} from '../../src/otlp/check-fields.ts';
import type { Origin, Span, SpanEvent, SpanLink } from '../../src/otlp/records.ts';
import { arrayJson, attributesJson, textJson, uint64Json } from './json-text.ts';
import type { RowContext } from './origin-columns.ts';
import type { Row } from './row-collector.ts';
import { runColumns } from './run-identity.ts';

const SPAN_KINDS = ['Unspecified', 'Internal', 'Server', 'Client', 'Producer', 'Consumer'];
const STATUS_CODES = ['Unset', 'Ok', 'Error'];

/** The row of one span; throws a `RecordError` where the span cannot be kept. */
export function spanRow(span: Span, origin: Origin, { receivedAtMs }: RowContext): Row {
  checkSpan(span);
  if (span.attributes.has(ATTR.SPAN_KIND)) checkRunTime(span.endNs, receivedAtMs, 'end time of a run');
  const durationNs = span.endNs > span.startNs ? span.endNs - span.startNs : 0n;
  const parentSpanId = optionalSpanId(span.parentSpanId, 'invalid_parent_span_id');
  return {
    table: 'otel_traces',
    columns:
      // A bare integer is a DateTime64's count of nanoseconds: exact, and free of time zones.
      `"Timestamp":${span.startNs},"TraceId":"${span.traceId}","SpanId":"${span.spanId}",` +
      `"ParentSpanId":"${parentSpanId}","TraceState":${textJson(span.traceState)},` +
      `"SpanName":${textJson(span.name)},"SpanKind":"${SPAN_KINDS[span.kind] ?? 'Unspecified'}",` +
      `${runColumns(span.attributes, origin.resource.attributes)},` +
      `"SpanAttributes":${attributesJson(span.attributes)},` +
      `"SpanDroppedAttributesCount":${span.droppedAttributesCount},"SpanFlags":${span.flags},` +
      `"Duration":${uint64Json(durationNs)},"StatusCode":"${STATUS_CODES[span.statusCode] ?? 'Unset'}",` +
      `"StatusMessage":${textJson(span.statusMessage)},${eventColumns(span)},${linkColumns(span)}`,
  };
}

function checkSpan(span: Span): void {
  checkTraceId(span.traceId);
  checkSpanId(span.spanId);
  checkName(span.name, 'span name');
  checkTime(span.startNs, 'start time of a span');
  checkTime(span.endNs, 'end time of a span');
  span.events.forEach(checkEvent);
}

function checkEvent(event: SpanEvent): void {
  checkName(event.name, 'event name');
  checkOptionalTime(event.timeNs, 'time of a span event');
}

function eventColumns({ events, droppedEventsCount }: Span): string {
  return (
    `"Events.Timestamp":${arrayJson(events, (event) => String(event.timeNs))},` +
    `"Events.Name":${arrayJson(events, (event) => textJson(event.name))},` +
    `"Events.Attributes":${arrayJson(events, (event) => attributesJson(event.attributes))},` +
    `"Events.DroppedAttributesCount":${arrayJson(events, (event) => String(event.droppedAttributesCount))},` +
    `"EventsDroppedCount":${droppedEventsCount}`
  );
}

function linkColumns({ links, droppedLinksCount }: Span): string {
  return (
    `"Links.TraceId":${arrayJson(links, linkedTraceId)},"Links.SpanId":${arrayJson(links, linkedSpanId)},` +
    `"Links.TraceState":${arrayJson(links, (link) => textJson(link.traceState))},` +
    `"Links.Attributes":${arrayJson(links, (link) => attributesJson(link.attributes))},` +
    `"Links.DroppedAttributesCount":${arrayJson(links, (link) => String(link.droppedAttributesCount))},` +
    `"Links.Flags":${arrayJson(links, (link) => String(link.flags))},"LinksDroppedCount":${droppedLinksCount}`
  );
}

/** A link may lack its IDs: the SDK specification keeps one for its attributes alone. */
function linkedTraceId(link: SpanLink): string {
  return `"${optionalTraceId(link.traceId, 'invalid_link')}"`;
}

function linkedSpanId(link: SpanLink): string {
  return `"${optionalSpanId(link.spanId, 'invalid_link')}"`;
}
