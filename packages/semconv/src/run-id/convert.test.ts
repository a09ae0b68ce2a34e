/** Facts about every conversion, whatever the input. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import vectors from '../../test/run-id-vectors.json' with { type: 'json' };
import { clientRunId } from './client-run-id.ts';
import { convertToStandardFormat } from './convert.ts';
import { parseRunId } from './parse-run-id.ts';

const anyInput = fc.oneof(
  fc.anything({
    withDate: true,
    withMap: true,
    withBigInt: true,
    withNullPrototype: true,
    withSparseArray: true,
  }),
  fc.string({ unit: 'binary', maxLength: 2000 }),
  // Texts that are nearly IDs: pieces of the vectors, shuffled.
  fc
    .array(fc.constantFrom(...allInputs().flatMap((input) => input.split(/([-_.T:+])/))), { maxLength: 12 })
    .map((pieces) => pieces.join('')),
  fc.tuple(fc.constantFrom(...allInputs()), fc.nat(40), fc.string({ maxLength: 3 })).map(splice),
);

test('no input makes the conversion throw, and a refusal is a sentence that shows what was wrong', () => {
  fc.assert(
    fc.property(anyInput, (input) => {
      const converted = convertToStandardFormat(input);
      expect(converted.status === 'converted' || /\w.*\.$/.test(converted.reason)).toBe(true);
    }),
    { numRuns: 5000 },
  );
});

test('converting twice is converting once', () => {
  fc.assert(
    fc.property(anyInput, (input) => {
      const once = convertToStandardFormat(input);
      fc.pre(once.status === 'converted');
      const { runId, clientId } = once;
      const standard = clientId === null ? runId : clientRunId(runId, clientId);
      const form = clientId === null ? 'standard' : 'standard-client';
      const twice = { status: 'converted', runId, clientId, form, lossy: false };
      expect(convertToStandardFormat(standard)).toEqual(twice);
    }),
    { numRuns: 500 },
  );
});

test('a conversion is a function of its input alone', () => {
  for (const input of allInputs())
    expect(convertToStandardFormat(input)).toEqual(convertToStandardFormat(input));
});

test('a text of ten million characters is refused at once', () => {
  for (const piece of [
    '9',
    'a',
    '-',
    '_',
    '250930-123045-',
    'a_',
    '20250930_',
    '2025-09-30T12:30:45',
    ' ',
    '\n',
    '👍',
  ]) {
    const long = piece.repeat(10_000_000 / piece.length);
    const before = performance.now();
    expect(convertToStandardFormat(long).status).toBe('refused');
    expect(convertToStandardFormat(`250930-123045-${long}`).status).toBe('refused');
    expect(parseRunId(`250930-123045-${long}`).status).toBe('refused');
    expect(performance.now() - before).toBeLessThan(2000);
  }
});

test('no text of the longest length that is read takes long', () => {
  for (const piece of [
    '9',
    'a',
    '-',
    '_',
    'a_',
    'a-',
    '_9',
    '20250930_',
    '29320590-',
    'a__2025-09-30T12:30:45',
  ]) {
    const text = piece.repeat(512).slice(0, 511);
    const before = performance.now();
    for (let n = 0; n < 10; n++) convertToStandardFormat(`${text}!`);
    expect(performance.now() - before).toBeLessThan(1000);
  }
});

test('objects, Promises, functions and missing values are refused by what they are', () => {
  const named: [unknown, string][] = [
    [undefined, 'undefined'],
    [null, 'null'],
    [{ runId: '250930-123045' }, 'an object'],
    [new Map(), 'an object (Map)'],
    [['250930-123045'], 'an array'],
    [Promise.resolve('250930-123045'), 'a Promise'],
    [() => '250930-123045', 'a function'],
    [new Date(), 'a Date'],
    [1717146242405, 'the number 1717146242405'],
    [1n, 'a bigint'],
    [Symbol('run'), 'a symbol'],
    [true, 'the boolean true'],
  ];
  for (const [value, name] of named) {
    expect(convertToStandardFormat(value)).toEqual({
      status: 'refused',
      reason: expect.stringContaining(`got ${name}`),
    });
  }
});

test('an object whose own code throws is refused, not run into', () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  const trap = {
    get constructor(): never {
      throw new Error('trap');
    },
  };
  for (const value of [proxy, trap, Object.create(null)]) {
    expect(convertToStandardFormat(value)).toMatchObject({
      status: 'refused',
      reason: expect.stringContaining('an object'),
    });
  }
});

function allInputs(): string[] {
  return [...vectors.standard, ...vectors.legacy, ...vectors.refused].map(({ input }) => input);
}

function splice([text, position, inserted]: [string, number, string]): string {
  return text.slice(0, position) + inserted + text.slice(position + 1);
}
