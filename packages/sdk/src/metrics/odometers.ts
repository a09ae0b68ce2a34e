/** Holds the metrics of all open runs, and hands readings of them to an exporter or a MetricReader. */
import { ValueType, type HrTime } from '@opentelemetry/api';
import type { InstrumentationScope } from '@opentelemetry/core';
import type { Resource } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  DataPointType,
  type CollectionResult,
  type MetricData,
  type MetricProducer,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import type { Aggregation } from '@rollcall/semconv';
import { RunMetrics, type MetricSink } from './run-metrics.ts';
import { justAfter, now } from '../clock.ts';
import { withStamp, type Stamp } from '../otel/stamp.ts';
import { readPoint, type Metric, type Point, type Series } from './series.ts';

export interface OdometersOptions {
  resource: Resource;
  scope: InstrumentationScope;
  /** UCUM unit of a metric, empty where nobody declared one. */
  unitOf?: (metric: string) => string;
  /** Takes series that have something to tell. Absent when a MetricReader collects them. */
  send?: (series: Series) => void;
}

// A reader does not say whether it delivered; an odometer's final reading may be told more than once.
const FINAL_READINGS = 3;
// Names made up at run time must not fill the memory. Past this, a conflict is only seen within a run.
const MAX_NAMES = 10_000;

/**
 * The process's odometers. Ordinary OpenTelemetry instruments would keep every run's series for ever and fold
 * them into one once there are 2,000, so these stand beside the metrics SDK, as a MetricProducer.
 */
export class Odometers implements MetricSink, MetricProducer {
  readonly #options: OdometersOptions;
  readonly #metrics = new Map<string, Metric>();
  /** Runs whose series a MetricReader collects. */
  readonly #open = new Set<RunMetrics>();
  /** Ended series and how often a reader has got them. */
  readonly #ended = new Map<Series, number>();
  #latestStart: HrTime = [0, 0];

  constructor(options: OdometersOptions) {
    this.#options = options;
  }

  /** Begins the metrics of a run, whose points carry this stamp. */
  open(owner: Stamp): RunMetrics {
    const metrics = new RunMetrics(this, owner, this.#nextStart());
    if (this.#options.send === undefined) this.#open.add(metrics);
    return metrics;
  }

  /** Forgets a run whose metrics have ended. */
  close(metrics: RunMetrics): void {
    this.#open.delete(metrics);
  }

  metric(name: string, aggregation: Aggregation): Metric {
    const known = this.#metrics.get(name);
    if (known !== undefined) return known;
    const metric = { name, aggregation };
    if (this.#metrics.size < MAX_NAMES) this.#metrics.set(name, metric);
    return metric;
  }

  changed(series: Series): void {
    if (this.#options.send === undefined || series.queued) return;
    series.queued = true;
    this.#options.send(series);
  }

  ended(series: Series): void {
    if (this.#options.send === undefined) this.#ended.set(series, 0);
    else this.changed(series);
  }

  /** Takes a reading of each series of a batch. */
  read(batch: readonly Series[]): { metrics: ResourceMetrics; delivered: () => void } {
    // The points are not kept while they travel: what is in memory for long is what garbage collection costs.
    const told = batch.map(({ revision }) => revision);
    return {
      metrics: this.#toMetrics(batch.map(readPoint)),
      delivered: () => this.#delivered(batch, told),
    };
  }

  dropped(dropped: readonly Series[]): void {
    for (const series of dropped) series.queued = false;
  }

  /** Every open series, and the final readings of those that ended since. For an application's own MetricReader. */
  async collect(): Promise<CollectionResult> {
    const points: Point[] = [];
    for (const { series } of this.#open) for (const one of series) points.push(readPoint(one));
    for (const [series, readings] of this.#ended) {
      points.push(readPoint(series));
      if (readings + 1 < FINAL_READINGS) this.#ended.set(series, readings + 1);
      else this.#ended.delete(series);
    }
    return { resourceMetrics: this.#toMetrics(points.map(withStamp)), errors: [] };
  }

  /** A series that moved while its reading travelled has something to tell again. */
  #delivered(batch: readonly Series[], told: readonly number[]): void {
    batch.forEach((series, index) => {
      series.queued = false;
      if (series.revision > (told[index] ?? 0)) this.changed(series);
    });
  }

  /** Now, but no moment twice: parts of one run that join it in one process are told apart by it. */
  #nextStart(): HrTime {
    const time = now();
    const [second, nanosecond] = this.#latestStart;
    this.#latestStart = time[0] === second && time[1] <= nanosecond ? justAfter(this.#latestStart) : time;
    return this.#latestStart;
  }

  #toMetrics(points: readonly Point[]): ResourceMetrics {
    const { resource, scope, unitOf = () => '' } = this.#options;
    const byMetric = Map.groupBy(points, ({ metric }) => metric);
    const metrics = Array.from(byMetric, ([metric, same]) => toMetricData(metric, same, unitOf));
    return { resource, scopeMetrics: [{ scope, metrics }] };
  }
}

function toMetricData(
  { name, aggregation }: Metric,
  points: Point[],
  unitOf: (metric: string) => string,
): MetricData {
  const common = {
    descriptor: { name, description: '', unit: unitOf(name), valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
    dataPoints: points,
  };
  // A sum may go down as well: run metrics take negative values.
  return aggregation === 'sum'
    ? { ...common, dataPointType: DataPointType.SUM, isMonotonic: false }
    : { ...common, dataPointType: DataPointType.GAUGE };
}
