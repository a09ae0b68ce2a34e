/** One number of one run: its running total, and when it was last told. */
import type { Attributes, HrTime } from '@opentelemetry/api';
import { ATTR, type Aggregation } from '@rollcall/semconv';
import { justAfter, laterOf, now } from '../clock.ts';

/** The odometer of (run, client or none, attempt, metric). */
export interface Series {
  readonly name: string;
  readonly aggregation: Aggregation;
  /** Attributes that all series of the run share. */
  readonly owner: Attributes;
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
  series: Series;
  revision: number;
  startTime: HrTime;
  endTime: HrTime;
  value: number;
  attributes: Attributes;
}

export function createSeries(
  name: string,
  aggregation: Aggregation,
  owner: Attributes,
  value: number,
): Series {
  const startTime = now();
  return {
    name,
    aggregation,
    owner,
    startTime,
    value,
    revision: 1,
    queued: false,
    lastTime: startTime,
    reportedAt: aggregation === 'last' ? nextReportTime() : startTime,
    endedAt: undefined,
  };
}

let latestReport: HrTime = [0, 0];

/** Now, and later than every report before: of two reports in one process the second is the latest. */
export function nextReportTime(): HrTime {
  latestReport = laterOf(now(), justAfter(latestReport));
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
 * Takes a reading. Of running totals: later than the one before, and not before the end of an ended run.
 * Of `last`: at the time when the value was reported, since the latest of all clients is sought by it.
 */
export function readPoint(series: Series): Point {
  const endTime =
    series.aggregation === 'last'
      ? series.reportedAt
      : laterOf(laterOf(now(), justAfter(series.lastTime)), series.endedAt ?? series.lastTime);
  series.lastTime = endTime;
  const attributes: Attributes = { ...series.owner, [ATTR.METRIC_AGGREGATION]: series.aggregation };
  if (series.endedAt !== undefined) attributes[ATTR.METRIC_FINAL] = true;
  const { revision, startTime, value } = series;
  return { series, revision, startTime, endTime, value, attributes };
}
