/** What a job run and a client run have in common: numbers, progress, notes, and an end. */
import { SpanStatusCode, type Attributes, type Context, type HrTime, type Span } from '@opentelemetry/api';
import { ATTR, EVENT, type Aggregation, type EventName } from '@rollcall/semconv';
import { laterOf, now } from '../clock.ts';
import { safely } from '../faults.ts';
import { toAttributes } from '../heartbeat/beat-record.ts';
import type { Progress } from '../heartbeat/lifeline.ts';
import { addToStamp, type Stamp } from '../otel/stamp.ts';
import type { Recorded, RunMetrics } from '../metrics/run-metrics.ts';
import type { Cancellation, Settled } from './cancellation.ts';
import type { Core } from './core.ts';
import { describeError } from './describe-error.ts';
import { endingOf, isCancellation, type Ending } from './ending.ts';
import type { Step, Tracked } from './handles.ts';
import { NOTE, Notes, type Note } from './notes.ts';
import type { Scope } from './scope.ts';
import { runStep, type TrackedStep } from './step.ts';

/** An event that is about to be emitted. */
export interface RunEvent {
  name: EventName;
  /** Time of the fact; now unless given. */
  at?: HrTime;
  failed?: boolean;
  body?: string;
  attributes?: Attributes;
}

export interface TrackedRunParts {
  core: Core;
  /** Attributes that everything of this run carries. */
  stamp: Stamp;
  startTime: HrTime;
  attempt: number;
  cancellation: Cancellation;
}

export abstract class TrackedRun implements Tracked {
  readonly attempt: number;
  readonly core: Core;
  abstract readonly span: Span;
  abstract readonly context: Context;
  abstract readonly scope: Scope;
  readonly startTime: HrTime;
  readonly cancellation: Cancellation;
  /** Steps under way. */
  readonly openSteps = new Set<TrackedStep>();
  protected readonly metrics: RunMetrics;
  readonly #notes = new Notes((note) => this.#emitNote(note));
  #progress: Progress | undefined;
  #progressChanged = false;
  #skipReason: string | undefined;
  #ended = false;

  constructor(parts: TrackedRunParts) {
    this.core = parts.core;
    this.startTime = parts.startTime;
    this.attempt = parts.attempt;
    this.cancellation = parts.cancellation;
    this.metrics = parts.core.odometers.open(parts.stamp);
  }

  get signal(): AbortSignal {
    return this.cancellation.signal;
  }

  get ended(): boolean {
    return this.#ended;
  }

  count(metric: string, value = 1): void {
    this.#record(metric, 'sum', value);
  }

  min(metric: string, value: number): void {
    this.#record(metric, 'min', value);
  }

  max(metric: string, value: number): void {
    this.#record(metric, 'max', value);
  }

  last(metric: string, value: number): void {
    this.#record(metric, 'last', value);
  }

  progress(done: number, total?: number): void {
    safely('take progress', () => {
      if (!isAmount(done) || !(total === undefined || isAmount(total))) {
        this.note(NOTE.PROGRESS_REFUSED, 'progress', `${String(done)} of ${String(total)} is no progress`);
        return;
      }
      this.#progress = {
        done: Math.floor(done),
        ...(total === undefined ? {} : { total: Math.floor(total) }),
      };
      this.#progressChanged = true;
      this.progressed(this.#progress);
    });
  }

  skip(reason: string): void {
    safely('take the reason to skip', () => {
      this.#skipReason = String(reason ?? 'skipped');
    });
  }

  step<T>(name: string, fn: (step: Step) => T | PromiseLike<T>): Promise<T> {
    return runStep(this, name, fn);
  }

  note(code: string, subject: string, text: string): void {
    safely('take a note', () => this.#notes.add(String(code), String(subject), String(text)));
  }

  /** Emits an event of this run, with its place in the job run's sequence. */
  emit(event: RunEvent, from: { scope: Scope; context: Context } = this): void {
    this.scope.run.emitFrom(event, from);
  }

  /** Reports an error, unless a wrapper further in has done so or it is only the echo of a cancellation. */
  reportFailure(thrown: unknown, from: { scope: Scope; context: Context; span: Span } = this): void {
    if (isCancellation(thrown, this.signal) || !this.core.errors.isNew(thrown, from.scope)) return;
    const at = now();
    const { type, message, stacktrace } = describeError(thrown);
    const stack = stacktrace === undefined ? {} : { stack: stacktrace };
    from.span.recordException({ name: type, message, ...stack }, at);
    const attributes: Attributes = { [ATTR.EXCEPTION_TYPE]: type, [ATTR.EXCEPTION_MESSAGE]: message };
    if (stacktrace !== undefined) attributes[ATTR.EXCEPTION_STACKTRACE] = stacktrace;
    this.emit({ name: EVENT.FAILURE, at, failed: true, body: `${type}: ${message}`, attributes }, from);
  }

  /** Tells how the work settled. A run that has ended already only notes it. */
  finish(settled: Settled<unknown>): void {
    if (this.#ended) this.settledLate();
    else this.end(endingOf(settled, this.cancellation, this.#skipReason));
  }

  /** Ends the run and the steps under way, the inner ones first, because the process ends. */
  endWithProcess(ending: Ending): void {
    const reason = ending.reason ?? describeError(ending.error?.thrown).message;
    for (const step of [...this.openSteps].toReversed()) step.interrupt(reason);
    this.end(ending);
  }

  settledLate(): void {
    safely('note a late end', () => {
      this.note(NOTE.SETTLED_AFTER_TIMEOUT, this.span.spanContext().spanId, 'Work ended after its run had');
    });
  }

  /** Ends the run: event and span tell the same facts with the same time. */
  end(ending: Ending): void {
    if (this.#ended) return;
    this.cancellation.release();
    if (ending.error !== undefined) this.reportFailure(ending.error.thrown);
    this.#notes.flush();
    this.#ended = true;
    const endTime = laterOf(now(), this.startTime);
    const attributes = { ...this.#describe(ending), [ATTR.METRIC_SERIES]: this.metrics.end(endTime) };
    this.core.odometers.close(this.metrics);
    const failed = ending.status === 'failed' || ending.status === 'timed_out';
    if (this.endedEvent !== undefined) this.emit({ name: this.endedEvent, at: endTime, failed, attributes });
    addToStamp(this.span, { ...attributes, ...this.endAttributes() });
    if (failed) {
      const message = ending.reason ?? describeError(ending.error?.thrown).message;
      this.span.setStatus({ code: SpanStatusCode.ERROR, message });
    }
    this.span.end(endTime);
  }

  /** The part of a sign of life that is about this run. */
  protected beatAttributes(): Attributes {
    this.#notes.flush();
    this.#progressChanged = false;
    return toAttributes(this.#progress);
  }

  /** Called with every new progress. */
  protected progressed(_progress: Progress): void {}

  protected get progressChanged(): boolean {
    return this.#progressChanged;
  }

  /** Undefined for a part of a run that ends elsewhere. */
  protected abstract readonly endedEvent: EventName | undefined;

  /** What only the span says at the end. */
  protected endAttributes(): Attributes {
    return {};
  }

  #record(metric: unknown, aggregation: Aggregation, value: unknown): void {
    safely('record a metric', () => {
      const recorded = this.#take(metric, aggregation, value);
      if (recorded.status === 'refused') this.note(NOTE.METRIC_REFUSED, recorded.subject, recorded.reason);
    });
  }

  /** Without declared metrics the name and the value are looked at where they are kept. */
  #take(metric: unknown, aggregation: Aggregation, value: unknown): Recorded {
    const { definition } = this.core;
    if (definition === undefined) return this.metrics.record(metric, aggregation, value);
    const reading = definition.read(metric, value, aggregation);
    return reading.status === 'refused'
      ? reading
      : this.metrics.record(reading.metric, aggregation, reading.value);
  }

  #describe({ status, reason, error }: Ending): Attributes {
    const attributes: Attributes = { ...toAttributes(this.#progress), [ATTR.STATUS]: status };
    if (reason !== undefined) attributes[ATTR.STATUS_REASON] = reason;
    if (error !== undefined) {
      const { type, message } = describeError(error.thrown);
      attributes[ATTR.EXCEPTION_TYPE] = type;
      attributes[ATTR.EXCEPTION_MESSAGE] = message;
      attributes['error.type'] = type;
    }
    return attributes;
  }

  #emitNote({ code, subject, text, count }: Note): void {
    const attributes = {
      [ATTR.NOTE_CODE]: code,
      [ATTR.NOTE_SUBJECT]: subject,
      [ATTR.NOTE_TEXT]: text,
      [ATTR.NOTE_COUNT]: count,
    };
    this.emit({ name: EVENT.NOTE, body: text, attributes });
  }
}

function isAmount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}
