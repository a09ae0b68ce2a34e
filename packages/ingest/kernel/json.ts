/** Notes where the values of a JSON body are; `otlp/json-tape.ts` does the same, and says what is wrong. */

const OBJECT: u8 = 1;
const ARRAY: u8 = 2;
const STRING: u8 = 3;
const NUMBER: u8 = 4;
const TRUE: u8 = 5;
const FALSE: u8 = 6;
const NULL: u8 = 7;
const MAX_DEPTH: u32 = 512;
const stack = memory.data(2048);
/** No place in a body. */
const NOWHERE: u32 = 0xffffffff;

/** The body, and the four lists of the tape: kinds, starts, ends, nexts. */
let body: usize = 0;
let end: u32 = 0;
let kinds: usize = 0;
let starts: usize = 0;
let ends: usize = 0;
let nexts: usize = 0;
let capacity: u32 = 0;
let count: u32 = 0;
let objects: u32 = 0;

/**
 * Reads a body of `length` bytes from its byte `start` on. Returns the number of values, -1 where the tape has to read
 * it: there is an escape, it is no JSON, too deep, or has more values than there is room for.
 */
export function readJson(address: usize, start: u32, length: u32, lists: usize, room: u32): i32 {
  body = address;
  end = length;
  capacity = room;
  starts = lists;
  ends = starts + ((<usize>room) << 2);
  nexts = ends + ((<usize>room) << 2);
  kinds = nexts + ((<usize>room) << 2);
  count = 0;
  objects = 0;
  return readValues(start) ? count : -1;
}

/** Objects and arrays of the body that was read last. */
export function jsonObjects(): i32 {
  return objects;
}

function readValues(start: u32): bool {
  let depth: u32 = 0;
  let at = passSpace(start);
  while (true) {
    // Each round adds two values at most, a key and what it names.
    if (at >= end || count + 2 > capacity) return false;
    const code = load<u8>(body + at);
    if (code == 0x7b || code == 0x5b) {
      const isObject = code == 0x7b;
      const token = push(isObject ? OBJECT : ARRAY, at);
      objects++;
      at = passSpace(at + 1);
      if (at >= end) return false;
      if (load<u8>(body + at) != (isObject ? 0x7d : 0x5d)) {
        if (depth == MAX_DEPTH) return false;
        store<u32>(stack + (depth++ << 2), token);
        if (isObject) {
          at = readKey(at);
          if (at == NOWHERE) return false;
        }
        continue;
      }
      close(token, at++);
    } else {
      at = code == 0x22 ? readString(at) : readScalar(code, at);
      if (at == NOWHERE) return false;
    }

    // Behind a value: the next one, or the end of what it is in.
    while (true) {
      at = passSpace(at);
      if (depth == 0) return at == end;
      if (at >= end) return false;
      const outer = load<u32>(stack + ((depth - 1) << 2));
      const isObject = load<u8>(kinds + outer) == OBJECT;
      const next = load<u8>(body + at);
      if (next == 0x2c) {
        at = passSpace(at + 1);
        if (isObject) {
          if (count + 2 > capacity) return false;
          at = readKey(at);
          if (at == NOWHERE) return false;
        }
        break;
      }
      if (next != (isObject ? 0x7d : 0x5d)) return false;
      close(outer, at++);
      depth--;
    }
  }
}

function readKey(at: u32): u32 {
  if (at >= end || load<u8>(body + at) != 0x22) return NOWHERE;
  at = readString(at);
  if (at == NOWHERE) return NOWHERE;
  at = passSpace(at);
  return at < end && load<u8>(body + at) == 0x3a ? passSpace(at + 1) : NOWHERE;
}

/** From its quote on. Looks at sixteen bytes at a time for a quote, an escape, or what belongs in no text. */
function readString(start: u32): u32 {
  let at = start + 1;
  while (true) {
    const piece = v128.load(body + at);
    const found = i8x16.bitmask(
      v128.or(
        v128.or(i8x16.eq(piece, i8x16.splat(0x22)), i8x16.eq(piece, i8x16.splat(0x5c))),
        i8x16.lt_u(piece, i8x16.splat(0x20)),
      ),
    );
    if (found == 0) {
      at += 16;
      if (at >= end) return NOWHERE;
      continue;
    }
    at += ctz(found);
    if (at >= end || load<u8>(body + at) != 0x22) return NOWHERE;
    const token = push(STRING, start + 1);
    store<u32>(ends + (token << 2), at);
    return at + 1;
  }
}

function readScalar(code: u32, at: u32): u32 {
  if (code == 0x74) return readWord(0x65757274, 4, TRUE, at);
  if (code == 0x6e) return readWord(0x6c6c756e, 4, NULL, at);
  if (code == 0x66) return load<u8>(body + at + 4) == 0x65 ? readWord(0x736c6166, 5, FALSE, at) : NOWHERE;
  return readNumber(at);
}

function readWord(letters: u32, length: u32, kind: u8, at: u32): u32 {
  if (at + length > end || load<u32>(body + at) != letters) return NOWHERE;
  const token = push(kind, at);
  store<u32>(ends + (token << 2), at + length);
  return at + length;
}

function readNumber(start: u32): u32 {
  let at = start;
  if (load<u8>(body + at) == 0x2d) at++;
  if (at < end && load<u8>(body + at) == 0x30) at++;
  else {
    at = readDigits(at);
    if (at == NOWHERE) return NOWHERE;
  }
  if (at < end && load<u8>(body + at) == 0x2e) {
    at = readDigits(at + 1);
    if (at == NOWHERE) return NOWHERE;
  }
  if (at < end && (load<u8>(body + at) | 0x20) == 0x65) {
    at++;
    const sign = load<u8>(body + at);
    if (at < end && (sign == 0x2b || sign == 0x2d)) at++;
    at = readDigits(at);
    if (at == NOWHERE) return NOWHERE;
  }
  const token = push(NUMBER, start);
  store<u32>(ends + (token << 2), at);
  return at;
}

/** One digit at least. */
function readDigits(start: u32): u32 {
  let at = start;
  while (at < end && <u8>(load<u8>(body + at) - 0x30) <= 9) at++;
  return at == start ? NOWHERE : at;
}

function passSpace(at: u32): u32 {
  while (at < end) {
    const code = load<u8>(body + at);
    if (code > 0x20 || (code != 0x20 && code != 0x0a && code != 0x0d && code != 0x09)) break;
    at++;
  }
  return at;
}

function push(kind: u8, start: u32): u32 {
  const token = count++;
  store<u8>(kinds + token, kind);
  store<u32>(starts + (token << 2), start);
  store<u32>(nexts + (token << 2), token + 1);
  return token;
}

function close(token: u32, at: u32): void {
  store<u32>(ends + (token << 2), at + 1);
  store<u32>(nexts + (token << 2), count);
}
