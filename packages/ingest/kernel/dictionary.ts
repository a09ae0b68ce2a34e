/** Finds and adds the texts of a dictionary; `native/dictionary.ts` does the same for whoever is not in the arena. */
import {
  AT,
  CAPACITY,
  COUNT,
  LENGTHS,
  LIMIT,
  MASK,
  PREVIOUS,
  SLOTS,
  STARTS,
} from '../src/native/kernel-layout';
import { append, isSame } from './text';

/** Unknown to senders: nobody can choose texts that collide. */
let seed: u32 = 0;

export function setSeed(value: u32): void {
  seed = value;
}

/** The number of a text, -1 where it is in no dictionary. */
export function find(dictionary: usize, at: usize, length: u32): i32 {
  const mask = load<u32>(dictionary, MASK);
  const slots = load<u32>(dictionary, SLOTS);
  let slot = hash(at, length) & mask;
  for (let found = load<u32>(slots + (slot << 2)); found != 0; found = load<u32>(slots + (slot << 2))) {
    if (isText(dictionary, found - 1, at, length)) return found - 1;
    slot = (slot + 1) & mask;
  }
  return -1;
}

/** The number of a text, which is added where it is new; -1 where there is no room, or it is not UTF-8. */
export function findOrAdd(dictionary: usize, at: usize, length: u32): i32 {
  const previous = load<u32>(dictionary, PREVIOUS);
  const count = load<u32>(dictionary, COUNT);
  if (previous < count && isText(dictionary, previous, at, length)) return previous;
  let index = find(dictionary, at, length);
  if (index < 0) index = add(dictionary, count, at, length);
  if (index >= 0) store<u32>(dictionary, index, PREVIOUS);
  return index;
}

/** Whether text `index` is this one. */
export function isText(dictionary: usize, index: u32, at: usize, length: u32): bool {
  if (load<u32>(load<u32>(dictionary, LENGTHS) + (index << 2)) != length) return false;
  if (length == 0) return true;
  return isSame(load<u32>(dictionary) + load<u32>(load<u32>(dictionary, STARTS) + (index << 2)), at, length);
}

function add(dictionary: usize, count: u32, at: usize, length: u32): i32 {
  const from = load<u32>(dictionary, AT);
  // The last place is left to who can make more.
  if (count + 1 >= load<u32>(dictionary, CAPACITY) || from + length + 5 > load<u32>(dictionary, LIMIT))
    return -1;
  const base = load<u32>(dictionary);
  const end = append(base + from, at, length);
  if (end == 0) return -1;
  store<u32>(load<u32>(dictionary, STARTS) + (count << 2), end - length - base);
  store<u32>(load<u32>(dictionary, LENGTHS) + (count << 2), length);
  store<u32>(dictionary, end - base, AT);
  store<u32>(dictionary, count + 1, COUNT);
  const mask = load<u32>(dictionary, MASK);
  const slots = load<u32>(dictionary, SLOTS);
  let slot = hash(at, length) & mask;
  while (load<u32>(slots + (slot << 2)) != 0) slot = (slot + 1) & mask;
  store<u32>(slots + (slot << 2), count + 1);
  return count;
}

/** Murmur-like: four bytes at a time, the last four overlapping. */
function hash(at: usize, length: u32): u32 {
  let mixed = seed ^ length;
  if (length >= 4) {
    const last = length - 4;
    for (let index: u32 = 0; index < last; index += 4) mixed = mix(mixed, load<u32>(at + index));
    mixed = mix(mixed, load<u32>(at + last));
  } else {
    for (let index: u32 = 0; index < length; index++) mixed = mix(mixed, load<u8>(at + index));
  }
  mixed ^= mixed >> 15;
  mixed *= 0x85ebca6b;
  return mixed ^ (mixed >> 13);
}

function mix(state: u32, word: u32): u32 {
  const mixed = (state ^ word) * 0x9e3779b1;
  return mixed ^ (mixed >> 15);
}
