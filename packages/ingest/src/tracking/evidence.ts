/** Turns tracked facts into the same rows that events and metric points over OTLP become. */

import { randomUUID } from 'node:crypto';
import { ATTR, type Aggregation, type EventName } from '@rollcall/semconv';
import type { RowObject } from '../native/encode-rows.ts';
import type { OtelTable } from '../rows/tables.ts';
import { Writers } from '../rows/writers.ts';
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
  const writers = new Writers();
  const add = (table: OtelTable, row: RowObject): void => writers.of(table).addRow(row);
  for (const fact of events) add('otel_logs', eventRow(run, fact, receivedAtMs));
  for (const fact of metrics) {
    if (fact.aggregation === 'sum') add('otel_metrics_sum', sumRow(run, fact, receivedAtMs));
    else add('otel_metrics_gauge', metricRow(run, fact, receivedAtMs));
  }
  return writers.take();
}

/** A key for an addition that nobody will repeat. */
export function newIncrementKey(): string {
  return randomUUID();
}

function eventRow(
  run: RunIdentity,
  { event, atNs, clientId = '', attempt, attributes = {} }: EventFact,
  receivedAtMs: number,
): RowObject {
  const severity = event.endsWith('failure') ? 'ERROR' : 'INFO';
  return {
    ...commonColumns(run, clientId, receivedAtMs),
    Timestamp: atNs,
    ObservedTimestamp: atNs,
    // Nothing was traced here. The trace of the run is the one that its process tells; an origin need not be one.
    TraceId: '',
    SeverityText: severity,
    SeverityNumber: SEVERITY[severity],
    EventName: event,
    LogAttributes: { ...identity(run, clientId, attempt), ...attributes },
  };
}

function sumRow(run: RunIdentity, fact: MetricFact, receivedAtMs: number): RowObject {
  return { ...metricRow(run, fact, receivedAtMs), AggregationTemporality: 2, IsMonotonic: false };
}

/** A start time of 1970 makes all totals of a series one accumulation: the latest replaces the others. */
function metricRow(
  run: RunIdentity,
  { metric, aggregation, unit, value, atNs, clientId = '', attempt, incrementKey }: MetricFact,
  receivedAtMs: number,
): RowObject {
  return {
    ...commonColumns(run, clientId, receivedAtMs),
    MetricName: metric,
    MetricUnit: unit,
    StartTimeUnix: 0n,
    TimeUnix: atNs,
    Value: value,
    Attributes: {
      ...identity(run, clientId, attempt),
      [ATTR.METRIC_AGGREGATION]: aggregation,
      ...(incrementKey === undefined ? {} : { [INCREMENT_KEY]: incrementKey }),
    },
  };
}

function commonColumns(run: RunIdentity, clientId: string, receivedAtMs: number): RowObject {
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
