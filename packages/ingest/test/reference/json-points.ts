/** Decodes the five kinds of OTLP/JSON data points. */
import type { JsonObject } from '../../src/otlp/json-body.ts';
import {
  int32Of,
  listOf,
  objectOf,
  optionalDoubleOf,
  toDouble,
  toObject,
  toUint64,
  uint32Of,
  uint64Of,
} from '../../src/otlp/json-fields.ts';
import { attributesOf, numberValueOf, toExemplar } from '../../src/otlp/json-values.ts';
import type {
  Buckets,
  Exemplar,
  ExponentialHistogramPoint,
  HistogramPoint,
  MetricPoint,
  NumberPoint,
  SummaryPoint,
} from '../../src/otlp/records.ts';

export function toNumberPoint(object: JsonObject, kind: NumberPoint['kind']): NumberPoint {
  return { kind, ...pointOf(object), value: numberValueOf(object), exemplars: exemplarsOf(object) };
}

export function toHistogramPoint(object: JsonObject): HistogramPoint {
  return {
    kind: 'histogram',
    ...pointOf(object),
    ...distributionOf(object),
    bucketCounts: countsOf(object),
    explicitBounds: listOf(object, 'explicitBounds').map((bound) => toDouble(bound, 'explicitBounds')),
    exemplars: exemplarsOf(object),
  };
}

export function toExponentialHistogramPoint(object: JsonObject): ExponentialHistogramPoint {
  return {
    kind: 'exponential_histogram',
    ...pointOf(object),
    ...distributionOf(object),
    scale: int32Of(object, 'scale'),
    zeroCount: uint64Of(object, 'zeroCount'),
    zeroThreshold: optionalDoubleOf(object, 'zeroThreshold') ?? 0,
    positive: toBuckets(objectOf(object, 'positive')),
    negative: toBuckets(objectOf(object, 'negative')),
    exemplars: exemplarsOf(object),
  };
}

export function toSummaryPoint(object: JsonObject): SummaryPoint {
  return {
    kind: 'summary',
    ...pointOf(object),
    count: uint64Of(object, 'count'),
    sum: optionalDoubleOf(object, 'sum') ?? 0,
    quantiles: listOf(object, 'quantileValues').map(toQuantile),
  };
}

function pointOf(object: JsonObject): Pick<MetricPoint, 'attributes' | 'startNs' | 'timeNs' | 'flags'> {
  return {
    attributes: attributesOf(object),
    startNs: uint64Of(object, 'startTimeUnixNano'),
    timeNs: uint64Of(object, 'timeUnixNano'),
    flags: uint32Of(object, 'flags'),
  };
}

function distributionOf(object: JsonObject): Pick<HistogramPoint, 'count' | 'sum' | 'min' | 'max'> {
  return {
    count: uint64Of(object, 'count'),
    sum: optionalDoubleOf(object, 'sum'),
    min: optionalDoubleOf(object, 'min'),
    max: optionalDoubleOf(object, 'max'),
  };
}

function exemplarsOf(object: JsonObject): Exemplar[] {
  return listOf(object, 'exemplars').map(toExemplar);
}

function toBuckets(object: JsonObject): Buckets {
  return { offset: int32Of(object, 'offset'), counts: countsOf(object) };
}

function countsOf(object: JsonObject): bigint[] {
  return listOf(object, 'bucketCounts').map((count) => toUint64(count, 'bucketCounts'));
}

function toQuantile(value: unknown): { quantile: number; value: number } {
  const object = toObject(value, 'quantileValues');
  return {
    quantile: optionalDoubleOf(object, 'quantile') ?? 0,
    value: optionalDoubleOf(object, 'value') ?? 0,
  };
}
