/** Copies, compares and checks pieces of memory, sixteen bytes at a time. Every piece has 64 bytes of slack behind it. */

/** Copies `length` bytes, 1 at least; returns whether all of them are ASCII. */
export function copy(to: usize, from: usize, length: u32): bool {
  let seen: i32 = 0;
  let left = length;
  while (left > 16) {
    const piece = v128.load(from);
    v128.store(to, piece);
    seen |= i8x16.bitmask(piece);
    from += 16;
    to += 16;
    left -= 16;
  }
  const piece = v128.load(from);
  v128.store(to, piece);
  seen |= i8x16.bitmask(piece) & ((1 << left) - 1);
  return seen == 0;
}

/** Whether two pieces of `length` bytes, 1 at least, are equal. */
export function isSame(a: usize, b: usize, length: u32): bool {
  let left = length;
  while (left > 16) {
    if (i8x16.bitmask(i8x16.eq(v128.load(a), v128.load(b))) != 0xffff) return false;
    a += 16;
    b += 16;
    left -= 16;
  }
  const mask = (1 << left) - 1;
  return (i8x16.bitmask(i8x16.eq(v128.load(a), v128.load(b))) & mask) == mask;
}

/** Appends a text with its length in front; returns where it ends, 0 where the text is not UTF-8. */
export function append(to: usize, at: usize, length: u32): usize {
  to = appendLength(to, length);
  if (length == 0) return to;
  if (!copy(to, at, length) && !isUtf8(at, length)) return 0;
  return to + length;
}

function appendLength(to: usize, length: u32): usize {
  let rest = length;
  while (rest > 0x7f) {
    store<u8>(to++, (rest & 0x7f) | 0x80);
    rest >>= 7;
  }
  store<u8>(to, rest);
  return to + 1;
}

/** Table 3-7 of the Unicode standard: no overlong forms, no surrogates, nothing beyond U+10FFFF. */
export function isUtf8(at: usize, length: u32): bool {
  const end = at + length;
  while (at < end) {
    const first = <u32>load<u8>(at);
    if (first < 0x80) {
      at++;
      continue;
    }
    const size: u32 = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (first < 0xc2 || first > 0xf4 || size > <u32>(end - at)) return false;
    const second = <u32>load<u8>(at + 1);
    const lowest: u32 = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    const highest: u32 = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (second < lowest || second > highest) return false;
    for (let index: u32 = 2; index < size; index++) {
      if ((load<u8>(at + index) & 0xc0) != 0x80) return false;
    }
    at += size;
  }
  return true;
}

/** Whether a text is printable ASCII. */
export function isPrintable(at: usize, length: u32): bool {
  for (let index: u32 = 0; index < length; index++) {
    const byte = load<u8>(at + index);
    if (byte < 0x20 || byte > 0x7e) return false;
  }
  return true;
}

const HEX = i8x16(
  0x30,
  0x31,
  0x32,
  0x33,
  0x34,
  0x35,
  0x36,
  0x37,
  0x38,
  0x39,
  0x61,
  0x62,
  0x63,
  0x64,
  0x65,
  0x66,
);

/** Appends 16 bytes as 32 hex digits with their length in front; false, where all are zero. */
export function appendTraceId(to: usize, at: usize): bool {
  const bytes = v128.load(at);
  const high = v128.swizzle(HEX, v128.shr<u8>(bytes, 4));
  const low = v128.swizzle(HEX, v128.and(bytes, i8x16.splat(15)));
  store<u8>(to, 32);
  v128.store(to + 1, v128.shuffle<u8>(high, low, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23));
  v128.store(
    to + 17,
    v128.shuffle<u8>(high, low, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31),
  );
  return v128.any_true(bytes);
}

/** Appends 8 bytes as 16 hex digits with their length in front; false, where all are zero. */
export function appendSpanId(to: usize, at: usize): bool {
  const bytes = v128.load64_zero(at);
  const high = v128.swizzle(HEX, v128.shr<u8>(bytes, 4));
  const low = v128.swizzle(HEX, v128.and(bytes, i8x16.splat(15)));
  store<u8>(to, 16);
  v128.store(to + 1, v128.shuffle<u8>(high, low, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23));
  return v128.any_true(bytes);
}

/** Appends a signed number in decimal digits with their length in front; returns where it ends. */
export function appendInt(to: usize, value: i64): usize {
  const isNegative = value < 0;
  let rest: u64 = isNegative ? <u64>-value : <u64>value;
  let digits: u32 = 1;
  for (let bound: u64 = 10; rest >= bound; bound *= 10) {
    digits++;
    if (digits == 20) break;
  }
  const length = digits + u32(isNegative);
  store<u8>(to, length);
  const end = to + 1 + length;
  let at = end;
  while (rest > 0xffffffff) {
    const tenth = rest / 10;
    store<u8>(--at, 0x30 + <u8>(rest - tenth * 10));
    rest = tenth;
  }
  let short = <u32>rest;
  while (short >= 10) {
    const tenth = short / 10;
    store<u8>(--at, 0x30 + (short - tenth * 10));
    short = tenth;
  }
  store<u8>(--at, 0x30 + short);
  if (isNegative) store<u8>(--at, 0x2d);
  return end;
}
