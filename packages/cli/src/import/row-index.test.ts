/** The index remembers what a Map would. */

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { RowIndex } from './row-index.ts';

test('it answers as a Map of first rows does', () => {
  const key = fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }));
  fc.assert(
    fc.property(fc.array(key, { maxLength: 3_000 }), (keys) => {
      const index = new RowIndex();
      const model = new Map<number, number>();
      keys.forEach((one, at) => {
        const row = at + 1;
        expect(index.claim(one, row)).toBe(model.get(one) ?? 0);
        if (!model.has(one)) model.set(one, row);
      });
      expect(index.size).toBe(model.size);
      expect(new Set(index.keys())).toEqual(new Set(model.keys()));
      expect(index.has(51)).toBe(model.has(51));
    }),
  );
});

test('a hundred thousand seconds in a row stay fast', () => {
  const index = new RowIndex();
  for (let second = 0; second < 100_000; second++) index.claim(1_700_000_000 + second, second + 1);

  expect(index.claim(1_700_000_000 + 99_999, 7)).toBe(100_000);
});
