/** Checks metrics and their points: what decodes, but cannot be kept. */
import { checkName, checkOptionalTime, checkTime } from './check-fields.ts';
import { quote, RecordError } from './fault.ts';
import type { HistogramPoint, Metric, MetricPoint } from './records.ts';

/** Flag of a point by which a sender says that it has no value (`DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK`). */
const NO_RECORDED_VALUE = 1;

/** Whether the sender says that the point has no value: a sign of staleness, nothing to store. */
export function hasNoRecordedValue(point: MetricPoint): boolean {
  return (point.flags & NO_RECORDED_VALUE) !== 0;
}

/** Refuses a point without time or value, or with buckets that do not fit their bounds. */
export function checkPoint(metric: Metric, point: MetricPoint): void {
  if (metric.name === '') throw new RecordError('missing_metric_name', 'A metric has no name; give it one.');
  checkName(metric.name, 'metric name');
  checkTime(point.timeNs, 'time of a point');
  checkOptionalTime(point.startNs, 'start time of a point');
  if (point.kind === 'histogram') checkBuckets(metric, point);
  if ((point.kind === 'gauge' || point.kind === 'sum') && point.value === null) {
    throw new RecordError(
      'missing_value',
      `A point of ${quote(metric.name)} has no value; send asInt, asDouble, or the flag 1 for no recorded value.`,
    );
  }
}

/** The fault of a metric that says neither gauge nor sum nor any other kind. */
export function missingKind(name: string): RecordError {
  return new RecordError(
    'missing_metric_kind',
    `The metric ${quote(name)} has no kind; send gauge, sum, histogram, exponentialHistogram or summary.`,
  );
}

function checkBuckets(metric: Metric, { bucketCounts, explicitBounds }: HistogramPoint): void {
  const wanted = bucketCounts.length === 0 ? 0 : bucketCounts.length - 1;
  if (explicitBounds.length === wanted) return;
  throw new RecordError(
    'invalid_buckets',
    `A point of ${quote(metric.name)} has ${bucketCounts.length} buckets and ${explicitBounds.length} bounds; ` +
      'send one bucket more than bounds.',
  );
}
