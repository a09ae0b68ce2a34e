/** Walks the points of gauges and sums from the wire into the columns of their tables. */
import {
  AT_END,
  EXEMPLAR_ENDS,
  EXEMPLAR_TIMES,
  FLAGS,
  FOUND,
  JOB_NAME,
  KEYS,
  LISTS,
  MOST_ROWS,
  NOT_MINE,
  ROLE_RUN_ID,
  ROWS,
  START,
  STOP,
  TIME,
  VALUE,
  VALUE_TO,
  WIDTH,
} from '../src/native/kernel-layout';
import { begin, entries, keep, open, walkAttribute } from './attributes';
import { cell, isPast, keepRun, rowsOf, setRows, spend, widthOf, writeRun } from './table';
import { after, readLength, readVarint } from './wire';

/** Flag of a point that has no value, and so makes no row. */
const NO_RECORDED_VALUE: u32 = 1;

/** Walks the points of a `Gauge` or `Sum` from `at` to `end`; returns where it stopped, on a field that is not its own. */
export function walkNumberPoints(table: usize, at: usize, end: usize, limit: usize): usize {
  let row = rowsOf(table, TIME);
  const first = row;
  const last = first + load<u32>(table, MOST_ROWS);
  store<u32>(table, NOT_MINE, STOP);
  open(table + LISTS);
  while (row < last && at < end && load<u8>(at) == 0x0a) {
    const length = readLength(at + 1, end);
    if (after == 0) break;
    const next = after + length;
    if (next > limit) {
      store<u32>(table, AT_END, STOP);
      break;
    }
    if (!walkPoint(table, row, after, next)) {
      // Forgets its attributes.
      open(table + LISTS);
      break;
    }
    row++;
    at = next;
  }
  store<u32>(table, row - first, ROWS);
  setRows(table, TIME, row);
  setRows(table, START, row);
  setRows(table, FLAGS, row);
  setRows(table, VALUE, row);
  setRows(table, EXEMPLAR_ENDS, row);
  setRows(table, JOB_NAME, row);
  return at;
}

/** False where the walkers have to look at it. Source: opentelemetry/proto/metrics/v1/metrics.proto. */
function walkPoint(table: usize, row: u32, at: usize, end: usize): bool {
  const list = table + LISTS;
  const valuesFrom = load<u32>(list, VALUE_TO);
  const entriesFrom = entries(list);
  let startNs: i64 = 0;
  let timeNs: i64 = 0;
  let value: f64 = 0;
  let hasValue = false;
  let flags: u32 = 0;
  begin(list);
  while (at < end) {
    const tag = load<u8>(at++);
    if (tag == 0x3a) {
      at = walkAttribute(list, at, end);
      if (at == 0) return false;
    } else if (tag == 0x11) {
      startNs = load<i64>(at);
      at += 8;
    } else if (tag == 0x19) {
      timeNs = load<i64>(at);
      at += 8;
    } else if (tag == 0x21) {
      value = load<f64>(at);
      hasValue = true;
      at += 8;
    } else if (tag == 0x31) {
      value = <f64>load<i64>(at);
      hasValue = true;
      at += 8;
    } else if (tag == 0x40) {
      flags = <u32>readVarint(at, end);
      if (after == 0) return false;
      at = after;
    } else return false;
  }
  // Whatever was read beyond the end shows here.
  if (at != end || timeNs <= 0 || startNs < 0 || !hasValue || (flags & NO_RECORDED_VALUE) != 0) return false;
  if (load<u32>(list, FOUND + 4 * ROLE_RUN_ID) != 0 && !isPast(table, timeNs)) return false;

  const runBytes = writeRun(table);
  const rowBytes =
    // The ends of two lists.
    16 +
    widthOf(table, JOB_NAME) +
    runBytes +
    <u32>(load<u32>(list, VALUE_TO) - valuesFrom) +
    (entries(list) - entriesFrom) * load<u32>(list, KEYS + WIDTH);
  if (runBytes == 0 || !spend(table, rowBytes)) return false;

  keep(list);
  keepRun(table, row);
  store<i64>(cell(table, START, row, 3), startNs);
  store<i64>(cell(table, TIME, row, 3), timeNs);
  store<f64>(cell(table, VALUE, row, 3), value);
  store<u32>(cell(table, FLAGS, row, 2), flags);
  store<u64>(cell(table, EXEMPLAR_ENDS, row, 3), rowsOf(table, EXEMPLAR_TIMES));
  return true;
}
