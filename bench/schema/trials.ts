/** The tables that the trial of the schema tries, and what is read from each. */

export interface Trial {
  readonly title: string;
  /** The table of ours whose columns, codecs and indexes it starts from; `partition` and `key` are those of ours too. */
  readonly like: string;
  readonly partition: string;
  readonly key: string;
  /** The column with the time of a row. */
  readonly time: string;
  readonly variants: readonly Variant[];
  /** What a read is asked of, as columns named like the parameters. */
  readonly choice: string;
  readonly reads: Readonly<Record<string, string>>;
}

/** Differs from ours in what it names. */
export interface Variant {
  readonly name: string;
  readonly partition?: string;
  readonly key?: string;
  /** Statements for the empty table, whose name it is given. */
  readonly change?: (name: string) => readonly string[];
  /** An index of ours that reads do without: the table is the first one. */
  readonly ignoredIndex?: string;
}

const BY_WEEK = 'PARTITION BY toMonday(ReceivedAt)';

export const SPANS: Trial = {
  title: 'spans of twelve attributes',
  like: 'otel_traces',
  partition: BY_WEEK,
  key: '(ProjectId, ServiceName, SpanName, toDateTime(Timestamp), TraceId)',
  time: 'Timestamp',
  variants: [
    { name: 'ours' },
    { name: 'sorted by run', key: '(ProjectId, RunId, ClientId, toDateTime(Timestamp))' },
    { name: 'sorted by time', key: '(ProjectId, toDateTime(Timestamp), ServiceName, SpanName)' },
    ...codecs(
      ['TraceId', 'SpanId', 'ParentSpanId', 'SpanAttributes', 'Duration', 'StatusMessage'],
      ['Timestamp'],
      { ours: 'ZSTD(1)', other: 'ZSTD(3)' },
    ),
    { name: 'no index of runs', ignoredIndex: 'run_id' },
    { name: 'no index of traces', ignoredIndex: 'trace_id' },
    { name: 'partitions by day of the span', partition: 'PARTITION BY toDate(Timestamp)' },
  ],
  choice: 'RunId AS run, ServiceName AS service, TraceId AS trace, toString(Timestamp) AS from',
  reads: {
    'steps of a run': "SELECT * FROM {table} WHERE ProjectId = 'default' AND RunId = {run:String}",
    'a service, an hour':
      "SELECT SpanName, count(), quantile(0.95)(Duration) FROM {table} WHERE ProjectId = 'default' AND ServiceName = {service:String} AND Timestamp BETWEEN {from:DateTime64(9)} AND {from:DateTime64(9)} + INTERVAL 1 HOUR GROUP BY SpanName",
    'a trace': "SELECT * FROM {table} WHERE ProjectId = 'default' AND TraceId = {trace:String}",
  },
};

export const POINTS: Trial = {
  title: 'points of sums',
  like: 'otel_metrics_sum',
  partition: BY_WEEK,
  key: '(ProjectId, ServiceName, MetricName, RunId, toDateTime(TimeUnix))',
  time: 'TimeUnix',
  variants: [
    { name: 'ours' },
    { name: 'sorted by run', key: '(ProjectId, RunId, ClientId, MetricName, toDateTime(TimeUnix))' },
    { name: 'sorted by time', key: '(ProjectId, toDateTime(TimeUnix), ServiceName, MetricName)' },
    ...codecs(['Attributes'], ['StartTimeUnix', 'TimeUnix'], { ours: 'ZSTD(3)', other: 'ZSTD(1)' }),
    {
      name: 'with an index of runs',
      change: (name) => [`ALTER TABLE ${name} ADD INDEX run_id RunId TYPE bloom_filter(0.01) GRANULARITY 1`],
    },
    { name: 'partitions by day of the point', partition: 'PARTITION BY toDate(TimeUnix)' },
  ],
  choice: 'RunId AS run, ServiceName AS service, MetricName AS metric, toString(TimeUnix) AS from',
  reads: {
    'points of a run': "SELECT * FROM {table} WHERE ProjectId = 'default' AND RunId = {run:String}",
    'a metric of a run':
      "SELECT ClientId, sum(Value) FROM {table} WHERE ProjectId = 'default' AND ServiceName = {service:String} AND MetricName = {metric:String} AND RunId = {run:String} GROUP BY ClientId",
    'a metric, an hour':
      "SELECT toStartOfMinute(TimeUnix) AS minute, sum(Value) FROM {table} WHERE ProjectId = 'default' AND ServiceName = {service:String} AND MetricName = {metric:String} AND TimeUnix BETWEEN {from:DateTime64(9)} AND {from:DateTime64(9)} + INTERVAL 1 HOUR GROUP BY minute",
  },
};

/** The default codec instead of ours, and another one: of columns, and of times, which are kept as differences. */
function codecs(
  columns: readonly string[],
  times: readonly string[],
  { ours, other }: { ours: string; other: string },
): Variant[] {
  return [
    {
      name: 'default codecs (LZ4)',
      change: (name) =>
        [...columns, ...times].map((column) => `ALTER TABLE ${name} MODIFY COLUMN ${column} REMOVE CODEC`),
    },
    {
      name: `${other} for ${ours}`,
      change: (name) => [
        ...columns.map((column) => `ALTER TABLE ${name} MODIFY COLUMN ${column} CODEC(${other})`),
        ...times.map((column) => `ALTER TABLE ${name} MODIFY COLUMN ${column} CODEC(Delta(8), ${other})`),
      ],
    },
  ];
}
