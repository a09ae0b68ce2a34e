/** Walks the five kinds of protobuf data points from the wire into the columns of their tables. */
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
import { walkAttribute } from './walk-attributes.ts';
import { fieldBits, type Wire } from './wire.ts';

// Tags and field numbers: opentelemetry/proto/metrics/v1/metrics.proto. All kinds number their times alike.
const START_TIME = 0x11;
const TIME = 0x19;

const NUMBER_FIELDS = fieldBits(2, 3, 4, 5, 6, 7, 8);

export function walkNumberPoint(wire: Wire, end: number, point: NumberWriter): void {
  point.begin();
  while (wire.at < end) {
    const tag = wire.tag();
    if (tag === 0x3a) walkAttribute(wire, end, point.attributes);
    else if (tag === START_TIME || tag === TIME) walkTime(wire, tag, end, point);
    else if (tag === 0x21 || tag === 0x31) {
      point.value = walkNumber(wire, tag === 0x21, end);
      point.hasValue = true;
    } else if (tag === 0x2a) walkExemplar(wire, wire.message(end), point.exemplars);
    else if (tag === 0x40) point.flags = wire.varint(end);
    else wire.skip(tag, end, NUMBER_FIELDS);
  }
}

const HISTOGRAM_FIELDS = fieldBits(2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);

export function walkHistogramPoint(wire: Wire, end: number, point: HistogramWriter): void {
  point.begin();
  while (wire.at < end) {
    const tag = wire.tag();
    if (tag === 0x4a) walkAttribute(wire, end, point.attributes);
    else if (tag === START_TIME || tag === TIME) walkTime(wire, tag, end, point);
    else if (tag === 0x21) {
      wire.fixed64(end);
      point.countLow = wire.low;
      point.countHigh = wire.high;
    } else if (tag === 0x29) {
      point.sum = wire.double(end);
      point.hasSum = true;
    } else if (tag === 0x32 || tag === 0x31) walkFixed64s(wire, tag === 0x32, end, point.bucketCounts);
    else if (tag === 0x3a || tag === 0x39) walkFixed64s(wire, tag === 0x3a, end, point.explicitBounds);
    else if (tag === 0x42) walkExemplar(wire, wire.message(end), point.exemplars);
    else if (tag === 0x50) point.flags = wire.varint(end);
    else if (tag === 0x59) {
      point.min = wire.double(end);
      point.hasMin = true;
    } else if (tag === 0x61) {
      point.max = wire.double(end);
      point.hasMax = true;
    } else wire.skip(tag, end, HISTOGRAM_FIELDS);
  }
}

const EXPONENTIAL_FIELDS = fieldBits(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14);

export function walkExponentialHistogramPoint(
  wire: Wire,
  end: number,
  point: ExponentialHistogramWriter,
): void {
  point.begin();
  while (wire.at < end) {
    const tag = wire.tag();
    if (tag === 0x0a) walkAttribute(wire, end, point.attributes);
    else if (tag === START_TIME || tag === TIME) walkTime(wire, tag, end, point);
    else if (tag === 0x21) {
      wire.fixed64(end);
      point.countLow = wire.low;
      point.countHigh = wire.high;
    } else if (tag === 0x29) {
      point.sum = wire.double(end);
      point.hasSum = true;
    } else if (tag === 0x30) point.scale = wire.sint32(end);
    else if (tag === 0x39) {
      wire.fixed64(end);
      point.zeroCountLow = wire.low;
      point.zeroCountHigh = wire.high;
    } else if (tag === 0x42)
      point.positiveOffset = walkBuckets(wire, wire.message(end), point.positive, point.positiveOffset);
    else if (tag === 0x4a)
      point.negativeOffset = walkBuckets(wire, wire.message(end), point.negative, point.negativeOffset);
    else if (tag === 0x50) point.flags = wire.varint(end);
    else if (tag === 0x5a) walkExemplar(wire, wire.message(end), point.exemplars);
    else if (tag === 0x61) {
      point.min = wire.double(end);
      point.hasMin = true;
    } else if (tag === 0x69) {
      point.max = wire.double(end);
      point.hasMax = true;
    } else if (tag === 0x71) point.zeroThreshold = wire.double(end);
    else wire.skip(tag, end, EXPONENTIAL_FIELDS);
  }
}

const SUMMARY_FIELDS = fieldBits(2, 3, 4, 5, 6, 7, 8);

export function walkSummaryPoint(wire: Wire, end: number, point: SummaryWriter): void {
  point.begin();
  while (wire.at < end) {
    const tag = wire.tag();
    if (tag === 0x3a) walkAttribute(wire, end, point.attributes);
    else if (tag === START_TIME || tag === TIME) walkTime(wire, tag, end, point);
    else if (tag === 0x21) {
      wire.fixed64(end);
      point.countLow = wire.low;
      point.countHigh = wire.high;
    } else if (tag === 0x29) point.sum = wire.double(end);
    else if (tag === 0x32) walkQuantile(wire, wire.message(end), point);
    else if (tag === 0x40) point.flags = wire.varint(end);
    else wire.skip(tag, end, SUMMARY_FIELDS);
  }
}

function walkTime(wire: Wire, tag: number, end: number, point: PointWriter): void {
  wire.fixed64(end);
  if (tag === TIME) {
    point.timeLow = wire.low;
    point.timeHigh = wire.high;
  } else {
    point.startLow = wire.low;
    point.startHigh = wire.high;
  }
}

function walkNumber(wire: Wire, isDouble: boolean, end: number): number {
  if (isDouble) return wire.double(end);
  wire.fixed64(end);
  return toDouble(wire.low, wire.high);
}

/** A repeated fixed64 or double, packed or not. */
function walkFixed64s(wire: Wire, isPacked: boolean, end: number, list: ListColumn): void {
  if (!isPacked) return walkFixed64(wire, end, list);
  const length = wire.length(end);
  const listEnd = wire.at + length;
  while (wire.at < listEnd) walkFixed64(wire, listEnd, list);
}

function walkFixed64(wire: Wire, end: number, list: ListColumn): void {
  wire.part();
  wire.fixed64(end);
  list.items.int64(wire.low, wire.high);
}

const BUCKETS_FIELDS = fieldBits(1, 2);

/** Returns the offset; without one in the message it stays as it was. */
function walkBuckets(wire: Wire, end: number, list: ListColumn, before: number): number {
  let offset = before;
  while (wire.at < end) {
    const tag = wire.tag();
    if (tag === 0x08) offset = wire.sint32(end);
    else if (tag === 0x10) walkVarint(wire, end, list);
    else if (tag === 0x12) {
      const length = wire.length(end);
      const listEnd = wire.at + length;
      while (wire.at < listEnd) walkVarint(wire, listEnd, list);
    } else wire.skip(tag, end, BUCKETS_FIELDS);
  }
  return offset;
}

function walkVarint(wire: Wire, end: number, list: ListColumn): void {
  wire.part();
  wire.varint(end);
  list.items.int64(wire.low, wire.high);
}

const QUANTILE_FIELDS = fieldBits(1, 2);

function walkQuantile(wire: Wire, end: number, point: SummaryWriter): void {
  let quantile = 0;
  let value = 0;
  while (wire.at < end) {
    const tag = wire.tag();
    if (tag === 0x09) quantile = wire.double(end);
    else if (tag === 0x11) value = wire.double(end);
    else wire.skip(tag, end, QUANTILE_FIELDS);
  }
  point.quantiles.items.double(quantile);
  point.quantileValues.items.double(value);
}

const EXEMPLAR_FIELDS = fieldBits(2, 3, 4, 5, 6, 7);

function walkExemplar(wire: Wire, end: number, exemplars: ExemplarColumns): void {
  let low = 0;
  let high = 0;
  let value = 0;
  let hasValue = false;
  let spanIdAt = 0;
  let spanIdLength = 0;
  let traceIdAt = 0;
  let traceIdLength = 0;
  exemplars.attributes.begin();
  while (wire.at < end) {
    const tag = wire.tag();
    if (tag === 0x3a) walkAttribute(wire, end, exemplars.attributes);
    else if (tag === 0x11) {
      wire.fixed64(end);
      ({ low, high } = wire);
    } else if (tag === 0x19 || tag === 0x31) {
      value = walkNumber(wire, tag === 0x19, end);
      hasValue = true;
    } else if (tag === 0x22) {
      spanIdLength = wire.slice(end);
      spanIdAt = wire.at - spanIdLength;
    } else if (tag === 0x2a) {
      traceIdLength = wire.slice(end);
      traceIdAt = wire.at - traceIdLength;
    } else wire.skip(tag, end, EXEMPLAR_FIELDS);
  }
  exemplars.attributes.end();
  exemplars.addIds(wire, traceIdAt, traceIdLength, spanIdAt, spanIdLength);
  exemplars.addValue(low, high, value, hasValue);
}
