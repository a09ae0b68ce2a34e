/** Turns OTLP metric points into rows of the otel_metrics_* tables. */
import { ATTR } from '@rollcall/semconv';
import {
  checkOptionalTime,
  checkRunTime,
  optionalSpanId,
  optionalTraceId,
} from '../../src/otlp/check-fields.ts';
import { checkPoint, hasNoRecordedValue } from '../../src/otlp/check-metric.ts';
import { RecordError } from '../../src/otlp/fault.ts';
import type {
  Exemplar,
  ExponentialHistogramPoint,
  HistogramPoint,
  Metric,
  MetricPoint,
  NumberPoint,
  Origin,
  SignalRecords,
  SummaryPoint,
} from '../../src/otlp/records.ts';
import {
  arrayJson,
  attributesJson,
  floatJson,
  nullableFloatJson,
  textJson,
  uint64Json,
} from './json-text.ts';
import type { RowContext } from './origin-columns.ts';
import type { Row } from './row-collector.ts';
import { runColumns } from './run-identity.ts';

/** The row of one point, none for a point that says it has no value; throws a `RecordError` where it cannot be kept. */
export function metricRow(
  { metric, point }: SignalRecords['metrics'],
  origin: Origin,
  { receivedAtMs }: RowContext,
): Row | undefined {
  if (hasNoRecordedValue(point)) return undefined;
  checkPoint(metric, point);
  if (point.attributes.has(ATTR.RUN_ID)) checkRunTime(point.timeNs, receivedAtMs, "time of a run's metric");
  return {
    table: `otel_metrics_${point.kind}`,
    columns: `${commonColumns(metric, point, origin)},${kindColumns(metric, point)}`,
  };
}

function commonColumns(metric: Metric, point: MetricPoint, origin: Origin): string {
  return (
    `"MetricName":${textJson(metric.name)},"MetricDescription":${textJson(metric.description)},` +
    `"MetricUnit":${textJson(metric.unit)},"MetricMetadata":${attributesJson(metric.metadata)},` +
    `"StartTimeUnix":${point.startNs},"TimeUnix":${point.timeNs},` +
    `${runColumns(point.attributes, origin.resource.attributes)},` +
    `"Attributes":${attributesJson(point.attributes)},"Flags":${point.flags}`
  );
}

function kindColumns(metric: Metric, point: MetricPoint): string {
  if (point.kind === 'summary') return summaryColumns(point);
  if (point.kind === 'gauge') return numberColumns(point);
  const temporality = `"AggregationTemporality":${metric.temporality}`;
  if (point.kind === 'histogram') return `${histogramColumns(point)},${temporality}`;
  if (point.kind === 'exponential_histogram') return `${exponentialHistogramColumns(point)},${temporality}`;
  return `${numberColumns(point)},${temporality},"IsMonotonic":${metric.isMonotonic}`;
}

function numberColumns(point: NumberPoint): string {
  return `"Value":${numberJson(point.value)},${exemplarColumns(point.exemplars)}`;
}

function histogramColumns(point: HistogramPoint): string {
  return (
    `${distributionColumns(point)},"BucketCounts":${arrayJson(point.bucketCounts, uint64Json)},` +
    `"ExplicitBounds":${arrayJson(point.explicitBounds, floatJson)},${exemplarColumns(point.exemplars)}`
  );
}

function exponentialHistogramColumns(point: ExponentialHistogramPoint): string {
  return (
    `${distributionColumns(point)},"Scale":${point.scale},"ZeroCount":${uint64Json(point.zeroCount)},` +
    `"ZeroThreshold":${floatJson(point.zeroThreshold)},"PositiveOffset":${point.positive.offset},` +
    `"PositiveBucketCounts":${arrayJson(point.positive.counts, uint64Json)},` +
    `"NegativeOffset":${point.negative.offset},` +
    `"NegativeBucketCounts":${arrayJson(point.negative.counts, uint64Json)},${exemplarColumns(point.exemplars)}`
  );
}

function distributionColumns(point: HistogramPoint | ExponentialHistogramPoint): string {
  return (
    `"Count":${uint64Json(point.count)},"Sum":${nullableFloatJson(point.sum)},` +
    `"Min":${nullableFloatJson(point.min)},"Max":${nullableFloatJson(point.max)}`
  );
}

function summaryColumns(point: SummaryPoint): string {
  return (
    `"Count":${uint64Json(point.count)},"Sum":${floatJson(point.sum)},` +
    `"ValueAtQuantiles.Quantile":${arrayJson(point.quantiles, (item) => floatJson(item.quantile))},` +
    `"ValueAtQuantiles.Value":${arrayJson(point.quantiles, (item) => floatJson(item.value))}`
  );
}

function exemplarColumns(exemplars: readonly Exemplar[]): string {
  exemplars.forEach(checkExemplar);
  return (
    `"Exemplars.FilteredAttributes":${arrayJson(exemplars, (exemplar) => attributesJson(exemplar.attributes))},` +
    `"Exemplars.TimeUnix":${arrayJson(exemplars, (exemplar) => String(exemplar.timeNs))},` +
    `"Exemplars.Value":${arrayJson(exemplars, (exemplar) => numberJson(exemplar.value))},` +
    `"Exemplars.SpanId":${arrayJson(exemplars, (exemplar) => `"${optionalSpanId(exemplar.spanId, 'invalid_exemplar')}"`)},` +
    `"Exemplars.TraceId":${arrayJson(exemplars, (exemplar) => `"${optionalTraceId(exemplar.traceId, 'invalid_exemplar')}"`)}`
  );
}

function checkExemplar(exemplar: Exemplar): void {
  checkOptionalTime(exemplar.timeNs, 'time of an exemplar');
  if (exemplar.value !== null) return;
  throw new RecordError('invalid_exemplar', 'An exemplar has no value; send asInt or asDouble.');
}

/** The columns are Float64, so an int beyond 2^53 is rounded here as it would be there. */
function numberJson(value: number | bigint | null): string {
  return floatJson(Number(value ?? 0));
}
