/** One number of one run: its running total, and when it was last told. */
import type { Attributes, HrTime } from '@opentelemetry/api';
import { ATTR, type Aggregation } from '@rollcall/semconv';
import { laterThan, now } from '../clock.ts';
import { STAMP, type Stamp } from '../otel/stamp.ts';

/** What a process counts: one object for all series of it. */
export interface Metric {
  readonly name: string;
  readonly aggregation: Aggregation;
}

/** The odometer of (run, client or none, attempt, metric). */
export interface Series {
  readonly metric: Metric;
  /** What all series of the run share. */
  readonly owner: Stamp;
  /** Since when its run counts here. It tells its total from those of other processes. */
  readonly startTime: HrTime;
  value: number;
  /** Rises with every change, the end included. */
  revision: number;
  /** Whether it is in the outbox, waiting or under way. */
  queued: boolean;
  /** Time of the last point, so that the next is later. */
  lastTime: HrTime;
  /** When the value was reported, for `last`: which of several is the latest must not depend on when they are sent. */
  reportedAt: HrTime;
  /** When its run ended: from then on every point is final. */
  endedAt: HrTime | undefined;
}

/** A series' value at a moment. */
export interface Point {
  metric: Metric;
  startTime: HrTime;
  endTime: HrTime;
  value: number;
  /** Those beside the stamp. */
  attributes: Attributes;
  [STAMP]: Stamp;
}

export function createSeries(metric: Metric, owner: Stamp, startTime: HrTime, value: number): Series {
  return {
    metric,
    owner,
    startTime,
    value,
    revision: 1,
    queued: false,
    lastTime: startTime,
    reportedAt: metric.aggregation === 'last' ? nextReportTime() : startTime,
    endedAt: undefined,
  };
}

let latestReport: HrTime = [0, 0];

/** Now, and later than every report before: of two reports in one process the second is the latest. */
export function nextReportTime(): HrTime {
  latestReport = laterThan(latestReport, now());
  return latestReport;
}

/** What the total becomes when a value is added to it. */
export function accumulate(aggregation: Aggregation, total: number, value: number): number {
  switch (aggregation) {
    case 'sum':
      return total + value;
    case 'min':
      return Math.min(total, value);
    case 'max':
      return Math.max(total, value);
    case 'last':
      return value;
  }
}

/**
 * Takes a reading. Of running totals: of this moment or of the end of an ended run, and later than the one before.
 * Of `last`: at the time when the value was reported, since the latest of all clients is sought by it.
 */
export function readPoint(series: Series): Point {
  const endTime =
    series.metric.aggregation === 'last'
      ? series.reportedAt
      : laterThan(series.lastTime, series.endedAt ?? now());
  series.lastTime = endTime;
  const { startTime, value, owner, metric, endedAt } = series;
  const attributes = (endedAt === undefined ? RUNNING : FINAL)[metric.aggregation];
  return { metric, startTime, endTime, value, attributes, [STAMP]: owner };
}

const RUNNING = {
  sum: { [ATTR.METRIC_AGGREGATION]: 'sum' },
  min: { [ATTR.METRIC_AGGREGATION]: 'min' },
  max: { [ATTR.METRIC_AGGREGATION]: 'max' },
  last: { [ATTR.METRIC_AGGREGATION]: 'last' },
};

const FINAL = {
  sum: { ...RUNNING.sum, [ATTR.METRIC_FINAL]: true },
  min: { ...RUNNING.min, [ATTR.METRIC_FINAL]: true },
  max: { ...RUNNING.max, [ATTR.METRIC_FINAL]: true },
  last: { ...RUNNING.last, [ATTR.METRIC_FINAL]: true },
};
