/** Facts about client IDs. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkClientId, isValidClientId } from './client-id.ts';

test('names as people write them are client IDs and stay as they are', () => {
  const names = [
    'Guy-Wilson',
    "O'Neil",
    'ACME Ltd. (UK)',
    'søren',
    '株式会社',
    '👩‍👩‍👧',
    'a/b?c=d&e',
    '0',
    'null',
    ' a ',
  ];
  for (const clientId of names) expect(checkClientId(clientId)).toEqual({ status: 'ok', clientId });
});

test('a client ID has at most 128 characters, counted as code points', () => {
  expect(isValidClientId('a'.repeat(128))).toBe(true);
  expect(isValidClientId('👍'.repeat(128))).toBe(true);
  expect(isValidClientId('a'.repeat(129))).toBe(false);
  expect(isValidClientId('👍'.repeat(129))).toBe(false);
});

test('control characters, separators and halves of surrogate pairs are refused by name', () => {
  const refusals = {
    '\0': 'U+0000',
    '\n': 'U+000A',
    '\u007F': 'U+007F',
    '\u0085': 'U+0085',
    '\u2028': 'U+2028',
    '\u2029': 'U+2029',
    '\uD800': 'U+D800',
    '\uDC00': 'U+DC00',
  };
  for (const [character, name] of Object.entries(refusals)) {
    expect(checkClientId(`ac${character}me`)).toEqual({
      status: 'refused',
      reason: expect.stringContaining(name),
    });
  }
});

test('a client ID without a visible character is refused', () => {
  for (const value of ['', ' ', '\u00A0', '\u200B\u200D', '\u3000 '])
    expect(isValidClientId(value)).toBe(false);
});

test('the text of an object or of a missing value is no client ID', () => {
  for (const value of ['[object Object]', '[object Promise]', 'undefined']) {
    expect(checkClientId(value)).toEqual({ status: 'refused', reason: expect.stringContaining(value) });
  }
});

test('what is no string is refused by what it is', () => {
  const named: [unknown, string][] = [
    [undefined, 'undefined'],
    [null, 'null'],
    [42, 'the number 42'],
    [{}, 'an object'],
    [[], 'an array'],
    [Promise.resolve('acme'), 'a Promise'],
    [() => 'acme', 'a function'],
  ];
  for (const [value, name] of named) {
    expect(checkClientId(value)).toEqual({
      status: 'refused',
      reason: expect.stringContaining(`got ${name}`),
    });
  }
});

test('no value makes the check throw, and the two checks agree', () => {
  fc.assert(
    fc.property(fc.oneof(fc.anything(), fc.string({ unit: 'binary' })), (value) => {
      expect(isValidClientId(value)).toBe(checkClientId(value).status === 'ok');
    }),
  );
});
