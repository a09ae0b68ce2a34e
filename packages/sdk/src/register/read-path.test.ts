import { expect, test } from 'vitest';
import { readPath } from './read-path.ts';

const result = { rows: [{ id: 'a' }, { id: 'b' }], stats: { slowest: 3 }, none: null };

test.each([
  ['.', result],
  ['', result],
  ['stats.slowest', 3],
  ['rows.length', 2],
  ['rows[1].id', 'b'],
  ['rows.0.id', 'a'],
  ['rows[].id', ['a', 'b']],
  ['none.id', undefined],
  ['no.such.thing', undefined],
  ['stats[]', undefined],
])('%j is %j', (path, expected) => {
  expect(readPath(result, path)).toEqual(expected);
});

test('a set, or anything that can be gone through, is a list', () => {
  expect(readPath(new Set([{ id: 1 }]), '[].id')).toEqual([1]);
});
