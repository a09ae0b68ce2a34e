/** Keeps the metrics of one run. */
import type { HrTime } from '@opentelemetry/api';
import { MAX_NAME_LENGTH, type Aggregation } from '@rollcall/semconv';
import type { Stamp } from '../otel/stamp.ts';
import { accumulate, createSeries, nextReportTime, type Metric, type Series } from './series.ts';

/** Whether a value was taken, or why not. */
export type Recorded = { status: 'recorded' } | { status: 'refused'; subject: string; reason: string };

/** What the metrics of a run need of the process they are in. */
export interface MetricSink {
  /** The metric of this name. Its aggregation is another where that came first. */
  metric(name: string, aggregation: Aggregation): Metric;
  changed(series: Series): void;
  ended(series: Series): void;
}

/** The series of exactly one job run, or of one client run. */
export class RunMetrics {
  readonly #sink: MetricSink;
  readonly #owner: Stamp;
  readonly #startTime: HrTime;
  #series = new Map<string, Series>();
  #ended = false;

  constructor(sink: MetricSink, owner: Stamp, startTime: HrTime) {
    this.#sink = sink;
    this.#owner = owner;
    this.#startTime = startTime;
  }

  get series(): Iterable<Series> {
    return this.#series.values();
  }

  /** Adds a value, after checking it: what is no finite number is refused, never turned into 0. */
  record(name: unknown, aggregation: Aggregation, value: unknown): Recorded {
    const subject = typeof name === 'string' ? name.trim() : describe(name);
    if (typeof name !== 'string' || subject === '') {
      return refused(subject, `a metric's name is a non-empty string, not ${describe(name)}`);
    }
    if (subject.length > MAX_NAME_LENGTH) {
      return refused(
        `${subject.slice(0, 60)}…`,
        `a metric's name has at most ${MAX_NAME_LENGTH} characters, not ${subject.length}`,
      );
    }
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      return refused(subject, `${describe(value)} is not a finite number`);
    }
    if (this.#ended) return refused(subject, `${value} came after the run had ended`);
    const series = this.#series.get(subject);
    const metric = series?.metric ?? this.#sink.metric(subject, aggregation);
    if (metric.aggregation !== aggregation) {
      return refused(subject, `${value} came as ${aggregation}, but the metric is a ${metric.aggregation}`);
    }
    if (series !== undefined) return this.#add(series, value);
    this.#open(metric, value);
    return RECORDED;
  }

  /** Ends all series; each is sent once more as final. Returns how many there are. */
  end(endedAt: HrTime): number {
    this.#ended = true;
    for (const series of this.#series.values()) {
      series.endedAt = endedAt;
      series.revision++;
      this.#sink.ended(series);
    }
    const count = this.#series.size;
    this.#series = NONE;
    return count;
  }

  #add(series: Series, value: number): Recorded {
    const { name, aggregation } = series.metric;
    const total = accumulate(aggregation, series.value, value);
    if (!Number.isFinite(total)) return refused(name, `${value} makes the total too large`);
    if (aggregation === 'last') series.reportedAt = nextReportTime();
    else if (total === series.value) return RECORDED;
    series.value = total;
    series.revision++;
    this.#sink.changed(series);
    return RECORDED;
  }

  #open(metric: Metric, value: number): void {
    const series = createSeries(metric, this.#owner, this.#startTime, value);
    this.#series.set(metric.name, series);
    this.#sink.changed(series);
  }
}

/** A run that has ended takes no more. */
const NONE = new Map<string, Series>();

const RECORDED: Recorded = { status: 'recorded' };

function refused(subject: string, reason: string): Recorded {
  return { status: 'refused', subject, reason };
}

function describe(value: unknown): string {
  if (typeof value === 'string')
    return `'${value.length > 60 ? `${value.slice(0, 60)}…` : value}' (a string)`;
  if (typeof value === 'number' || typeof value === 'boolean' || value === null || value === undefined) {
    return String(value);
  }
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
