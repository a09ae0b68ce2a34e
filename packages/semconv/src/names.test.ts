import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isIdentityText, MAX_NAME_LENGTH, shortenName, toIdentityText } from './names.ts';

test.each([
  ['nightly sync', 'nightly sync'],
  [' nightly\r\nsync\t', 'nightly sync'],
  ['half \uD83D emoji', 'half   emoji'],
  ['n'.repeat(128), 'n'.repeat(128)],
  ['n'.repeat(129), `${'n'.repeat(127)}…`],
  ['😀'.repeat(128), '😀'.repeat(128)],
  ['😀'.repeat(1_000), `${'😀'.repeat(127)}…`],
  ['\u0000\u2028', ''],
])('%j becomes the identity %j', (given, identity) => {
  expect(toIdentityText(given)).toBe(identity);
});

test('whatever the text, what is made of it is an identity or empty, and stays as it is when made again', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
      const made = toIdentityText(text);
      expect(made === '' || isIdentityText(made)).toBe(true);
      expect(toIdentityText(made)).toBe(made);
    }),
  );
});

test('a text that is an identity already is only trimmed', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }), (text) => {
      fc.pre(isIdentityText(text));
      expect(toIdentityText(text)).toBe(text.trim());
    }),
  );
});

test('a name is shortened to what ingest takes, never inside a character', () => {
  expect(shortenName('s'.repeat(MAX_NAME_LENGTH))).toBe('s'.repeat(MAX_NAME_LENGTH));
  expect(shortenName('s'.repeat(MAX_NAME_LENGTH + 1))).toBe(`${'s'.repeat(MAX_NAME_LENGTH - 1)}…`);
  expect(shortenName('😀'.repeat(600))).toBe(`${'😀'.repeat(511)}…`);
});
