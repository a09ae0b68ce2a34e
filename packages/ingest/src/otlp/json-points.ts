/** Walks the five kinds of OTLP/JSON data points from the tape into the columns of their tables. */
import type {
  ExemplarColumns,
  ExponentialHistogramWriter,
  HistogramWriter,
  ListColumn,
  NumberWriter,
  PointWriter,
  SummaryWriter,
} from '../rows/metric-writer.ts';
import { toDouble } from '../rows/value-text.ts';
import { walkJsonAttributes } from './json-attributes.ts';
import { FieldNames } from './json-names.ts';
import { lengthOf, walkItems } from './json-spans.ts';
import type { JsonTape } from './json-tape.ts';
import {
  doubleToken,
  int32,
  int64Token,
  listToken,
  objectToken,
  textToken,
  uint32,
  uint64,
  uint64Token,
} from './json-tokens.ts';

/** The fields of all kinds together: each reads its own. */
const POINT = new FieldNames([
  'attributes',
  'startTimeUnixNano',
  'timeUnixNano',
  'flags',
  'asInt',
  'asDouble',
  'exemplars',
  'count',
  'sum',
  'min',
  'max',
  'bucketCounts',
  'explicitBounds',
  'scale',
  'zeroCount',
  'zeroThreshold',
  'positive',
  'negative',
  'quantileValues',
]);

export function walkJsonNumberPoint(tape: JsonTape, token: number, point: NumberWriter): void {
  beginPoint(tape, token, point);
  point.hasValue = POINT.token(4) !== 0 || POINT.token(5) !== 0;
  point.value = numberOf(tape, POINT.token(4), POINT.token(5));
  const exemplars = listToken(tape, POINT, 6);
  walkJsonAttributes(tape, listToken(tape, POINT, 0), point.attributes);
  walkExemplars(tape, exemplars, point.exemplars);
}

export function walkJsonHistogramPoint(tape: JsonTape, token: number, point: HistogramWriter): void {
  beginPoint(tape, token, point);
  walkDistribution(tape, point);
  walkCounts(tape, listToken(tape, POINT, 11), point.bucketCounts);
  walkList(tape, listToken(tape, POINT, 12), (bound) =>
    point.explicitBounds.items.double(doubleToken(tape, bound, 'explicitBounds')),
  );
  const exemplars = listToken(tape, POINT, 6);
  walkJsonAttributes(tape, listToken(tape, POINT, 0), point.attributes);
  walkExemplars(tape, exemplars, point.exemplars);
}

const BUCKETS = new FieldNames(['offset', 'bucketCounts']);

export function walkJsonExponentialHistogramPoint(
  tape: JsonTape,
  token: number,
  point: ExponentialHistogramWriter,
): void {
  beginPoint(tape, token, point);
  walkDistribution(tape, point);
  point.scale = int32(tape, POINT, 13);
  uint64(tape, POINT, 14);
  point.zeroCountLow = tape.low;
  point.zeroCountHigh = tape.high;
  point.zeroThreshold = optionalDouble(tape, 15);
  point.positiveOffset = walkBuckets(tape, objectToken(tape, POINT, 16), point.positive);
  point.negativeOffset = walkBuckets(tape, objectToken(tape, POINT, 17), point.negative);
  const exemplars = listToken(tape, POINT, 6);
  walkJsonAttributes(tape, listToken(tape, POINT, 0), point.attributes);
  walkExemplars(tape, exemplars, point.exemplars);
}

const QUANTILE = new FieldNames(['quantile', 'value']);

export function walkJsonSummaryPoint(tape: JsonTape, token: number, point: SummaryWriter): void {
  beginPoint(tape, token, point);
  uint64(tape, POINT, 7);
  point.countLow = tape.low;
  point.countHigh = tape.high;
  point.sum = optionalDouble(tape, 8);
  walkItems(tape, listToken(tape, POINT, 18), 'quantileValues', (item) => {
    QUANTILE.collect(tape, item);
    const quantile = QUANTILE.token(0);
    const value = QUANTILE.token(1);
    point.quantiles.items.double(quantile === 0 ? 0 : doubleToken(tape, quantile, 'quantile'));
    point.quantileValues.items.double(value === 0 ? 0 : doubleToken(tape, value, 'value'));
  });
  walkJsonAttributes(tape, listToken(tape, POINT, 0), point.attributes);
}

function beginPoint(tape: JsonTape, token: number, point: PointWriter): void {
  point.begin();
  POINT.collect(tape, token);
  uint64(tape, POINT, 1);
  point.startLow = tape.low;
  point.startHigh = tape.high;
  uint64(tape, POINT, 2);
  point.timeLow = tape.low;
  point.timeHigh = tape.high;
  point.flags = uint32(tape, POINT, 3);
}

function walkDistribution(tape: JsonTape, point: HistogramWriter | ExponentialHistogramWriter): void {
  uint64(tape, POINT, 7);
  point.countLow = tape.low;
  point.countHigh = tape.high;
  point.hasSum = POINT.token(8) !== 0;
  point.sum = optionalDouble(tape, 8);
  point.hasMin = POINT.token(9) !== 0;
  point.min = optionalDouble(tape, 9);
  point.hasMax = POINT.token(10) !== 0;
  point.max = optionalDouble(tape, 10);
}

function optionalDouble(tape: JsonTape, name: number): number {
  const token = POINT.token(name);
  return token === 0 ? 0 : doubleToken(tape, token, POINT.names[name] ?? '');
}

/** The value of a number point or an exemplar: `asInt` goes before `asDouble`. */
function numberOf(tape: JsonTape, int: number, double: number): number {
  if (int !== 0) {
    int64Token(tape, int, 'asInt');
    return toDouble(tape.low, tape.high);
  }
  return double === 0 ? 0 : doubleToken(tape, double, 'asDouble');
}

function walkBuckets(tape: JsonTape, token: number, list: ListColumn): number {
  if (token === 0) return 0;
  BUCKETS.collect(tape, token);
  walkCounts(tape, listToken(tape, BUCKETS, 1), list);
  return int32(tape, BUCKETS, 0);
}

function walkCounts(tape: JsonTape, token: number, list: ListColumn): void {
  walkList(tape, token, (count) => {
    uint64Token(tape, count, 'bucketCounts');
    list.items.int64(tape.low, tape.high);
  });
}

function walkList(tape: JsonTape, list: number, walk: (item: number) => void): void {
  if (list === 0) return;
  const end = tape.nexts[list] as number;
  for (let item = list + 1; item < end; item = tape.nexts[item] as number) walk(item);
}

const EXEMPLAR = new FieldNames([
  'filteredAttributes',
  'timeUnixNano',
  'asInt',
  'asDouble',
  'traceId',
  'spanId',
]);

function walkExemplars(tape: JsonTape, list: number, exemplars: ExemplarColumns): void {
  walkItems(tape, list, 'exemplars', (item) => {
    EXEMPLAR.collect(tape, item);
    uint64(tape, EXEMPLAR, 1);
    const { low, high } = tape;
    const int = EXEMPLAR.token(2);
    const double = EXEMPLAR.token(3);
    const traceId = textToken(tape, EXEMPLAR, 4);
    const spanId = textToken(tape, EXEMPLAR, 5);
    exemplars.attributes.begin();
    walkJsonAttributes(tape, listToken(tape, EXEMPLAR, 0), exemplars.attributes, 'filteredAttributes');
    exemplars.attributes.end();
    exemplars.addIds(
      tape,
      tape.starts[traceId] as number,
      lengthOf(tape, traceId),
      tape.starts[spanId] as number,
      lengthOf(tape, spanId),
    );
    exemplars.addValue(low, high, numberOf(tape, int, double), int !== 0 || double !== 0);
  });
}
