/** Walks protobuf spans from the wire into the columns of otel_traces. */
import type { SpanWriter } from '../rows/span-writer.ts';
import { walkAttribute } from './walk-attributes.ts';
import { fieldBits, type Wire } from './wire.ts';

const SPAN_FIELDS = fieldBits(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);

/** Walks one span up to `end`. Tags and field numbers: opentelemetry/proto/trace/v1/trace.proto. */
export function walkSpan(wire: Wire, end: number, span: SpanWriter): void {
  span.begin();
  while (wire.at < end) {
    const tag = wire.tag();
    switch (tag) {
      case 0x4a:
        walkAttribute(wire, end, span.attributes);
        break;
      case 0x0a:
        span.traceIdLength = wire.slice(end);
        span.traceIdAt = wire.at - span.traceIdLength;
        break;
      case 0x12:
        span.spanIdLength = wire.slice(end);
        span.spanIdAt = wire.at - span.spanIdLength;
        break;
      case 0x1a:
        span.traceStateLength = wire.slice(end);
        span.traceStateAt = wire.at - span.traceStateLength;
        break;
      case 0x22:
        span.parentSpanIdLength = wire.slice(end);
        span.parentSpanIdAt = wire.at - span.parentSpanIdLength;
        break;
      case 0x2a:
        span.nameLength = wire.slice(end);
        span.nameAt = wire.at - span.nameLength;
        break;
      case 0x30:
        span.kind = wire.varint(end);
        break;
      case 0x39:
        wire.fixed64(end);
        span.startLow = wire.low;
        span.startHigh = wire.high;
        break;
      case 0x41:
        wire.fixed64(end);
        span.endLow = wire.low;
        span.endHigh = wire.high;
        break;
      case 0x5a:
        walkEvent(wire, wire.message(end), span);
        break;
      case 0x7a:
        walkStatus(wire, wire.message(end), span);
        break;
      default:
        walkRareField(wire, tag, end, span);
    }
  }
}

function walkRareField(wire: Wire, tag: number, end: number, span: SpanWriter): void {
  if (tag === 0x50) span.droppedAttributesCount = wire.varint(end);
  else if (tag === 0x60) span.droppedEventsCount = wire.varint(end);
  else if (tag === 0x6a) walkLink(wire, wire.message(end), span);
  else if (tag === 0x70) span.droppedLinksCount = wire.varint(end);
  else if (tag === 0x85) span.flags = wire.fixed32(end);
  else wire.skip(tag, end, SPAN_FIELDS);
}

const EVENT_FIELDS = fieldBits(1, 2, 3, 4);

function walkEvent(wire: Wire, end: number, span: SpanWriter): void {
  let low = 0;
  let high = 0;
  let nameAt = 0;
  let nameLength = 0;
  let dropped = 0;
  span.eventAttributes.begin();
  while (wire.at < end) {
    const tag = wire.tag();
    if (tag === 0x1a) walkAttribute(wire, end, span.eventAttributes);
    else if (tag === 0x09) {
      wire.fixed64(end);
      ({ low, high } = wire);
    } else if (tag === 0x12) {
      nameLength = wire.slice(end);
      nameAt = wire.at - nameLength;
    } else if (tag === 0x20) dropped = wire.varint(end);
    else wire.skip(tag, end, EVENT_FIELDS);
  }
  span.eventAttributes.end();
  span.addEvent(wire, low, high, nameAt, nameLength, dropped);
}

const LINK_FIELDS = fieldBits(1, 2, 3, 4, 5, 6);

function walkLink(wire: Wire, end: number, span: SpanWriter): void {
  let traceIdAt = 0;
  let traceIdLength = 0;
  let spanIdAt = 0;
  let spanIdLength = 0;
  let stateAt = 0;
  let stateLength = 0;
  let dropped = 0;
  let flags = 0;
  span.linkAttributes.begin();
  while (wire.at < end) {
    const tag = wire.tag();
    if (tag === 0x22) walkAttribute(wire, end, span.linkAttributes);
    else if (tag === 0x0a) {
      traceIdLength = wire.slice(end);
      traceIdAt = wire.at - traceIdLength;
    } else if (tag === 0x12) {
      spanIdLength = wire.slice(end);
      spanIdAt = wire.at - spanIdLength;
    } else if (tag === 0x1a) {
      stateLength = wire.slice(end);
      stateAt = wire.at - stateLength;
    } else if (tag === 0x28) dropped = wire.varint(end);
    else if (tag === 0x35) flags = wire.fixed32(end);
    else wire.skip(tag, end, LINK_FIELDS);
  }
  span.linkAttributes.end();
  span.addLinkTexts(wire, traceIdAt, traceIdLength, spanIdAt, spanIdLength, stateAt, stateLength);
  span.addLink(dropped, flags);
}

const STATUS_FIELDS = fieldBits(2, 3);

function walkStatus(wire: Wire, end: number, span: SpanWriter): void {
  while (wire.at < end) {
    const tag = wire.tag();
    if (tag === 0x12) {
      span.statusMessageLength = wire.slice(end);
      span.statusMessageAt = wire.at - span.statusMessageLength;
    } else if (tag === 0x18) span.statusCode = wire.varint(end);
    else wire.skip(tag, end, STATUS_FIELDS);
  }
}
