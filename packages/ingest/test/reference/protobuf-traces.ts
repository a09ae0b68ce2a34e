/** Decodes the spans of a protobuf `ExportTraceServiceRequest`. */
import type { RecordSink } from '../../src/otlp/fault.ts';
import { visitRecords, walkRequest } from './protobuf-origins.ts';
import type { ProtobufReader } from '../../src/otlp/protobuf-reader.ts';
import { readAttribute } from '../../src/otlp/protobuf-values.ts';
import type { Span, SpanEvent, SpanLink } from '../../src/otlp/records.ts';

/** Sends every span of `body` to `sink`; throws `MalformedBody` where the body is not OTLP. */
export function decodeProtobufTraces(body: Uint8Array, sink: RecordSink<Span>): void {
  walkRequest(body, visitRecords(sink, readSpan));
}

/** Field numbers: opentelemetry/proto/trace/v1/trace.proto. */
function readSpan(reader: ProtobufReader): Span {
  const span = emptySpan();
  let attributeCount = 0;
  while (reader.next()) {
    if (reader.fieldNumber === 9) readAttribute(reader, span.attributes, ++attributeCount);
    else if (reader.fieldNumber === 1) span.traceId = reader.id();
    else if (reader.fieldNumber === 2) span.spanId = reader.id();
    else if (reader.fieldNumber === 3) span.traceState = reader.string();
    else if (reader.fieldNumber === 4) span.parentSpanId = reader.id();
    else if (reader.fieldNumber === 5) span.name = reader.string();
    else if (reader.fieldNumber === 6) span.kind = reader.int32();
    else if (reader.fieldNumber === 7) span.startNs = reader.fixed64();
    else if (reader.fieldNumber === 8) span.endNs = reader.fixed64();
    else if (reader.fieldNumber === 10) span.droppedAttributesCount = reader.uint32();
    else if (reader.fieldNumber === 11) span.events.push(reader.message(readEvent));
    else if (reader.fieldNumber === 12) span.droppedEventsCount = reader.uint32();
    else if (reader.fieldNumber === 13) span.links.push(reader.message(readLink));
    else if (reader.fieldNumber === 14) span.droppedLinksCount = reader.uint32();
    else if (reader.fieldNumber === 15) reader.message((status) => readStatusInto(status, span));
    else if (reader.fieldNumber === 16) span.flags = reader.fixed32();
    else reader.skip();
  }
  return span;
}

function emptySpan(): Span {
  return {
    traceId: '',
    spanId: '',
    parentSpanId: '',
    traceState: '',
    flags: 0,
    name: '',
    kind: 0,
    startNs: 0n,
    endNs: 0n,
    attributes: new Map(),
    droppedAttributesCount: 0,
    events: [],
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    statusCode: 0,
    statusMessage: '',
  };
}

function readEvent(reader: ProtobufReader): SpanEvent {
  const event: SpanEvent = { timeNs: 0n, name: '', attributes: new Map(), droppedAttributesCount: 0 };
  let attributeCount = 0;
  while (reader.next()) {
    if (reader.fieldNumber === 1) event.timeNs = reader.fixed64();
    else if (reader.fieldNumber === 2) event.name = reader.string();
    else if (reader.fieldNumber === 3) readAttribute(reader, event.attributes, ++attributeCount);
    else if (reader.fieldNumber === 4) event.droppedAttributesCount = reader.uint32();
    else reader.skip();
  }
  return event;
}

function readLink(reader: ProtobufReader): SpanLink {
  const link: SpanLink = {
    traceId: '',
    spanId: '',
    traceState: '',
    attributes: new Map(),
    droppedAttributesCount: 0,
    flags: 0,
  };
  let attributeCount = 0;
  while (reader.next()) {
    if (reader.fieldNumber === 1) link.traceId = reader.id();
    else if (reader.fieldNumber === 2) link.spanId = reader.id();
    else if (reader.fieldNumber === 3) link.traceState = reader.string();
    else if (reader.fieldNumber === 4) readAttribute(reader, link.attributes, ++attributeCount);
    else if (reader.fieldNumber === 5) link.droppedAttributesCount = reader.uint32();
    else if (reader.fieldNumber === 6) link.flags = reader.fixed32();
    else reader.skip();
  }
  return link;
}

function readStatusInto(reader: ProtobufReader, span: Span): void {
  while (reader.next()) {
    if (reader.fieldNumber === 2) span.statusMessage = reader.string();
    else if (reader.fieldNumber === 3) span.statusCode = reader.int32();
    else reader.skip();
  }
}
