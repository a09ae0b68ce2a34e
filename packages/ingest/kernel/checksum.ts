/** XXH64, source: https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md. */

const PRIME_1: u64 = 0x9e3779b185ebca87;
const PRIME_2: u64 = 0xc2b2ae3d27d4eb4f;
const PRIME_3: u64 = 0x165667b19e3779f9;
const PRIME_4: u64 = 0x85ebca77c2b2ae63;
const PRIME_5: u64 = 0x27d4eb2f165667c5;

/** XXH64 of `length` bytes. */
export function checksum(at: usize, length: u32, seed: u64): u64 {
  const end = at + length;
  let sum = seed + PRIME_5;
  if (length >= 32) {
    let first = seed + PRIME_1 + PRIME_2;
    let second = seed + PRIME_2;
    let third = seed;
    let fourth = seed - PRIME_1;
    for (; at + 32 <= end; at += 32) {
      first = take(first, load<u64>(at));
      second = take(second, load<u64>(at, 8));
      third = take(third, load<u64>(at, 16));
      fourth = take(fourth, load<u64>(at, 24));
    }
    sum = rotl(first, 1) + rotl(second, 7) + rotl(third, 12) + rotl(fourth, 18);
    sum = merge(merge(merge(merge(sum, first), second), third), fourth);
  }
  sum += <u64>length;
  for (; at + 8 <= end; at += 8) sum = rotl(sum ^ take(0, load<u64>(at)), 27) * PRIME_1 + PRIME_4;
  if (at + 4 <= end) {
    sum = rotl(sum ^ (<u64>load<u32>(at) * PRIME_1), 23) * PRIME_2 + PRIME_3;
    at += 4;
  }
  for (; at < end; at++) sum = rotl(sum ^ (<u64>load<u8>(at) * PRIME_5), 11) * PRIME_1;
  sum = (sum ^ (sum >> 33)) * PRIME_2;
  sum = (sum ^ (sum >> 29)) * PRIME_3;
  return sum ^ (sum >> 32);
}

/** A lane after one more word. */
function take(lane: u64, word: u64): u64 {
  return rotl(lane + word * PRIME_2, 31) * PRIME_1;
}

/** The sum after one more lane. */
function merge(sum: u64, lane: u64): u64 {
  return (sum ^ take(0, lane)) * PRIME_1 + PRIME_4;
}
