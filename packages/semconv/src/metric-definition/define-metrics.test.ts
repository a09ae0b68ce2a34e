import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { defineMetrics, HERITAGE_METRICS, normalizeMetricName, type MetricReading } from '../index.ts';

const reasonOf = (reading: MetricReading) => (reading.status === 'refused' ? reading.reason : 'accepted');
const valueOf = (reading: MetricReading) => (reading.status === 'ok' ? reading.value : reading.reason);

test.each(['End Time', 'endTime', 'EndTime', 'end_time', 'end-time', ' END  TIME ', 'end.time'])(
  'pain 10: %j is the declared End Time',
  (name) => {
    expect(normalizeMetricName(name, HERITAGE_METRICS)).toBe('End Time');
    expect(HERITAGE_METRICS.read(name, new Date('2025-09-30T12:30:45Z'))).toEqual({
      status: 'ok',
      metric: 'End Time',
      aggregation: 'max',
      unit: 's',
      value: 1_759_235_445,
    });
  },
);

test('an undeclared name is kept as it is written, but for its white space', () => {
  expect(normalizeMetricName('  rows\t written_by ME ')).toBe('rows written_by ME');
  expect(HERITAGE_METRICS.read(' rows  written ', 3)).toEqual({
    status: 'ok',
    metric: 'rows written',
    aggregation: 'sum',
    unit: '',
    value: 3,
  });
});

test.each([
  [0, 0],
  [-0, 0],
  ['12', 12],
  [' 3.5 ', 3.5],
  ['-7', -7],
  ['+1.50', 1.5],
  ['1e3', 1000],
  ['0.1', 0.1],
  ['007', 7],
  ['.5', 0.5],
  ['5.', 5],
  ['0.000', 0],
])('pain 10: %j is the number %d', (value, number) => {
  expect(valueOf(defineMetrics({}).read('x', value))).toBe(number);
});

test.each([
  [Number.NaN, 'NaN is not a finite number'],
  [Number.POSITIVE_INFINITY, 'Infinity is not a finite number'],
  ['not-a-number', 'the text "not-a-number" is not a number'],
  ['', 'the text "" is not a number'],
  [' ', 'the text " " is not a number'],
  ['12 leads', 'the text "12 leads" is not a number'],
  ['1,000', 'the text "1,000" is not a number'],
  ['0x10', 'the text "0x10" is not a number'],
  ['.', 'the text "." is not a number'],
  ['NaN', 'the text "NaN" is not a number'],
  ['Infinity', 'the text "Infinity" is not a number'],
  ['1e400', 'the text "1e400" says more digits than a number can hold'],
  ['9007199254740993', 'the text "9007199254740993" says more digits than a number can hold'],
  [null, 'null is not a number'],
  [undefined, 'undefined is not a number'],
  [true, 'the boolean true is not a number'],
  [12n, 'a bigint is not a number'],
  [[], 'an array is not a number'],
  [{}, 'an object is not a number'],
  [new Date(0), 'a Date is not a number'],
  [Promise.resolve(1), 'a Promise (await it first) is not a number'],
])('pain 21: what says no exact number is refused, never turned into 0 (%#)', (value, reason) => {
  expect(defineMetrics({}).read('x', value)).toEqual({ status: 'refused', subject: 'x', reason });
});

test('what lies outside the declared range is refused with the limit', () => {
  const metrics = defineMetrics({ Score: { aggregation: 'last', min: 0, max: 100, integer: true } });
  expect(reasonOf(metrics.read('score', -1))).toBe('-1 is below 0, the smallest allowed');
  expect(reasonOf(metrics.read('score', 101))).toBe('101 is above 100, the largest allowed');
  expect(reasonOf(metrics.read('score', '99.5'))).toBe('99.5 is not a whole number');
  expect(valueOf(metrics.read('score', 100))).toBe(100);
});

test('pain 22: a metric has the one aggregation that it was declared with', () => {
  expect(HERITAGE_METRICS.read('Leads Processed', 1, 'max')).toEqual({
    status: 'refused',
    subject: 'Leads Processed',
    reason: 'it came as max, but the metric is a sum',
  });
  expect(defineMetrics({}).read('x', 1, 'max')).toMatchObject({ status: 'ok', aggregation: 'max' });
});

test.each([
  ['2025-09-30T22:30:45+10:00', 1_759_235_445],
  ['2025-09-30T12:30:45.250Z', 1_759_235_445.25],
  [1_759_235_445, 1_759_235_445],
  ['1759235445', 1_759_235_445],
])('a time is kept in seconds since 1970: %j', (value, seconds) => {
  expect(valueOf(HERITAGE_METRICS.read('Start Time', value))).toBe(seconds);
});

test.each([
  [1_759_235_445_000, 'it looks like milliseconds'],
  ['2025-09-30T12:30:45', 'has no time zone'],
  ['2025-02-30T12:30:45Z', '2025-02-30 does not exist'],
  [new Date(Number.NaN), 'an invalid Date is not a time'],
  [0, 'from 2000 to 2099'],
  ['yesterday', 'is not a number'],
])('pain 7: %j is no time', (value, reason) => {
  expect(reasonOf(HERITAGE_METRICS.read('End Time', value))).toContain(reason);
});

test.each(['Status', 'clientsProcessed', 'Clients With Errors'])('%s is derived, not reported', (name) => {
  expect(reasonOf(HERITAGE_METRICS.read(name, 1))).toContain('it is not reported; Rollcall derives it from');
});

test.each([
  [{ 'End Time': { aggregation: 'max' }, endTime: { aggregation: 'max' } }, 'are one name'],
  [{ x: { aggregation: 'average' } }, "use 'sum', 'min', 'max', 'last'"],
  [{ x: { aggregation: 'sum', min: 2, max: 1 } }, 'allows nothing'],
  [{ ' x': { aggregation: 'sum' } }, 'stray white space'],
  [{ '': { aggregation: 'sum' } }, 'cannot be empty'],
])('a declaration that contradicts itself is refused at once', (declaration, message) => {
  expect(() => defineMetrics(declaration as never)).toThrow(message);
});

test('a name that is none is refused by what it is', () => {
  const metrics = defineMetrics({});
  expect(reasonOf(metrics.read({}, 1))).toBe("a metric's name is a text, not an object");
  expect(reasonOf(metrics.read(' _ ', 1))).toBe("a metric's name cannot be empty");
  expect(reasonOf(metrics.read('a\u0000b', 1))).toContain('is printable');
  expect(reasonOf(metrics.read('x'.repeat(300), 1))).toContain('at most 255');
});

test('every finite number survives as itself and as its own text', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
      expect(valueOf(defineMetrics({}).read('x', number))).toBe(number + 0);
      expect(valueOf(defineMetrics({}).read('x', ` ${number} `))).toBe(number + 0);
    }),
  );
});

test('a text of more digits than a number holds is refused', () => {
  // Above 2^53 there are only even numbers.
  fc.assert(
    fc.property(fc.bigInt({ min: 2n ** 52n, max: 10n ** 300n }), (half) => {
      expect(reasonOf(defineMetrics({}).read('x', String(2n * half + 1n)))).toContain('more digits');
    }),
  );
});

test('nothing that is read makes it throw, and nothing but a number comes out', () => {
  fc.assert(
    fc.property(fc.anything({ withDate: true, withBigInt: true }), fc.anything(), (name, value) => {
      const reading = HERITAGE_METRICS.read(name, value);
      expect(reading.status === 'refused' || Number.isFinite(reading.value)).toBe(true);
    }),
  );
});

test('all spellings of a declared name find it, and normalising twice changes nothing', () => {
  const declared = fc.constantFrom(...HERITAGE_METRICS.metrics);
  const joint = fc.constantFrom(' ', '  ', '_', '-', '.', '');
  const cased = fc.constantFrom(
    (word: string) => word,
    (word: string) => word.toUpperCase(),
    (word: string) => word.toLowerCase(),
  );
  fc.assert(
    fc.property(declared, joint, cased, ({ name }, separator, inCase) => {
      const spelling = name.split(' ').map(inCase).join(separator);
      expect(normalizeMetricName(spelling, HERITAGE_METRICS)).toBe(name);
    }),
  );
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      expect(normalizeMetricName(normalizeMetricName(name))).toBe(normalizeMetricName(name));
    }),
  );
});
