/** Walks log records from the wire into the columns of otel_logs. */
import {
  AT_END,
  BODY,
  EVENT_NAME,
  FLAGS,
  JOB_NAME,
  KEYS,
  LISTS,
  LOG_DROPPED,
  LOG_SPAN_ID,
  LOG_TRACE_ID,
  MOST_ROWS,
  NAMES,
  NOT_MINE,
  OBSERVED,
  RECEIVED_AT,
  ROWS,
  SEVERITIES,
  SEVERITY_NUMBER,
  SEVERITY_TEXT,
  STOP,
  TIME,
  VALUE_TO,
  WIDTH,
} from '../src/native/kernel-layout';
import { appendValue, begin, entries, keep, open, walkAttribute } from './attributes';
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
  writeRun,
  writeSpanId,
  writeTraceId,
} from './table';
import { after, readLength, readVarint } from './wire';

/** On the wire: less would be more rows than there is room for. */
const FEWEST_BYTES: u32 = 14;
const HIGHEST_SEVERITY: u32 = 24;
/** `rollcall.`: its first eight letters and the last. */
const ROLLCALL: u64 = 0x6c6c61636c6c6f72;
const DOT: u8 = 0x2e;

/** Walks the records of a `ScopeLogs` from `at` to `end`; returns where it stopped, on a field that is not its own. */
export function walkLogs(table: usize, at: usize, end: usize, limit: usize): usize {
  let row = rowsOf(table, TIME);
  const first = row;
  const last = first + load<u32>(table, MOST_ROWS);
  store<u32>(table, NOT_MINE, STOP);
  open(table + LISTS);
  while (row < last && at < end && load<u8>(at) == 0x12) {
    const length = readLength(at + 1, end);
    if (after == 0) break;
    const next = after + length;
    if (next > limit) {
      store<u32>(table, AT_END, STOP);
      break;
    }
    if (length < FEWEST_BYTES || !walkLog(table, row, after, next)) {
      // Forgets its attributes.
      open(table + LISTS);
      break;
    }
    row++;
    at = next;
  }
  store<u32>(table, row - first, ROWS);
  setRows(table, TIME, row);
  setRows(table, OBSERVED, row);
  setRows(table, FLAGS, row);
  setRows(table, LOG_DROPPED, row);
  setRows(table, SEVERITY_TEXT, row);
  setRows(table, SEVERITY_NUMBER, row);
  setRows(table, EVENT_NAME, row);
  setRows(table, JOB_NAME, row);
  return at;
}

/** False where the walkers have to look at it. Source: opentelemetry/proto/logs/v1/logs.proto. */
function walkLog(table: usize, row: u32, at: usize, end: usize): bool {
  const list = table + LISTS;
  const valuesFrom = load<u32>(list, VALUE_TO);
  const entriesFrom = entries(list);
  const bodyTo = tail(table, BODY);
  let bodyEnd: usize = 0;
  let timeNs: i64 = 0;
  let observedNs: i64 = 0;
  let severity: u32 = 0;
  let severityAt: usize = 0;
  let severityLength: u32 = 0;
  let nameAt: usize = 0;
  let nameLength: u32 = 0;
  let traceIdAt: usize = 0;
  let spanIdAt: usize = 0;
  let flags: u32 = 0;
  let dropped: u32 = 0;
  begin(list);
  while (at < end) {
    const tag = load<u8>(at++);
    if (tag == 0x32) {
      at = walkAttribute(list, at, end);
      if (at == 0) return false;
    } else if (tag == 0x09) {
      timeNs = load<i64>(at);
      at += 8;
    } else if (tag == 0x59) {
      observedNs = load<i64>(at);
      at += 8;
    } else if (tag == 0x10) {
      severity = load<u8>(at++);
    } else if (tag == 0x1a) {
      severityLength = readLength(at, end);
      if (after == 0) return false;
      severityAt = after;
      at = after + severityLength;
    } else if (tag == 0x2a) {
      const length = readLength(at, end);
      // The last of two bodies counts.
      if (after == 0 || bodyEnd != 0) return false;
      at = after + length;
      bodyEnd = appendValue(bodyTo, after, at);
      if (bodyEnd == 0) return false;
    } else if (tag == 0x4a) {
      const length = load<u8>(at);
      if (length != 16 && length != 0) return false;
      traceIdAt = length == 0 ? 0 : at + 1;
      at += 1 + length;
    } else if (tag == 0x52) {
      const length = load<u8>(at);
      if (length != 8 && length != 0) return false;
      spanIdAt = length == 0 ? 0 : at + 1;
      at += 1 + length;
    } else if (tag == 0x62) {
      nameLength = readLength(at, end);
      if (after == 0) return false;
      nameAt = after;
      at = after + nameLength;
    } else if (tag == 0x38) {
      dropped = <u32>readVarint(at, end);
      if (after == 0) return false;
      at = after;
    } else if (tag == 0x45) {
      flags = load<u32>(at);
      at += 4;
    } else return false;
  }
  // Whatever was read beyond the end shows here.
  if (at != end || timeNs < 0 || observedNs < 0 || severity > HIGHEST_SEVERITY) return false;
  if (observedNs == 0) observedNs = <i64>Math.floor(load<f64>(table, RECEIVED_AT)) * 1000000;
  if (timeNs == 0) timeNs = observedNs;
  if (isRollcall(nameAt, nameLength) && !isPast(table, timeNs)) return false;

  const name = nameIndex(table, NAMES, EVENT_NAME, nameAt, nameLength);
  const severityIndex = nameIndex(table, SEVERITIES, SEVERITY_TEXT, severityAt, severityLength);
  if (name < 0 || severityIndex < 0) return false;
  const traceIdTo = tail(table, LOG_TRACE_ID);
  const spanIdTo = tail(table, LOG_SPAN_ID);
  const traceIdEnd = writeTraceId(traceIdTo, traceIdAt);
  const spanIdEnd = writeSpanId(spanIdTo, spanIdAt);
  if (bodyEnd == 0) {
    store<u8>(bodyTo, 0);
    bodyEnd = bodyTo + 1;
  }
  const runBytes = writeRun(table);
  const rowBytes =
    8 +
    widthOf(table, EVENT_NAME) +
    widthOf(table, SEVERITY_TEXT) +
    widthOf(table, JOB_NAME) +
    runBytes +
    <u32>(traceIdEnd - traceIdTo) +
    <u32>(spanIdEnd - spanIdTo) +
    <u32>(bodyEnd - bodyTo) +
    <u32>(load<u32>(list, VALUE_TO) - valuesFrom) +
    (entries(list) - entriesFrom) * load<u32>(list, KEYS + WIDTH);
  if (runBytes == 0 || !spend(table, rowBytes)) return false;

  keep(list);
  keepRun(table, row);
  setTail(table, LOG_TRACE_ID, traceIdEnd);
  setTail(table, LOG_SPAN_ID, spanIdEnd);
  setTail(table, BODY, bodyEnd);
  setIndex(table, EVENT_NAME, row, name);
  setIndex(table, SEVERITY_TEXT, row, severityIndex);
  store<u8>(cell(table, SEVERITY_NUMBER, row, 0), severity);
  store<i64>(cell(table, TIME, row, 3), timeNs);
  store<i64>(cell(table, OBSERVED, row, 3), observedNs);
  store<u32>(cell(table, FLAGS, row, 2), flags);
  store<u32>(cell(table, LOG_DROPPED, row, 2), dropped);
  return true;
}

function isRollcall(at: usize, length: u32): bool {
  return length > 8 && load<u64>(at) == ROLLCALL && load<u8>(at + 8) == DOT;
}
