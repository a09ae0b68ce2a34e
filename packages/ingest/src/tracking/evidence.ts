/** Turns tracked facts into the same rows that events and metric points over OTLP become. */

import { randomUUID } from 'node:crypto';
import { ATTR, type Aggregation, type EventName } from '@rollcall/semconv';
import type { SpoolBlock } from '../spool/spool.ts';

/** Who the facts are about. */
export interface RunIdentity {
  readonly project: string;
  readonly job: string;
  readonly runId: string;
  /** Trace ID of the job run, 32 hex digits. */
  readonly origin: string;
}

export interface EventFact {
  readonly event: EventName;
  /** Nanoseconds since 1970. */
  readonly atNs: bigint;
  readonly clientId?: string;
  readonly attempt?: number;
  readonly attributes?: Record<string, string>;
}

export interface MetricFact {
  readonly metric: string;
  readonly aggregation: Aggregation;
  readonly unit: string;
  readonly value: number;
  readonly atNs: bigint;
  readonly clientId?: string;
  readonly attempt: number;
  /** Present on what adds: the same key again is the same addition. Absent on current totals. */
  readonly incrementKey?: string;
}

/** Names the producer of everything that comes over REST: one, so that a later total replaces an earlier one. */
const PRODUCER = { 'service.instance.id': 'rollcall-tracking-api', 'service.name': 'rollcall-tracking-api' };
const INCREMENT_KEY = 'rollcall.increment.key';
const SEVERITY = { INFO: 9, ERROR: 17 } as const;

/** One block per table that the facts touch, ready for the spool. */
export function evidenceOf(
  run: RunIdentity,
  { events = [], metrics = [] }: { events?: readonly EventFact[]; metrics?: readonly MetricFact[] },
  receivedAtMs: number,
): SpoolBlock[] {
  const sums = metrics.filter(({ aggregation }) => aggregation === 'sum');
  const gauges = metrics.filter(({ aggregation }) => aggregation !== 'sum');
  return [
    block(
      'otel_logs',
      events.map((fact) => eventRow(run, fact, receivedAtMs)),
    ),
    block(
      'otel_metrics_sum',
      sums.map((fact) => sumRow(run, fact, receivedAtMs)),
    ),
    block(
      'otel_metrics_gauge',
      gauges.map((fact) => metricRow(run, fact, receivedAtMs)),
    ),
  ].filter(({ rows }) => rows > 0);
}

/** A key for an addition that nobody will repeat. */
export function newIncrementKey(): string {
  return randomUUID();
}

function block(table: string, rows: readonly object[]): SpoolBlock {
  const text = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  return { table, rows: rows.length, bytes: Buffer.from(text.toWellFormed()) };
}

function eventRow(
  run: RunIdentity,
  { event, atNs, clientId = '', attempt, attributes = {} }: EventFact,
  receivedAtMs: number,
): object {
  const severity = event.endsWith('failure') ? 'ERROR' : 'INFO';
  return {
    ...commonColumns(run, clientId, receivedAtMs),
    Timestamp: nanoseconds(atNs),
    ObservedTimestamp: nanoseconds(atNs),
    // Nothing was traced here. The trace of the run is the one that its process tells; an origin need not be one.
    TraceId: '',
    SeverityText: severity,
    SeverityNumber: SEVERITY[severity],
    EventName: event,
    LogAttributes: { ...identity(run, clientId, attempt), ...attributes },
  };
}

function sumRow(run: RunIdentity, fact: MetricFact, receivedAtMs: number): object {
  return { ...metricRow(run, fact, receivedAtMs), AggregationTemporality: 2, IsMonotonic: false };
}

/** A start time of 1970 makes all totals of a series one accumulation: the latest replaces the others. */
function metricRow(
  run: RunIdentity,
  { metric, aggregation, unit, value, atNs, clientId = '', attempt, incrementKey }: MetricFact,
  receivedAtMs: number,
): object {
  return {
    ...commonColumns(run, clientId, receivedAtMs),
    MetricName: metric,
    MetricUnit: unit,
    StartTimeUnix: nanoseconds(0n),
    TimeUnix: nanoseconds(atNs),
    Value: value,
    Attributes: {
      ...identity(run, clientId, attempt),
      [ATTR.METRIC_AGGREGATION]: aggregation,
      ...(incrementKey === undefined ? {} : { [INCREMENT_KEY]: incrementKey }),
    },
  };
}

function commonColumns(run: RunIdentity, clientId: string, receivedAtMs: number): object {
  return {
    ProjectId: run.project,
    ReceivedAt: Math.floor(receivedAtMs / 1000),
    ServiceName: PRODUCER['service.name'],
    ResourceAttributes: PRODUCER,
    ScopeName: 'rollcall.tracking',
    RunId: run.runId,
    JobName: run.job,
    ClientId: clientId,
  };
}

function identity(run: RunIdentity, clientId: string, attempt: number | undefined): Record<string, string> {
  return {
    [ATTR.RUN_ID]: run.runId,
    [ATTR.RUN_ORIGIN]: run.origin,
    [ATTR.JOB_NAME]: run.job,
    ...(clientId === '' ? {} : { [ATTR.CLIENT_ID]: clientId }),
    ...(attempt === undefined ? {} : { [ATTR.ATTEMPT]: String(attempt) }),
  };
}

/** ClickHouse reads a bare integer as the ticks of a DateTime64(9); a JavaScript number would lose the last digits. */
function nanoseconds(time: bigint): unknown {
  return (JSON as unknown as { rawJSON: (text: string) => unknown }).rawJSON(String(time));
}
