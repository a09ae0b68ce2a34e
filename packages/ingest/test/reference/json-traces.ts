/** Decodes the spans of an OTLP/JSON `ExportTraceServiceRequest`. */
import type { RecordSink } from '../../src/otlp/fault.ts';
import type { JsonObject } from '../../src/otlp/json-body.ts';
import {
  idOf,
  int32Of,
  listOf,
  objectOf,
  textOf,
  toObject,
  uint32Of,
  uint64Of,
} from '../../src/otlp/json-fields.ts';
import { visitJsonRecords, walkJsonRequest } from './json-origins.ts';
import { attributesOf } from '../../src/otlp/json-values.ts';
import type { Span, SpanEvent, SpanLink } from '../../src/otlp/records.ts';

/** Sends every span of `body` to `sink`; throws `MalformedBody` where the body is not OTLP. */
export function decodeJsonTraces(body: Uint8Array, sink: RecordSink<Span>): void {
  const shape = { resources: 'resourceSpans', scopes: 'scopeSpans', records: 'spans' } as const;
  walkJsonRequest(body, shape, visitJsonRecords(sink, toSpan));
}

function toSpan(object: JsonObject): Span {
  const status = objectOf(object, 'status');
  return {
    traceId: idOf(object, 'traceId'),
    spanId: idOf(object, 'spanId'),
    parentSpanId: idOf(object, 'parentSpanId'),
    traceState: textOf(object, 'traceState'),
    flags: uint32Of(object, 'flags'),
    name: textOf(object, 'name'),
    kind: int32Of(object, 'kind'),
    startNs: uint64Of(object, 'startTimeUnixNano'),
    endNs: uint64Of(object, 'endTimeUnixNano'),
    attributes: attributesOf(object),
    droppedAttributesCount: uint32Of(object, 'droppedAttributesCount'),
    events: listOf(object, 'events').map(toEvent),
    droppedEventsCount: uint32Of(object, 'droppedEventsCount'),
    links: listOf(object, 'links').map(toLink),
    droppedLinksCount: uint32Of(object, 'droppedLinksCount'),
    statusCode: int32Of(status, 'code'),
    statusMessage: textOf(status, 'message'),
  };
}

function toEvent(value: unknown): SpanEvent {
  const object = toObject(value, 'events');
  return {
    timeNs: uint64Of(object, 'timeUnixNano'),
    name: textOf(object, 'name'),
    attributes: attributesOf(object),
    droppedAttributesCount: uint32Of(object, 'droppedAttributesCount'),
  };
}

function toLink(value: unknown): SpanLink {
  const object = toObject(value, 'links');
  return {
    traceId: idOf(object, 'traceId'),
    spanId: idOf(object, 'spanId'),
    traceState: textOf(object, 'traceState'),
    attributes: attributesOf(object),
    droppedAttributesCount: uint32Of(object, 'droppedAttributesCount'),
    flags: uint32Of(object, 'flags'),
  };
}
