/** Walks attributes from the wire into a map column. */
import {
  AT,
  COUNT,
  FOUND,
  FOUND_AT,
  FOUND_EMPTY,
  FOUND_LENGTH,
  FOUND_OTHER,
  FOUND_TEXT,
  GUESS_COUNT,
  GUESSES,
  KEY_DICTIONARY,
  KEY_TO,
  KEYS,
  KNOWN_KEYS,
  MARKS,
  POSITION,
  ROLES,
  SEEN,
  STAMP,
  VALUE_TO,
  VALUES,
  WIDTH,
} from '../src/native/kernel-layout';
import { find, isText } from './dictionary';
import { append, appendInt, copy, isUtf8 } from './text';
import { after, readLength, readVarint } from './wire';

/** Starts a list. Until `keep`, nothing of it counts. */
export function begin(list: usize): void {
  store<u32>(list, load<u32>(list, STAMP) + 1, STAMP);
  store<u32>(list, 0, POSITION);
  store<u64>(list, 0, FOUND + 4);
  store<u64>(list, 0, FOUND + 12);
}

/** Says where the first list is written. */
export function open(list: usize): void {
  store<u32>(list, load<u32>(list, VALUES) + load<u32>(list, VALUES + AT), VALUE_TO);
  store<u32>(
    list,
    load<u32>(list, KEYS) + load<u32>(list, KEYS + AT) * load<u32>(list, KEYS + WIDTH),
    KEY_TO,
  );
}

/** Number of keys so far, those of the present list included. */
export function entries(list: usize): u32 {
  return (load<u32>(list, KEY_TO) - load<u32>(list, KEYS)) >> (load<u32>(list, KEYS + WIDTH) >> 1);
}

/** Keeps the list, as one row. */
export function keep(list: usize): void {
  store<u32>(list, load<u32>(list, VALUE_TO) - load<u32>(list, VALUES), VALUES + AT);
  store<u32>(list, entries(list), KEYS + AT);
  const row = load<u32>(list, AT);
  store<u64>(load<u32>(list) + (row << 3), entries(list));
  store<u32>(list, row + 1, AT);
}

/** Remembers where the lists of a record start. */
export function mark(list: usize): void {
  store<u32>(list, load<u32>(list, AT), MARKS);
  store<u32>(list, load<u32>(list, KEYS + AT), MARKS + 4);
  store<u32>(list, load<u32>(list, VALUES + AT), MARKS + 8);
}

/** Forgets the lists since `mark`, kept or not. */
export function forget(list: usize): void {
  store<u32>(list, load<u32>(list, MARKS), AT);
  store<u32>(list, load<u32>(list, MARKS + 4), KEYS + AT);
  store<u32>(list, load<u32>(list, MARKS + 8), VALUES + AT);
  open(list);
}

/**
 * Walks the `KeyValue` whose length is at `at`; returns where it ends, 0 where the walkers have to look at it: it has
 * a new key, one for the second time, a value that is an array or a map, or it is not what the schema says.
 */
export function walkAttribute(list: usize, at: usize, end: usize): usize {
  let length = <u32>load<u8>(at++);
  if (length > 0x7f) {
    length = readLength(at - 1, end);
    if (after == 0) return 0;
    at = after;
  }
  const stop = at + length;
  const keyLength = <u32>load<u8>(at + 1);
  let value = at + 2 + keyLength;
  if (stop > end || load<u8>(at) != 0x0a || keyLength > 0x7f || value + 2 > stop) return 0;
  const role = walkKey(list, at + 2, keyLength);
  if (role < 0) return 0;

  let valueLength = <u32>load<u8>(value + 1);
  if (load<u8>(value) != 0x12) return 0;
  value += 2;
  if (valueLength > 0x7f) {
    valueLength = readLength(value - 1, stop);
    if (after == 0) return 0;
    value = after;
  }
  if (value + valueLength != stop) return 0;

  const to = load<u32>(list, VALUE_TO);
  const tag: u32 = valueLength == 0 ? 0 : <u32>load<u8>(value);
  if (tag == 0x0a) {
    const textLength = <u32>load<u8>(value + 1);
    if (textLength < 0x80) {
      if (value + 2 + textLength != stop) return 0;
      if (!copy(to, value + 1, textLength + 1) && !isUtf8(value + 2, textLength)) return 0;
      store<u32>(list, to + textLength + 1, VALUE_TO);
      if (role != 0) note(list, role, FOUND_TEXT, value + 2, textLength);
      return stop;
    }
    const longLength = readLength(value + 1, stop);
    if (after == 0 || after + longLength != stop) return 0;
    const next = append(to, after, longLength);
    if (next == 0) return 0;
    store<u32>(list, next, VALUE_TO);
    if (role != 0) note(list, role, FOUND_TEXT, after, longLength);
    return stop;
  }
  return walkOther(list, role, tag, value, stop, to);
}

/** Values that are no texts. */
function walkOther(list: usize, role: i32, tag: u32, value: usize, stop: usize, to: usize): usize {
  const next = appendOther(to, tag, value, stop);
  if (next == 0) return 0;
  store<u32>(list, next, VALUE_TO);
  if (role != 0) note(list, role, value == stop ? FOUND_EMPTY : FOUND_OTHER, value, 0);
  return stop;
}

/** Appends an `AnyValue` that is no text; `tag` is 0 where it is empty. Returns where it ends, 0 where the walkers have to. */
function appendOther(to: usize, tag: u32, value: usize, stop: usize): usize {
  if (tag == 0x18) {
    const number = readVarint(value + 1, stop);
    return after == stop ? appendInt(to, number) : 0;
  }
  if (tag == 0x10) {
    const isTrue = readVarint(value + 1, stop) != 0;
    if (after != stop) return 0;
    // The words with their lengths in front.
    store<u64>(to, isTrue ? 0x6575727404 : 0x65736c616605);
    return to + (isTrue ? 5 : 6);
  }
  if (tag == 0x21) {
    if (value + 9 != stop) return 0;
    const number = load<f64>(value + 1);
    // The shortest digits of other numbers are JavaScript's business.
    if (Math.trunc(number) != number || Math.abs(number) >= 1e9) return 0;
    return appendInt(to, <i64>number);
  }
  if (value != stop) return 0;
  store<u8>(to, 0);
  return to + 1;
}

/** Appends the `AnyValue` from `value` to `stop`; returns where it ends, 0 where the walkers have to look at it. */
export function appendValue(to: usize, value: usize, stop: usize): usize {
  if (value == stop) return appendOther(to, 0, value, stop);
  const tag = <u32>load<u8>(value);
  if (tag != 0x0a) return appendOther(to, tag, value, stop);
  const length = readLength(value + 1, stop);
  return after != 0 && after + length == stop ? append(to, after, length) : 0;
}

/** Writes a key; returns its role, -1 where the walkers have to. */
function walkKey(list: usize, at: usize, length: u32): i32 {
  const position = load<u32>(list, POSITION);
  if (position >= <u32>GUESS_COUNT) return -1;
  store<u32>(list, position + 1, POSITION);
  let index = load<u32>(list + (position << 2), GUESSES);
  if (index >= load<u32>(list, KEY_DICTIONARY + COUNT) || !isText(list + KEY_DICTIONARY, index, at, length)) {
    const found = find(list + KEY_DICTIONARY, at, length);
    if (found < 0 || found >= KNOWN_KEYS) return -1;
    index = found;
    store<u32>(list + (position << 2), index, GUESSES);
  }
  const stamp = load<u32>(list, STAMP);
  if (load<u32>(list + (index << 2), SEEN) == stamp) return -1;
  store<u32>(list + (index << 2), stamp, SEEN);
  const to = load<u32>(list, KEY_TO);
  const width = load<u32>(list, KEYS + WIDTH);
  if (width == 1) {
    if (index > 0xff) return -1;
    store<u8>(to, index);
  } else if (width == 2) store<u16>(to, index);
  else store<u32>(to, index);
  store<u32>(list, to + width, KEY_TO);
  return load<u8>(list + index, ROLES);
}

function note(list: usize, role: i32, found: u32, at: usize, length: u32): void {
  const place = list + (role << 2);
  store<u32>(place, found, FOUND);
  store<u32>(place, at, FOUND_AT);
  store<u32>(place, length, FOUND_LENGTH);
}
