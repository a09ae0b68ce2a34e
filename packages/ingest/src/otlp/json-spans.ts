/** Walks OTLP/JSON spans from the tape into the columns of otel_traces. */
import type { SpanWriter } from '../rows/span-writer.ts';
import { walkJsonAttributes } from './json-attributes.ts';
import { FieldNames } from './json-names.ts';
import type { JsonTape } from './json-tape.ts';
import { checkObject, int32, listToken, objectToken, textToken, uint32, uint64 } from './json-tokens.ts';

const SPAN = new FieldNames([
  'traceId',
  'spanId',
  'parentSpanId',
  'traceState',
  'flags',
  'name',
  'kind',
  'startTimeUnixNano',
  'endTimeUnixNano',
  'attributes',
  'droppedAttributesCount',
  'events',
  'droppedEventsCount',
  'links',
  'droppedLinksCount',
  'status',
]);
const STATUS = new FieldNames(['code', 'message']);

/** Walks one span; `token` is an object. */
export function walkJsonSpan(tape: JsonTape, token: number, span: SpanWriter): void {
  span.begin();
  SPAN.collect(tape, token);
  walkStatus(tape, objectToken(tape, SPAN, 15), span);
  walkTexts(tape, span);
  span.flags = uint32(tape, SPAN, 4);
  span.kind = int32(tape, SPAN, 6);
  uint64(tape, SPAN, 7);
  span.startLow = tape.low;
  span.startHigh = tape.high;
  uint64(tape, SPAN, 8);
  span.endLow = tape.low;
  span.endHigh = tape.high;
  span.droppedAttributesCount = uint32(tape, SPAN, 10);
  span.droppedEventsCount = uint32(tape, SPAN, 12);
  span.droppedLinksCount = uint32(tape, SPAN, 14);
  walkJsonAttributes(tape, listToken(tape, SPAN, 9), span.attributes);
  walkItems(tape, listToken(tape, SPAN, 11), 'events', (item) => walkEvent(tape, item, span));
  walkItems(tape, listToken(tape, SPAN, 13), 'links', (item) => walkLink(tape, item, span));
}

function walkTexts(tape: JsonTape, span: SpanWriter): void {
  let text = textToken(tape, SPAN, 0);
  span.traceIdAt = tape.starts[text] as number;
  span.traceIdLength = lengthOf(tape, text);
  text = textToken(tape, SPAN, 1);
  span.spanIdAt = tape.starts[text] as number;
  span.spanIdLength = lengthOf(tape, text);
  text = textToken(tape, SPAN, 2);
  span.parentSpanIdAt = tape.starts[text] as number;
  span.parentSpanIdLength = lengthOf(tape, text);
  text = textToken(tape, SPAN, 3);
  span.traceStateAt = tape.starts[text] as number;
  span.traceStateLength = lengthOf(tape, text);
  text = textToken(tape, SPAN, 5);
  span.nameAt = tape.starts[text] as number;
  span.nameLength = lengthOf(tape, text);
}

function walkStatus(tape: JsonTape, token: number, span: SpanWriter): void {
  if (token === 0) return;
  STATUS.collect(tape, token);
  span.statusCode = int32(tape, STATUS, 0);
  const message = textToken(tape, STATUS, 1);
  span.statusMessageAt = tape.starts[message] as number;
  span.statusMessageLength = lengthOf(tape, message);
}

const EVENT = new FieldNames(['timeUnixNano', 'name', 'attributes', 'droppedAttributesCount']);

function walkEvent(tape: JsonTape, token: number, span: SpanWriter): void {
  EVENT.collect(tape, token);
  uint64(tape, EVENT, 0);
  const { low, high } = tape;
  const name = textToken(tape, EVENT, 1);
  const dropped = uint32(tape, EVENT, 3);
  span.eventAttributes.begin();
  walkJsonAttributes(tape, listToken(tape, EVENT, 2), span.eventAttributes);
  span.eventAttributes.end();
  span.addEvent(tape, low, high, tape.starts[name] as number, lengthOf(tape, name), dropped);
}

const LINK = new FieldNames([
  'traceId',
  'spanId',
  'traceState',
  'attributes',
  'droppedAttributesCount',
  'flags',
]);

function walkLink(tape: JsonTape, token: number, span: SpanWriter): void {
  LINK.collect(tape, token);
  const traceId = textToken(tape, LINK, 0);
  const spanId = textToken(tape, LINK, 1);
  const state = textToken(tape, LINK, 2);
  const dropped = uint32(tape, LINK, 4);
  const flags = uint32(tape, LINK, 5);
  span.linkAttributes.begin();
  walkJsonAttributes(tape, listToken(tape, LINK, 3), span.linkAttributes);
  span.linkAttributes.end();
  span.addLinkTexts(
    tape,
    tape.starts[traceId] as number,
    lengthOf(tape, traceId),
    tape.starts[spanId] as number,
    lengthOf(tape, spanId),
    tape.starts[state] as number,
    lengthOf(tape, state),
  );
  span.addLink(dropped, flags);
}

/** Walks the objects of a list. */
export function walkItems(tape: JsonTape, list: number, name: string, walk: (item: number) => void): void {
  if (list === 0) return;
  const end = tape.nexts[list] as number;
  for (let item = list + 1; item < end; item = tape.nexts[item] as number) {
    checkObject(tape, item, name);
    walk(item);
  }
}

/** Bytes of a text, 0 where it is absent. */
export function lengthOf(tape: JsonTape, token: number): number {
  return token === 0 ? 0 : tape.length(token);
}
