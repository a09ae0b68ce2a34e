/** Reads protobuf's variable-length numbers (https://protobuf.dev/programming-guides/encoding/#varints). */

/** Where the number ends that was read last; 0 where it is none, or longer than its message. */
export let after: usize = 0;

/** A number of 64 bits. */
export function readVarint(at: usize, end: usize): u64 {
  let value: u64 = 0;
  for (let shift: u64 = 0; shift < 70 && at < end; shift += 7) {
    const byte = <u64>load<u8>(at++);
    // The tenth byte holds one bit.
    if (shift == 63 && byte > 1) break;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      after = at;
      return value;
    }
  }
  after = 0;
  return 0;
}

/** A length: what it says lies within the message, and it is written in as few bytes as can be. */
export function readLength(at: usize, end: usize): u32 {
  const length = readVarint(at, end);
  if (after == 0) return 0;
  if (length > <u64>(end - after) || (after - at > 1 && load<u8>(after - 1) == 0)) after = 0;
  return <u32>length;
}

/** Passes over the records from `at` on; returns where something else begins, or what is no record. */
export function passRecords(at: usize, end: usize): usize {
  while (at < end && load<u8>(at) == 0x12) {
    const length = readLength(at + 1, end);
    if (after == 0) break;
    at = after + length;
  }
  return at;
}
