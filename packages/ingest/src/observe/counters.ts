/** Counts what the service does, in the form that Prometheus reads. */

import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { Verified } from './health.ts';

export interface Counters {
  readonly acceptedRows: Counter<'table'>;
  readonly refusedRecords: Counter<'reason'>;
  readonly refusedRequests: Counter<'reason'>;
  readonly repeatedRequests: Counter<'signal'>;
  readonly webhookMessages: Counter<'webhook' | 'outcome'>;
  readonly setAsideSegments: Counter<'table'>;
  readonly insertSeconds: Histogram<'table'>;
  readonly contentType: string;
  readonly text: () => Promise<string>;
}

/** To look every ten milliseconds, as is usual, took a third of what the service takes while nobody sends. */
const EVENT_LOOP_PRECISION_MS = 100;

/** Makes the counters of one service; `spool` is asked when Prometheus asks. */
export function createCounters(
  spool: () => { sizeBytes: number; unsyncedBytes: number; depth: number; ageMs: number },
  rollupLagMs: () => number,
  verified: () => Verified | undefined,
): Counters {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: EVENT_LOOP_PRECISION_MS });
  const gauge = (name: string, help: string, read: () => number): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  };
  gauge('rollcall_spool_bytes', 'Bytes on disk that are not in ClickHouse yet', () => spool().sizeBytes);
  gauge(
    'rollcall_spool_unsynced_bytes',
    'Bytes in the spool that are in ClickHouse, and wait until its disk is synced',
    () => spool().unsyncedBytes,
  );
  gauge('rollcall_spool_segments', 'Finished segments that are not in ClickHouse yet', () => spool().depth);
  gauge(
    'rollcall_spool_age_seconds',
    'For how long the oldest of what is not in ClickHouse yet has waited',
    () => spool().ageMs / 1000,
  );
  gauge(
    'rollcall_verify_drifted_values',
    'Values that differed when rollups were last verified; NaN where they never were',
    () => verified()?.drifted ?? NaN,
  );
  gauge(
    'rollcall_verify_timestamp_seconds',
    'When rollups were last verified, seconds since 1970; NaN where they never were',
    () => (verified()?.atMs ?? NaN) / 1000,
  );
  gauge(
    'rollcall_rollup_lag_seconds',
    'For how long evidence has been in that the rollups do not know; 0 where they know it all',
    () => rollupLagMs() / 1000,
  );
  return {
    acceptedRows: new Counter({
      name: 'rollcall_accepted_rows_total',
      help: 'Rows accepted, by table',
      labelNames: ['table'],
      registers,
    }),
    refusedRecords: new Counter({
      name: 'rollcall_refused_records_total',
      help: 'Spans, log records and metric points refused, by reason',
      labelNames: ['reason'],
      registers,
    }),
    refusedRequests: new Counter({
      name: 'rollcall_refused_requests_total',
      help: 'Whole requests refused, by reason',
      labelNames: ['reason'],
      registers,
    }),
    repeatedRequests: new Counter({
      name: 'rollcall_repeated_requests_total',
      help: 'Requests that were kept before, sent again, and kept once',
      labelNames: ['signal'],
      registers,
    }),
    webhookMessages: new Counter({
      name: 'rollcall_webhook_messages_total',
      help: 'Messages to webhooks, by what became of them: delivered or failed',
      labelNames: ['webhook', 'outcome'],
      registers,
    }),
    setAsideSegments: new Counter({
      name: 'rollcall_set_aside_segments_total',
      help: 'Segments that ClickHouse would not take, by table',
      labelNames: ['table'],
      registers,
    }),
    insertSeconds: new Histogram({
      name: 'rollcall_insert_seconds',
      help: 'Time of one insert, by table',
      labelNames: ['table'],
      buckets: [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers,
    }),
    contentType: registry.contentType,
    text: () => registry.metrics(),
  };
}

/** The sum over all labels. */
export async function totalOf(counter: Counter): Promise<number> {
  const { values } = await counter.get();
  return values.reduce((sum, { value }) => sum + value, 0);
}
