import { expect, test } from 'vitest';
import { checksum } from './checksum.ts';

test.each([
  ['a', 'd24ec4f1a98c6e5b'],
  ['abc', '44bc2cf5ad770999'],
  ['Nobody inspects the spammish repetition', 'fbcea83c8a378bf1'],
])('is XXH64: of "%s"', (text, expected) => {
  expect(checksum(Buffer.from(text)).toString(16)).toBe(expected);
});

test('goes on from piece to piece', () => {
  const bytes = Buffer.alloc(150_000, 'a text that repeats itself, ');
  const pieces = [0, 65_536, 131_072].map((at) => bytes.subarray(at, at + 65_536));

  expect(checksum(bytes)).toBe(pieces.reduce((sum, piece) => checksum(piece, sum), 0n));
});

test('differs wherever a bit does', () => {
  const bytes = Buffer.alloc(100, 7);
  const sums = new Set([checksum(bytes)]);
  for (let bit = 0; bit < 800; bit++) {
    const changed = Buffer.from(bytes);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    sums.add(checksum(changed));
  }
  expect(sums.size).toBe(801);
});
