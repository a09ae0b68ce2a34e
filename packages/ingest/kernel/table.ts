/** What the tables share: their regions, and the columns that say to which run a record belongs. */
import {
  AT,
  CLIENT_ID,
  CLIENT_ID_AT,
  CLIENT_ID_LENGTH,
  DICTIONARIES,
  DICTIONARY_BYTES,
  FOUND,
  FOUND_AT,
  FOUND_LENGTH,
  FOUND_OTHER,
  FOUND_TEXT,
  JOB_INDEX,
  JOB_NAME,
  JOB_NAMES,
  LEFT_BYTES,
  LISTS,
  LONGEST_IDENTITY,
  LONGEST_NAME,
  MAX_ROW,
  RECEIVED_AT,
  REGION_BYTES,
  REGIONS,
  ROLE_CLIENT_ID,
  ROLE_JOB_NAME,
  ROLE_RUN_ID,
  RUN_ID,
  RUN_ID_AT,
  RUN_ID_LENGTH,
  SHARED_BYTES,
  WIDTH,
} from '../src/native/kernel-layout';
import { findOrAdd } from './dictionary';
import { append, appendSpanId, appendTraceId, isPrintable } from './text';

/** The place of a row in a column of fixed width. */
export function cell(table: usize, region: u32, row: u32, shift: u32): usize {
  return load<u32>(table + region * REGION_BYTES, REGIONS) + (row << shift);
}

/** Where the next text of a column goes. */
export function tail(table: usize, region: u32): usize {
  const place = table + region * REGION_BYTES;
  return load<u32>(place, REGIONS) + load<u32>(place, REGIONS + AT);
}

/** Says where the texts of a column end now. */
export function setTail(table: usize, region: u32, end: usize): void {
  const place = table + region * REGION_BYTES;
  store<u32>(place, end - load<u32>(place, REGIONS), REGIONS + AT);
}

/** Says how many rows a column of fixed width has. */
export function setRows(table: usize, region: u32, rows: u32): void {
  store<u32>(table + region * REGION_BYTES, rows, REGIONS + AT);
}

export function rowsOf(table: usize, region: u32): u32 {
  return load<u32>(table + region * REGION_BYTES, REGIONS + AT);
}

/** Bytes of a value of a column. */
export function widthOf(table: usize, region: u32): u32 {
  return load<u32>(table + region * REGION_BYTES, REGIONS + WIDTH);
}

/** Whether the number of a text is small enough for the column. */
function fits(table: usize, region: u32, index: i32): bool {
  const width = load<u32>(table + region * REGION_BYTES, REGIONS + WIDTH);
  return index >= 0 && (index <= 0xff || width == 4 || (width == 2 && index <= 0xffff));
}

/** Writes the number of a text; returns the bytes that it takes. */
export function setIndex(table: usize, region: u32, row: u32, index: i32): u32 {
  const place = table + region * REGION_BYTES;
  const width = load<u32>(place, REGIONS + WIDTH);
  const at = load<u32>(place, REGIONS) + row * width;
  if (width == 1) store<u8>(at, index);
  else if (width == 2) store<u16>(at, index);
  else store<u32>(at, index);
  return width;
}

/** The number of a name in the dictionary of its column, -1 where the walkers have to look at it. */
export function nameIndex(table: usize, dictionary: u32, region: u32, at: usize, length: u32): i32 {
  if (length > <u32>LONGEST_NAME) return -1;
  const index = findOrAdd(table + DICTIONARIES + dictionary * DICTIONARY_BYTES, at, length);
  return fits(table, region, index) ? index : -1;
}

/** Where the texts of the run end that `writeRun` wrote, and the number of the job's name. */
let runIdEnd: usize = 0;
let clientIdEnd: usize = 0;
let jobIndex: i32 = 0;

/** Writes the run without keeping it; returns its bytes, 0 where the walkers have to look at it. */
export function writeRun(table: usize): u32 {
  const list = table + LISTS;
  const runIdAt = tail(table, RUN_ID);
  const clientIdAt = tail(table, CLIENT_ID);
  runIdEnd = writeIdentity(
    list,
    ROLE_RUN_ID,
    runIdAt,
    load<u32>(table, RUN_ID_AT),
    load<u32>(table, RUN_ID_LENGTH),
  );
  clientIdEnd = writeIdentity(
    list,
    ROLE_CLIENT_ID,
    clientIdAt,
    load<u32>(table, CLIENT_ID_AT),
    load<u32>(table, CLIENT_ID_LENGTH),
  );
  jobIndex = load<i32>(table, JOB_INDEX);
  const found = load<u32>(list, FOUND + 4 * ROLE_JOB_NAME);
  if (found >= <u32>FOUND_TEXT) {
    const at = load<u32>(list, FOUND_AT + 4 * ROLE_JOB_NAME);
    const length = load<u32>(list, FOUND_LENGTH + 4 * ROLE_JOB_NAME);
    if (found == FOUND_OTHER || !isIdentity(at, length)) return 0;
    jobIndex = nameIndex(table, JOB_NAMES, JOB_NAME, at, length);
  }
  if (runIdEnd == 0 || clientIdEnd == 0 || !fits(table, JOB_NAME, jobIndex)) return 0;
  return <u32>(runIdEnd - runIdAt + clientIdEnd - clientIdAt);
}

/** Keeps what `writeRun` wrote. */
export function keepRun(table: usize, row: u32): u32 {
  setTail(table, RUN_ID, runIdEnd);
  setTail(table, CLIENT_ID, clientIdEnd);
  return setIndex(table, JOB_NAME, row, jobIndex);
}

/** The record's own text, or else that of its resource. */
function writeIdentity(list: usize, role: u32, to: usize, resourceAt: usize, resourceLength: u32): usize {
  const found = load<u32>(list + (role << 2), FOUND);
  if (found < <u32>FOUND_TEXT) {
    if (resourceLength != 0) return append(to, resourceAt, resourceLength);
    store<u8>(to, 0);
    return to + 1;
  }
  const at = load<u32>(list + (role << 2), FOUND_AT);
  const length = load<u32>(list + (role << 2), FOUND_LENGTH);
  return found == FOUND_TEXT && isIdentity(at, length) ? append(to, at, length) : 0;
}

/** Other identities may be good as well; the walkers know. */
function isIdentity(at: usize, length: u32): bool {
  return length > 0 && length <= <u32>LONGEST_IDENTITY && isPrintable(at, length);
}

/** Whether a time is far from the future: 2^32 ns are 4.3 s. */
export function isPast(table: usize, timeNs: i64): bool {
  return <f64>(timeNs >> 32) * 4294.967296 < load<f64>(table, RECEIVED_AT);
}

/** Whether there is room for a row of so many bytes besides those that it shares; if so, it is taken. */
export function spend(table: usize, sizeBytes: u32): bool {
  const whole = <f64>sizeBytes + load<f64>(table, SHARED_BYTES);
  const left = load<f64>(table, LEFT_BYTES);
  if (whole > <f64>MAX_ROW || whole > left) return false;
  store<f64>(table, left - whole, LEFT_BYTES);
  return true;
}

/** Writes an ID that may be absent: all zero is none. Returns where it ends. */
export function writeTraceId(to: usize, at: usize): usize {
  if (at != 0 && appendTraceId(to, at)) return to + 33;
  store<u8>(to, 0);
  return to + 1;
}

/** Writes an ID that may be absent: all zero is none. Returns where it ends. */
export function writeSpanId(to: usize, at: usize): usize {
  if (at != 0 && appendSpanId(to, at)) return to + 17;
  store<u8>(to, 0);
  return to + 1;
}
