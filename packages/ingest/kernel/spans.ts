/** Walks spans from the wire into the columns of otel_traces. */
import {
  AT_END,
  DROPPED,
  DURATION,
  EVENT_DROPPED,
  EVENT_ENDS,
  EVENT_NAMES,
  EVENT_TIMES,
  EVENTS_DROPPED,
  FLAGS,
  FOUND,
  JOB_NAME,
  KEYS,
  LINK_ENDS,
  LINK_FLAGS,
  LINKS_DROPPED,
  LIST_BYTES,
  LISTS,
  MORE_WORDS,
  MOST_ROWS,
  NAMES,
  NOT_MINE,
  PARENT_SPAN_ID,
  ROLE_SPAN_KIND,
  ROWS,
  SPAN_EVENT_NAMES,
  SPAN_ID,
  SPAN_KIND,
  SPAN_NAME,
  STATUS_CODE,
  STATUS_MESSAGE,
  STOP,
  TIME,
  TRACE_ID,
  TRACE_STATE,
  VALUE_TO,
  WIDTH,
  WORDS,
} from '../src/native/kernel-layout';
import { begin, entries, forget, keep, mark, open, walkAttribute } from './attributes';
import {
  cell,
  isPast,
  keepRun,
  nameIndex,
  rowsOf,
  setIndex,
  setRows,
  setTail,
  spend,
  tail,
  widthOf,
  writeSpanId,
  writeRun,
} from './table';
import { append, appendSpanId, appendTraceId } from './text';
import { after, readLength, readVarint } from './wire';

/** Number of events of the spans that were kept. */
let events: u32 = 0;
/** Of the span that is being walked; their bytes in the columns. */
let newEvents: u32 = 0;
let eventBytes: u32 = 0;

/** Walks the spans of a `ScopeSpans` from `at` to `end`; returns where it stopped, on a field that is not its own. */
export function walkSpans(table: usize, at: usize, end: usize, limit: usize): usize {
  let row = rowsOf(table, TIME);
  const first = row;
  const last = first + load<u32>(table, MOST_ROWS);
  const firstEvent = rowsOf(table, EVENT_TIMES);
  store<u32>(table, NOT_MINE, STOP);
  open(table + LISTS);
  open(table + LISTS + LIST_BYTES);
  events = firstEvent;
  while (row < last && at < end && load<u8>(at) == 0x12) {
    const length = readLength(at + 1, end);
    if (after == 0) break;
    const next = after + length;
    if (next > limit) {
      store<u32>(table, AT_END, STOP);
      break;
    }
    if (!walkSpan(table, row, after, next)) break;
    row++;
    at = next;
  }
  store<u32>(table, row - first, ROWS);
  setRows(table, TIME, row);
  setRows(table, DURATION, row);
  setRows(table, FLAGS, row);
  setRows(table, DROPPED, row);
  setRows(table, EVENTS_DROPPED, row);
  setRows(table, LINKS_DROPPED, row);
  setRows(table, EVENT_ENDS, row);
  setRows(table, LINK_ENDS, row);
  setRows(table, SPAN_NAME, row);
  setRows(table, SPAN_KIND, row);
  setRows(table, STATUS_CODE, row);
  setRows(table, JOB_NAME, row);
  setRows(table, EVENT_TIMES, events);
  setRows(table, EVENT_NAMES, events);
  setRows(table, EVENT_DROPPED, events);
  return at;
}

/** False where the walkers have to look at it; then nothing of it is kept. */
function walkSpan(table: usize, row: u32, at: usize, end: usize): bool {
  const list = table + LISTS + LIST_BYTES;
  newEvents = 0;
  eventBytes = 0;
  mark(list);
  if (walkFields(table, row, at, end)) {
    events += newEvents;
    return true;
  }
  open(table + LISTS);
  forget(list);
  return false;
}

/** Source: opentelemetry/proto/trace/v1/trace.proto. */
function walkFields(table: usize, row: u32, at: usize, end: usize): bool {
  const list = table + LISTS;
  const valuesFrom = load<u32>(list, VALUE_TO);
  const entriesFrom = entries(list);
  let traceIdAt: usize = 0;
  let spanIdAt: usize = 0;
  let parentAt: usize = 0;
  let stateAt: usize = 0;
  let stateLength: u32 = 0;
  let nameAt: usize = 0;
  let nameLength: u32 = 0;
  let messageAt: usize = 0;
  let messageLength: u32 = 0;
  let kind: u32 = 0;
  let code: u32 = 0;
  let flags: u32 = 0;
  let startNs: i64 = 0;
  let endNs: i64 = 0;
  let dropped: u32 = 0;
  let eventsDropped: u32 = 0;
  let linksDropped: u32 = 0;
  begin(list);
  while (at < end) {
    const tag = load<u8>(at++);
    if (tag == 0x4a) {
      at = walkAttribute(list, at, end);
      if (at == 0) return false;
    } else if (tag == 0x0a) {
      if (load<u8>(at) != 16) return false;
      traceIdAt = at + 1;
      at += 17;
    } else if (tag == 0x12) {
      if (load<u8>(at) != 8) return false;
      spanIdAt = at + 1;
      at += 9;
    } else if (tag == 0x22) {
      const length = load<u8>(at);
      if (length != 8 && length != 0) return false;
      parentAt = length == 0 ? 0 : at + 1;
      at += 1 + length;
    } else if (tag == 0x2a) {
      nameLength = load<u8>(at);
      nameAt = at + 1;
      if (nameLength > 0x7f) {
        nameLength = readLength(at, end);
        if (after == 0) return false;
        nameAt = after;
      }
      at = nameAt + nameLength;
    } else if (tag == 0x30) {
      kind = load<u8>(at++);
      if (kind > 5) return false;
    } else if (tag == 0x39) {
      startNs = load<i64>(at);
      at += 8;
    } else if (tag == 0x41) {
      endNs = load<i64>(at);
      at += 8;
    } else if (tag == 0x5a) {
      const length = readLength(at, end);
      if (after == 0 || newEvents >= MOST_EVENTS) return false;
      const next = after + length;
      if (!walkEvent(table, after, next)) return false;
      at = next;
    } else if (tag == 0x7a) {
      let length: u32 = load<u8>(at++);
      if (length > 0x7f) {
        length = readLength(at - 1, end);
        if (after == 0) return false;
        at = after;
      }
      const stop = at + length;
      if (stop > end) return false;
      while (at < stop) {
        const field = load<u8>(at++);
        if (field == 0x18) {
          code = load<u8>(at++);
          if (code > 2) return false;
        } else if (field == 0x12) {
          messageLength = readLength(at, stop);
          if (after == 0) return false;
          messageAt = after;
          at = after + messageLength;
        } else return false;
      }
      if (at != stop) return false;
    } else if (tag == 0x85) {
      if (load<u8>(at) != 1) return false;
      flags = load<u32>(at + 1);
      at += 5;
    } else if (tag == 0x1a) {
      stateLength = readLength(at, end);
      if (after == 0) return false;
      stateAt = after;
      at = after + stateLength;
    } else if (tag == 0x50 || tag == 0x60 || tag == 0x70) {
      const count = <u32>readVarint(at, end);
      if (after == 0) return false;
      if (tag == 0x50) dropped = count;
      else if (tag == 0x60) eventsDropped = count;
      else linksDropped = count;
      at = after;
    } else return false;
  }
  // Whatever was read beyond the end shows here.
  if (at != end || traceIdAt == 0 || spanIdAt == 0 || startNs <= 0 || endNs <= 0) {
    return false;
  }
  if (load<u32>(list, FOUND + 4 * ROLE_SPAN_KIND) != 0 && !isPast(table, endNs)) {
    return false;
  }

  const kindIndex = load<i32>(table + (kind << 2), WORDS);
  const codeIndex = load<i32>(table + (code << 2), MORE_WORDS);
  const nameNumber = nameIndex(table, NAMES, SPAN_NAME, nameAt, nameLength);
  const traceIdTo = tail(table, TRACE_ID);
  const spanIdTo = tail(table, SPAN_ID);
  const parentTo = tail(table, PARENT_SPAN_ID);
  const stateTo = tail(table, TRACE_STATE);
  const messageTo = tail(table, STATUS_MESSAGE);
  if (
    kindIndex < 0 ||
    codeIndex < 0 ||
    nameNumber < 0 ||
    !appendTraceId(traceIdTo, traceIdAt) ||
    !appendSpanId(spanIdTo, spanIdAt)
  ) {
    return false;
  }
  const parentEnd = writeSpanId(parentTo, parentAt);
  const stateEnd = append(stateTo, stateAt, stateLength);
  const messageEnd = append(messageTo, messageAt, messageLength);
  const runBytes = writeRun(table);
  const rowBytes =
    // Both IDs, three ends, and the number of the name and of the job.
    50 +
    24 +
    widthOf(table, SPAN_NAME) +
    widthOf(table, JOB_NAME) +
    runBytes +
    <u32>(parentEnd - parentTo) +
    <u32>(stateEnd - stateTo) +
    <u32>(messageEnd - messageTo) +
    <u32>(load<u32>(list, VALUE_TO) - valuesFrom) +
    (entries(list) - entriesFrom) * load<u32>(list, KEYS + WIDTH) +
    eventBytes;
  if (stateEnd == 0 || messageEnd == 0 || runBytes == 0 || !spend(table, rowBytes)) {
    return false;
  }

  keep(list);
  keepRun(table, row);
  setTail(table, TRACE_ID, traceIdTo + 33);
  setTail(table, SPAN_ID, spanIdTo + 17);
  setTail(table, PARENT_SPAN_ID, parentEnd);
  setTail(table, TRACE_STATE, stateEnd);
  setTail(table, STATUS_MESSAGE, messageEnd);
  setIndex(table, SPAN_NAME, row, nameNumber);
  setIndex(table, SPAN_KIND, row, kindIndex);
  setIndex(table, STATUS_CODE, row, codeIndex);
  store<i64>(cell(table, TIME, row, 3), startNs);
  store<i64>(cell(table, DURATION, row, 3), endNs > startNs ? endNs - startNs : 0);
  store<u32>(cell(table, FLAGS, row, 2), flags);
  store<u32>(cell(table, DROPPED, row, 2), dropped);
  store<u32>(cell(table, EVENTS_DROPPED, row, 2), eventsDropped);
  store<u32>(cell(table, LINKS_DROPPED, row, 2), linksDropped);
  store<u64>(cell(table, EVENT_ENDS, row, 3), events + newEvents);
  store<u64>(cell(table, LINK_ENDS, row, 3), rowsOf(table, LINK_FLAGS));
  return true;
}

/** More, and the parts of a span have to be counted. */
const MOST_EVENTS: u32 = 100;
/** On the wire: less would be more events than there is room for. */
const FEWEST_EVENT_BYTES: usize = 9;

/** Writes an event behind those that are there; false where the walkers have to. */
function walkEvent(table: usize, at: usize, end: usize): bool {
  const list = table + LISTS + LIST_BYTES;
  const valuesFrom = load<u32>(list, VALUE_TO);
  const entriesFrom = entries(list);
  let timeNs: i64 = 0;
  let nameAt: usize = 0;
  let nameLength: u32 = 0;
  let dropped: u32 = 0;
  if (end - at < FEWEST_EVENT_BYTES) return false;
  begin(list);
  while (at < end) {
    const tag = load<u8>(at++);
    if (tag == 0x1a) {
      at = walkAttribute(list, at, end);
      if (at == 0) return false;
    } else if (tag == 0x09) {
      timeNs = load<i64>(at);
      at += 8;
    } else if (tag == 0x12) {
      nameLength = readLength(at, end);
      if (after == 0) return false;
      nameAt = after;
      at = after + nameLength;
    } else if (tag == 0x20) {
      dropped = <u32>readVarint(at, end);
      if (after == 0) return false;
      at = after;
    } else return false;
  }
  if (at != end || timeNs < 0) return false;
  const event = events + newEvents;
  const name = nameIndex(table, SPAN_EVENT_NAMES, EVENT_NAMES, nameAt, nameLength);
  if (name < 0) return false;
  store<i64>(cell(table, EVENT_TIMES, event, 3), timeNs);
  store<u32>(cell(table, EVENT_DROPPED, event, 2), dropped);
  eventBytes +=
    20 +
    setIndex(table, EVENT_NAMES, event, name) +
    <u32>(load<u32>(list, VALUE_TO) - valuesFrom) +
    (entries(list) - entriesFrom) * load<u32>(list, KEYS + WIDTH);
  keep(list);
  newEvents++;
  return true;
}
