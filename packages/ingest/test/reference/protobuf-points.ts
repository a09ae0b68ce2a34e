/** Decodes the five kinds of protobuf data points (opentelemetry/proto/metrics/v1/metrics.proto). */
import type { ProtobufReader } from '../../src/otlp/protobuf-reader.ts';
import { readAttribute, readExemplar } from '../../src/otlp/protobuf-values.ts';
import type {
  Buckets,
  ExponentialHistogramPoint,
  HistogramPoint,
  MetricPoint,
  NumberPoint,
  SummaryPoint,
} from '../../src/otlp/records.ts';

export function readNumberPoint(reader: ProtobufReader, kind: NumberPoint['kind']): NumberPoint {
  const point: NumberPoint = { kind, ...emptyPoint(), value: null, exemplars: [] };
  let attributeCount = 0;
  while (reader.next()) {
    if (reader.fieldNumber === 7) readAttribute(reader, point.attributes, ++attributeCount);
    else if (reader.fieldNumber === 2) point.startNs = reader.fixed64();
    else if (reader.fieldNumber === 3) point.timeNs = reader.fixed64();
    else if (reader.fieldNumber === 4) point.value = reader.double();
    else if (reader.fieldNumber === 6) point.value = reader.sfixed64();
    else if (reader.fieldNumber === 5) point.exemplars.push(reader.message(readExemplar));
    else if (reader.fieldNumber === 8) point.flags = reader.uint32();
    else reader.skip();
  }
  return point;
}

export function readHistogramPoint(reader: ProtobufReader): HistogramPoint {
  const point: HistogramPoint = {
    kind: 'histogram',
    ...emptyPoint(),
    count: 0n,
    sum: null,
    min: null,
    max: null,
    bucketCounts: [],
    explicitBounds: [],
    exemplars: [],
  };
  let attributeCount = 0;
  while (reader.next()) {
    if (reader.fieldNumber === 9) readAttribute(reader, point.attributes, ++attributeCount);
    else if (reader.fieldNumber === 2) point.startNs = reader.fixed64();
    else if (reader.fieldNumber === 3) point.timeNs = reader.fixed64();
    else if (reader.fieldNumber === 4) point.count = reader.fixed64();
    else if (reader.fieldNumber === 5) point.sum = reader.double();
    else if (reader.fieldNumber === 6) reader.fixed64sInto(point.bucketCounts);
    else if (reader.fieldNumber === 7) reader.doublesInto(point.explicitBounds);
    else if (reader.fieldNumber === 8) point.exemplars.push(reader.message(readExemplar));
    else if (reader.fieldNumber === 10) point.flags = reader.uint32();
    else if (reader.fieldNumber === 11) point.min = reader.double();
    else if (reader.fieldNumber === 12) point.max = reader.double();
    else reader.skip();
  }
  return point;
}

export function readExponentialHistogramPoint(reader: ProtobufReader): ExponentialHistogramPoint {
  const point: ExponentialHistogramPoint = {
    kind: 'exponential_histogram',
    ...emptyPoint(),
    count: 0n,
    sum: null,
    min: null,
    max: null,
    scale: 0,
    zeroCount: 0n,
    zeroThreshold: 0,
    positive: { offset: 0, counts: [] },
    negative: { offset: 0, counts: [] },
    exemplars: [],
  };
  let attributeCount = 0;
  while (reader.next()) {
    if (reader.fieldNumber === 1) readAttribute(reader, point.attributes, ++attributeCount);
    else if (reader.fieldNumber === 2) point.startNs = reader.fixed64();
    else if (reader.fieldNumber === 3) point.timeNs = reader.fixed64();
    else if (reader.fieldNumber === 4) point.count = reader.fixed64();
    else if (reader.fieldNumber === 5) point.sum = reader.double();
    else if (reader.fieldNumber === 6) point.scale = reader.sint32();
    else if (reader.fieldNumber === 7) point.zeroCount = reader.fixed64();
    else if (reader.fieldNumber === 8) reader.message((buckets) => readBucketsInto(buckets, point.positive));
    else if (reader.fieldNumber === 9) reader.message((buckets) => readBucketsInto(buckets, point.negative));
    else if (reader.fieldNumber === 10) point.flags = reader.uint32();
    else if (reader.fieldNumber === 11) point.exemplars.push(reader.message(readExemplar));
    else if (reader.fieldNumber === 12) point.min = reader.double();
    else if (reader.fieldNumber === 13) point.max = reader.double();
    else if (reader.fieldNumber === 14) point.zeroThreshold = reader.double();
    else reader.skip();
  }
  return point;
}

export function readSummaryPoint(reader: ProtobufReader): SummaryPoint {
  const point: SummaryPoint = { kind: 'summary', ...emptyPoint(), count: 0n, sum: 0, quantiles: [] };
  let attributeCount = 0;
  while (reader.next()) {
    if (reader.fieldNumber === 7) readAttribute(reader, point.attributes, ++attributeCount);
    else if (reader.fieldNumber === 2) point.startNs = reader.fixed64();
    else if (reader.fieldNumber === 3) point.timeNs = reader.fixed64();
    else if (reader.fieldNumber === 4) point.count = reader.fixed64();
    else if (reader.fieldNumber === 5) point.sum = reader.double();
    else if (reader.fieldNumber === 6) point.quantiles.push(reader.message(readQuantile));
    else if (reader.fieldNumber === 8) point.flags = reader.uint32();
    else reader.skip();
  }
  return point;
}

/** What every kind of point starts from. */
function emptyPoint(): Pick<MetricPoint, 'attributes' | 'startNs' | 'timeNs' | 'flags'> {
  return { attributes: new Map(), startNs: 0n, timeNs: 0n, flags: 0 };
}

function readBucketsInto(reader: ProtobufReader, buckets: Buckets): void {
  while (reader.next()) {
    if (reader.fieldNumber === 1) buckets.offset = reader.sint32();
    else if (reader.fieldNumber === 2) reader.uint64sInto(buckets.counts);
    else reader.skip();
  }
}

function readQuantile(reader: ProtobufReader): { quantile: number; value: number } {
  const result = { quantile: 0, value: 0 };
  while (reader.next()) {
    if (reader.fieldNumber === 1) result.quantile = reader.double();
    else if (reader.fieldNumber === 2) result.value = reader.double();
    else reader.skip();
  }
  return result;
}
