/** Names the tables of raw telemetry. */

/** In the order in which they appear in `001_otel_tables.sql`. */
export const OTEL_TABLES = [
  'otel_traces',
  'otel_logs',
  'otel_metrics_gauge',
  'otel_metrics_sum',
  'otel_metrics_histogram',
  'otel_metrics_exponential_histogram',
  'otel_metrics_summary',
] as const;

export type OtelTable = (typeof OTEL_TABLES)[number];
