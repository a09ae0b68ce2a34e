-- What is known of each run, as states that merge in any order, any number of times, to the same result.
-- Every column is a key, a min, a max or a set: nothing here is added up, so a retried or replayed insert changes nothing.
-- The evidence comes from two sides, events and spans; either alone is enough.
-- Deduplication windows must stay off on these tables: two equal blocks from two inserts are legitimate.

CREATE TABLE IF NOT EXISTS job_run_states ${ON_CLUSTER}
(
    project_id LowCardinality(String) COMMENT 'Project',
    run_id String COMMENT 'Job run ID, YYMMDD-HHMMSS, UTC',
    origin String COMMENT 'Trace ID of the job run: tells apart two runs that ended up with one run ID',
    attempt UInt16 COMMENT 'The n-th try of the job run, from 1',
    job_name SimpleAggregateFunction(max, String) COMMENT 'Job',
    trace_id SimpleAggregateFunction(max, String) COMMENT 'Trace of this attempt',
    started_at SimpleAggregateFunction(min, Nullable(DateTime64(9, 'UTC'))) COMMENT 'Start, null while only later evidence has arrived',
    ending SimpleAggregateFunction(max, Tuple(at DateTime64(9, 'UTC'), status String, reason String, error_type String, error_message String)) COMMENT 'The latest declared end; at is 1970 while there is none',
    last_seen_at SimpleAggregateFunction(max, DateTime64(9, 'UTC')) COMMENT 'The latest sign of life',
    heard_at SimpleAggregateFunction(max, DateTime64(9, 'UTC')) COMMENT 'When ingest last received a sign of life that was not old: a producer whose clock is behind is not lost',
    progress SimpleAggregateFunction(max, Tuple(at DateTime64(9, 'UTC'), done UInt64, total UInt64)) COMMENT 'The latest progress; total 0 where unknown',
    heartbeat_interval_ms SimpleAggregateFunction(max, UInt32) COMMENT 'How often a sign of life is promised; 0 where it is not',
    metric_series SimpleAggregateFunction(max, UInt32) COMMENT 'Metric series that the end declared',
    final_series AggregateFunction(groupBitmap, UInt32) COMMENT 'Metric series whose final point has arrived (hashes)',
    recovered SimpleAggregateFunction(max, UInt8) COMMENT '1 where the record was made from what was known, because the one before it was not there'
)
ENGINE = ${REPLICATED}AggregatingMergeTree
ORDER BY (project_id, run_id, origin, attempt)
COMMENT 'Evidence of job runs';

CREATE TABLE IF NOT EXISTS client_run_states ${ON_CLUSTER}
(
    project_id LowCardinality(String) COMMENT 'Project',
    run_id String COMMENT 'Job run ID',
    origin String COMMENT 'Trace ID of the job run',
    client_id String COMMENT 'Client',
    attempt UInt16 COMMENT 'The n-th try of the client run, from 1; 0 holds what the roster expects',
    job_name SimpleAggregateFunction(max, String) COMMENT 'Job',
    expected SimpleAggregateFunction(max, UInt8) COMMENT '1 where the roster names the client',
    trace_id SimpleAggregateFunction(max, String) COMMENT 'Trace of this attempt',
    span_id SimpleAggregateFunction(max, String) COMMENT 'Span of this attempt',
    producer SimpleAggregateFunction(max, String) COMMENT 'service.instance.id of the process that handles the client',
    started_at SimpleAggregateFunction(min, Nullable(DateTime64(9, 'UTC'))) COMMENT 'Start, null while only later evidence has arrived',
    ending SimpleAggregateFunction(max, Tuple(at DateTime64(9, 'UTC'), status String, reason String, error_type String, error_message String)) COMMENT 'The latest declared end; at is 1970 while there is none',
    last_seen_at SimpleAggregateFunction(max, DateTime64(9, 'UTC')) COMMENT 'The latest sign of life of the client run itself',
    heard_at SimpleAggregateFunction(max, DateTime64(9, 'UTC')) COMMENT 'When ingest last received a sign of life that was not old: a producer whose clock is behind is not lost',
    progress SimpleAggregateFunction(max, Tuple(at DateTime64(9, 'UTC'), done UInt64, total UInt64)) COMMENT 'The latest progress; total 0 where unknown',
    metric_series SimpleAggregateFunction(max, UInt32) COMMENT 'Metric series that the end declared',
    final_series AggregateFunction(groupBitmap, UInt32) COMMENT 'Metric series whose final point has arrived (hashes)',
    standalone SimpleAggregateFunction(max, UInt8) COMMENT '1 where the client run is meant to have no job run',
    recovered SimpleAggregateFunction(max, UInt8) COMMENT '1 where the record was made from what was known, because the one before it was not there'
)
ENGINE = ${REPLICATED}AggregatingMergeTree
ORDER BY (project_id, run_id, origin, client_id, attempt)
COMMENT 'Evidence of client runs and of the clients that are expected';

CREATE TABLE IF NOT EXISTS run_producers ${ON_CLUSTER}
(
    project_id LowCardinality(String) COMMENT 'Project',
    run_id String COMMENT 'Job run ID',
    origin String COMMENT 'Trace ID of the job run',
    producer String COMMENT 'service.instance.id of a process that takes part in the run',
    last_seen_at SimpleAggregateFunction(max, DateTime64(9, 'UTC')) COMMENT 'The latest sign of life of the process within the run',
    heard_at SimpleAggregateFunction(max, DateTime64(9, 'UTC')) COMMENT 'When ingest last received a sign of life that was not old: a producer whose clock is behind is not lost',
    heartbeat_interval_ms SimpleAggregateFunction(max, UInt32) COMMENT 'How often a sign of life is promised; 0 where it is not',
    sequences AggregateFunction(groupBitmap, UInt32) COMMENT 'Numbers of the events that have arrived; a gap is a lost event',
    last_sequence SimpleAggregateFunction(max, UInt32) COMMENT 'The highest number that is known to have been sent'
)
ENGINE = ${REPLICATED}AggregatingMergeTree
ORDER BY (project_id, run_id, origin, producer)
COMMENT 'Signs of life and completeness of telemetry, per run and process';

CREATE TABLE IF NOT EXISTS metric_states ${ON_CLUSTER}
(
    project_id LowCardinality(String) COMMENT 'Project',
    run_id String COMMENT 'Job run ID',
    origin String COMMENT 'Trace ID of the job run, empty where the point did not say',
    client_id String COMMENT 'Client, empty for a metric of the job run itself',
    metric LowCardinality(String) COMMENT 'Name of the metric',
    aggregation LowCardinality(String) COMMENT 'sum, min, max or last',
    attempt UInt16 COMMENT 'The n-th try of the client run',
    series UInt64 COMMENT 'Hash of resource, scope and attributes: who counts what',
    accumulation DateTime64(9, 'UTC') COMMENT 'Start of the accumulation of cumulative points, time of a delta point, 1970 for gauges',
    job_name SimpleAggregateFunction(max, String) COMMENT 'Job',
    unit SimpleAggregateFunction(max, String) COMMENT 'UCUM unit',
    latest SimpleAggregateFunction(max, Tuple(at DateTime64(9, 'UTC'), value Float64)) COMMENT 'The value that is latest by its own time',
    lowest SimpleAggregateFunction(min, Float64) COMMENT 'The smallest value',
    highest SimpleAggregateFunction(max, Float64) COMMENT 'The largest value'
)
ENGINE = ${REPLICATED}AggregatingMergeTree
ORDER BY (project_id, run_id, origin, client_id, metric, aggregation, attempt, series, accumulation)
COMMENT 'Metrics of runs, one row per accumulation; all totals are read from here';

CREATE TABLE IF NOT EXISTS failure_events ${ON_CLUSTER}
(
    project_id LowCardinality(String) COMMENT 'Project',
    run_id String COMMENT 'Job run ID',
    origin String COMMENT 'Trace ID of the job run',
    client_id String COMMENT 'Client, empty where the job run itself failed',
    attempt UInt16 COMMENT 'The n-th try',
    trace_id String COMMENT 'Trace in which the error was thrown',
    span_id String COMMENT 'Innermost span in which the error was seen',
    producer String COMMENT 'service.instance.id of the process',
    sequence UInt32 COMMENT 'Number of the event within run and producer',
    occurred_at DateTime64(9, 'UTC') COMMENT 'When the error was thrown',
    job_name LowCardinality(String) COMMENT 'Job',
    step String COMMENT 'Step, empty outside steps',
    fingerprint String COMMENT 'Same for failures of one kind: error type and message without its numbers and identifiers',
    error_type LowCardinality(String) COMMENT 'Class or code of the error',
    error_message String COMMENT 'Message of the error',
    stacktrace String COMMENT 'Stack trace'
)
ENGINE = ${REPLICATED}ReplacingMergeTree
ORDER BY (project_id, run_id, origin, client_id, attempt, trace_id, span_id, producer, sequence, occurred_at)
COMMENT 'Errors, each reported once where it was thrown';

CREATE TABLE IF NOT EXISTS run_notes ${ON_CLUSTER}
(
    project_id LowCardinality(String) COMMENT 'Project',
    run_id String COMMENT 'Job run ID',
    origin String COMMENT 'Trace ID of the job run',
    client_id String COMMENT 'Client, empty for a note on the job run itself',
    code LowCardinality(String) COMMENT 'Stable code of the note',
    subject String COMMENT 'What the note is about, such as the name of a metric',
    producer String COMMENT 'service.instance.id of the process that noted it',
    note SimpleAggregateFunction(max, Tuple(count UInt64, text String)) COMMENT 'How often so far, and the latest in words'
)
ENGINE = ${REPLICATED}AggregatingMergeTree
ORDER BY (project_id, run_id, origin, client_id, code, subject, producer)
COMMENT 'Data-quality notes';

CREATE TABLE IF NOT EXISTS run_aliases ${ON_CLUSTER}
(
    project_id LowCardinality(String) COMMENT 'Project',
    alias String COMMENT 'The other name: a legacy ID, or the ID that a foreign system gave',
    run_id String COMMENT 'Job run ID',
    origin String COMMENT 'Trace ID of the job run',
    client_id String COMMENT 'Client, empty where the alias names the job run',
    kind LowCardinality(String) COMMENT 'legacy or external',
    related_at DateTime64(9, 'UTC') COMMENT 'When the alias was related'
)
ENGINE = ${REPLICATED}ReplacingMergeTree
ORDER BY (project_id, alias, run_id, origin, client_id)
COMMENT 'Other names of runs and of clients within runs';

CREATE MATERIALIZED VIEW IF NOT EXISTS run_aliases_from_events ${ON_CLUSTER} TO run_aliases AS
SELECT
    ProjectId AS project_id,
    LogAttributes['rollcall.alias'] AS alias,
    RunId AS run_id,
    if(LogAttributes['rollcall.run.origin'] != '', LogAttributes['rollcall.run.origin'], TraceId) AS origin,
    ClientId AS client_id,
    LogAttributes['rollcall.alias.kind'] AS kind,
    Timestamp AS related_at
FROM otel_logs
WHERE RunId != '' AND EventName = 'rollcall.run.alias' AND LogAttributes['rollcall.alias'] != '';

CREATE MATERIALIZED VIEW IF NOT EXISTS job_run_states_from_events ${ON_CLUSTER} TO job_run_states AS
SELECT
    ProjectId AS project_id,
    RunId AS run_id,
    if(LogAttributes['rollcall.run.origin'] != '', LogAttributes['rollcall.run.origin'], TraceId) AS origin,
    greatest(1, toUInt16OrZero(LogAttributes['rollcall.attempt'])) AS attempt,
    max(JobName) AS job_name,
    max(TraceId) AS trace_id,
    minIf(toNullable(Timestamp), EventName = 'rollcall.run.started') AS started_at,
    max(if(EventName = 'rollcall.run.ended',
        tuple(Timestamp, LogAttributes['rollcall.status'], LogAttributes['rollcall.status.reason'], LogAttributes['exception.type'], LogAttributes['exception.message']),
        tuple(toDateTime64(0, 9, 'UTC'), '', '', '', ''))) AS ending,
    max(Timestamp) AS last_seen_at,
    max(if(abs(toUnixTimestamp(ReceivedAt) - toInt64(intDiv(toUnixTimestamp64Nano(Timestamp), 1000000000))) < 3600, toDateTime64(ReceivedAt, 9, 'UTC'), toDateTime64(0, 9, 'UTC'))) AS heard_at,
    max(if(mapContains(LogAttributes, 'rollcall.progress.done'),
        tuple(Timestamp, toUInt64OrZero(LogAttributes['rollcall.progress.done']), toUInt64OrZero(LogAttributes['rollcall.progress.total'])),
        tuple(toDateTime64(0, 9, 'UTC'), 0, 0))) AS progress,
    max(toUInt32OrZero(LogAttributes['rollcall.heartbeat.interval_ms'])) AS heartbeat_interval_ms,
    max(toUInt32OrZero(LogAttributes['rollcall.metric.series'])) AS metric_series,
    max(toUInt8(LogAttributes['rollcall.recovered'] = 'true')) AS recovered
FROM otel_logs
WHERE RunId != '' AND ClientId = '' AND EventName IN ('rollcall.run.started', 'rollcall.run.heartbeat', 'rollcall.run.ended')
GROUP BY project_id, run_id, origin, attempt;

CREATE MATERIALIZED VIEW IF NOT EXISTS job_run_states_from_spans ${ON_CLUSTER} TO job_run_states AS
SELECT
    ProjectId AS project_id,
    RunId AS run_id,
    if(SpanAttributes['rollcall.run.origin'] != '', SpanAttributes['rollcall.run.origin'], TraceId) AS origin,
    greatest(1, toUInt16OrZero(SpanAttributes['rollcall.attempt'])) AS attempt,
    max(JobName) AS job_name,
    max(TraceId) AS trace_id,
    min(toNullable(Timestamp)) AS started_at,
    max(tuple(
        Timestamp + toIntervalNanosecond(Duration),
        multiIf(SpanAttributes['rollcall.status'] != '', SpanAttributes['rollcall.status'], StatusCode = 'Error', 'failed', 'completed'),
        SpanAttributes['rollcall.status.reason'], SpanAttributes['exception.type'], SpanAttributes['exception.message'])) AS ending,
    max(Timestamp + toIntervalNanosecond(Duration)) AS last_seen_at,
    max(if(mapContains(SpanAttributes, 'rollcall.progress.done'),
        tuple(Timestamp + toIntervalNanosecond(Duration), toUInt64OrZero(SpanAttributes['rollcall.progress.done']), toUInt64OrZero(SpanAttributes['rollcall.progress.total'])),
        tuple(toDateTime64(0, 9, 'UTC'), 0, 0))) AS progress,
    max(toUInt32OrZero(SpanAttributes['rollcall.metric.series'])) AS metric_series
FROM otel_traces
WHERE RunId != '' AND SpanAttributes['rollcall.span.kind'] = 'job_run'
GROUP BY project_id, run_id, origin, attempt;

CREATE MATERIALIZED VIEW IF NOT EXISTS client_run_states_from_events ${ON_CLUSTER} TO client_run_states AS
SELECT
    ProjectId AS project_id,
    RunId AS run_id,
    if(LogAttributes['rollcall.run.origin'] != '', LogAttributes['rollcall.run.origin'], TraceId) AS origin,
    ClientId AS client_id,
    greatest(1, toUInt16OrZero(LogAttributes['rollcall.attempt'])) AS attempt,
    max(JobName) AS job_name,
    max(TraceId) AS trace_id,
    max(SpanId) AS span_id,
    max(ResourceAttributes['service.instance.id']) AS producer,
    minIf(toNullable(Timestamp), EventName = 'rollcall.client_run.started') AS started_at,
    max(if(EventName = 'rollcall.client_run.ended',
        tuple(Timestamp, LogAttributes['rollcall.status'], LogAttributes['rollcall.status.reason'], LogAttributes['exception.type'], LogAttributes['exception.message']),
        tuple(toDateTime64(0, 9, 'UTC'), '', '', '', ''))) AS ending,
    max(Timestamp) AS last_seen_at,
    max(if(abs(toUnixTimestamp(ReceivedAt) - toInt64(intDiv(toUnixTimestamp64Nano(Timestamp), 1000000000))) < 3600, toDateTime64(ReceivedAt, 9, 'UTC'), toDateTime64(0, 9, 'UTC'))) AS heard_at,
    max(if(mapContains(LogAttributes, 'rollcall.progress.done'),
        tuple(Timestamp, toUInt64OrZero(LogAttributes['rollcall.progress.done']), toUInt64OrZero(LogAttributes['rollcall.progress.total'])),
        tuple(toDateTime64(0, 9, 'UTC'), 0, 0))) AS progress,
    max(toUInt32OrZero(LogAttributes['rollcall.metric.series'])) AS metric_series,
    max(toUInt8(LogAttributes['rollcall.client_run.standalone'] = 'true')) AS standalone,
    max(toUInt8(LogAttributes['rollcall.recovered'] = 'true')) AS recovered
FROM otel_logs
WHERE RunId != '' AND ClientId != '' AND EventName IN ('rollcall.client_run.started', 'rollcall.client_run.heartbeat', 'rollcall.client_run.ended')
GROUP BY project_id, run_id, origin, client_id, attempt;

CREATE MATERIALIZED VIEW IF NOT EXISTS client_run_states_from_spans ${ON_CLUSTER} TO client_run_states AS
SELECT
    ProjectId AS project_id,
    RunId AS run_id,
    if(SpanAttributes['rollcall.run.origin'] != '', SpanAttributes['rollcall.run.origin'], TraceId) AS origin,
    ClientId AS client_id,
    greatest(1, toUInt16OrZero(SpanAttributes['rollcall.attempt'])) AS attempt,
    max(JobName) AS job_name,
    max(TraceId) AS trace_id,
    max(SpanId) AS span_id,
    max(ResourceAttributes['service.instance.id']) AS producer,
    min(toNullable(Timestamp)) AS started_at,
    max(tuple(
        Timestamp + toIntervalNanosecond(Duration),
        multiIf(SpanAttributes['rollcall.status'] != '', SpanAttributes['rollcall.status'], StatusCode = 'Error', 'failed', 'completed'),
        SpanAttributes['rollcall.status.reason'], SpanAttributes['exception.type'], SpanAttributes['exception.message'])) AS ending,
    max(Timestamp + toIntervalNanosecond(Duration)) AS last_seen_at,
    max(if(mapContains(SpanAttributes, 'rollcall.progress.done'),
        tuple(Timestamp + toIntervalNanosecond(Duration), toUInt64OrZero(SpanAttributes['rollcall.progress.done']), toUInt64OrZero(SpanAttributes['rollcall.progress.total'])),
        tuple(toDateTime64(0, 9, 'UTC'), 0, 0))) AS progress,
    max(toUInt32OrZero(SpanAttributes['rollcall.metric.series'])) AS metric_series
FROM otel_traces
WHERE RunId != '' AND ClientId != '' AND SpanAttributes['rollcall.span.kind'] = 'client_run'
GROUP BY project_id, run_id, origin, client_id, attempt;

CREATE MATERIALIZED VIEW IF NOT EXISTS client_run_states_from_rosters ${ON_CLUSTER} TO client_run_states AS
SELECT
    ProjectId AS project_id,
    RunId AS run_id,
    if(LogAttributes['rollcall.run.origin'] != '', LogAttributes['rollcall.run.origin'], TraceId) AS origin,
    arrayJoin(JSONExtract(LogAttributes['rollcall.clients.expected'], 'Array(String)')) AS client_id,
    toUInt16(0) AS attempt,
    max(JobName) AS job_name,
    toUInt8(1) AS expected
FROM otel_logs
WHERE RunId != '' AND EventName = 'rollcall.run.roster'
GROUP BY project_id, run_id, origin, client_id
HAVING client_id != '';

CREATE MATERIALIZED VIEW IF NOT EXISTS run_producers_from_events ${ON_CLUSTER} TO run_producers AS
SELECT
    ProjectId AS project_id,
    RunId AS run_id,
    if(LogAttributes['rollcall.run.origin'] != '', LogAttributes['rollcall.run.origin'], TraceId) AS origin,
    ResourceAttributes['service.instance.id'] AS producer,
    max(Timestamp) AS last_seen_at,
    max(if(abs(toUnixTimestamp(ReceivedAt) - toInt64(intDiv(toUnixTimestamp64Nano(Timestamp), 1000000000))) < 3600, toDateTime64(ReceivedAt, 9, 'UTC'), toDateTime64(0, 9, 'UTC'))) AS heard_at,
    max(toUInt32OrZero(LogAttributes['rollcall.heartbeat.interval_ms'])) AS heartbeat_interval_ms,
    groupBitmapState(toUInt32OrZero(LogAttributes['rollcall.event.sequence'])) AS sequences,
    max(toUInt32OrZero(LogAttributes['rollcall.event.sequence'])) AS last_sequence
FROM otel_logs
WHERE RunId != '' AND startsWith(EventName, 'rollcall.') AND toUInt32OrZero(LogAttributes['rollcall.event.sequence']) > 0
GROUP BY project_id, run_id, origin, producer;

CREATE MATERIALIZED VIEW IF NOT EXISTS run_producers_from_spans ${ON_CLUSTER} TO run_producers AS
SELECT
    ProjectId AS project_id,
    RunId AS run_id,
    if(SpanAttributes['rollcall.run.origin'] != '', SpanAttributes['rollcall.run.origin'], TraceId) AS origin,
    ResourceAttributes['service.instance.id'] AS producer,
    max(Timestamp + toIntervalNanosecond(Duration)) AS last_seen_at,
    max(toUInt32OrZero(SpanAttributes['rollcall.event.count'])) AS last_sequence
FROM otel_traces
WHERE RunId != '' AND toUInt32OrZero(SpanAttributes['rollcall.event.count']) > 0
GROUP BY project_id, run_id, origin, producer;

CREATE MATERIALIZED VIEW IF NOT EXISTS metric_states_from_sums ${ON_CLUSTER} TO metric_states AS
SELECT
    ProjectId AS project_id,
    RunId AS run_id,
    Attributes['rollcall.run.origin'] AS origin,
    ClientId AS client_id,
    MetricName AS metric,
    if(Attributes['rollcall.metric.aggregation'] IN ('sum', 'min', 'max', 'last'), Attributes['rollcall.metric.aggregation'], 'sum') AS aggregation,
    greatest(1, toUInt16OrZero(Attributes['rollcall.attempt'])) AS attempt,
    cityHash64(if(ResourceAttributes['service.instance.id'] != '', map('service.instance.id', ResourceAttributes['service.instance.id']), mapSort(CAST(ResourceAttributes, 'Map(String, String)'))), ScopeName, mapSort(mapFilter((k, v) -> k != 'rollcall.metric.final', Attributes))) AS series,
    if(AggregationTemporality = 1, TimeUnix, StartTimeUnix) AS accumulation,
    max(JobName) AS job_name,
    max(MetricUnit) AS unit,
    max(tuple(TimeUnix, Value)) AS latest,
    min(Value) AS lowest,
    max(Value) AS highest
FROM otel_metrics_sum
WHERE RunId != '' AND isFinite(Value)
GROUP BY project_id, run_id, origin, client_id, metric, aggregation, attempt, series, accumulation;

CREATE MATERIALIZED VIEW IF NOT EXISTS metric_states_from_gauges ${ON_CLUSTER} TO metric_states AS
SELECT
    ProjectId AS project_id,
    RunId AS run_id,
    Attributes['rollcall.run.origin'] AS origin,
    ClientId AS client_id,
    MetricName AS metric,
    if(Attributes['rollcall.metric.aggregation'] IN ('sum', 'min', 'max', 'last'), Attributes['rollcall.metric.aggregation'], 'last') AS aggregation,
    greatest(1, toUInt16OrZero(Attributes['rollcall.attempt'])) AS attempt,
    cityHash64(if(ResourceAttributes['service.instance.id'] != '', map('service.instance.id', ResourceAttributes['service.instance.id']), mapSort(CAST(ResourceAttributes, 'Map(String, String)'))), ScopeName, mapSort(mapFilter((k, v) -> k != 'rollcall.metric.final', Attributes))) AS series,
    if(aggregation = 'sum', StartTimeUnix, toDateTime64(0, 9, 'UTC')) AS accumulation,
    max(JobName) AS job_name,
    max(MetricUnit) AS unit,
    max(tuple(TimeUnix, Value)) AS latest,
    min(Value) AS lowest,
    max(Value) AS highest
FROM otel_metrics_gauge
WHERE RunId != '' AND isFinite(Value)
GROUP BY project_id, run_id, origin, client_id, metric, aggregation, attempt, series, accumulation;

CREATE MATERIALIZED VIEW IF NOT EXISTS client_final_series_from_sums ${ON_CLUSTER} TO client_run_states AS
SELECT
    ProjectId AS project_id,
    RunId AS run_id,
    Attributes['rollcall.run.origin'] AS origin,
    ClientId AS client_id,
    greatest(1, toUInt16OrZero(Attributes['rollcall.attempt'])) AS attempt,
    max(JobName) AS job_name,
    groupBitmapState(toUInt32(cityHash64(MetricName, Attributes['rollcall.metric.aggregation'], ResourceAttributes['service.instance.id']) % 4294967296)) AS final_series
FROM otel_metrics_sum
WHERE RunId != '' AND ClientId != '' AND Attributes['rollcall.metric.final'] = 'true'
GROUP BY project_id, run_id, origin, client_id, attempt;

CREATE MATERIALIZED VIEW IF NOT EXISTS client_final_series_from_gauges ${ON_CLUSTER} TO client_run_states AS
SELECT
    ProjectId AS project_id,
    RunId AS run_id,
    Attributes['rollcall.run.origin'] AS origin,
    ClientId AS client_id,
    greatest(1, toUInt16OrZero(Attributes['rollcall.attempt'])) AS attempt,
    max(JobName) AS job_name,
    groupBitmapState(toUInt32(cityHash64(MetricName, Attributes['rollcall.metric.aggregation'], ResourceAttributes['service.instance.id']) % 4294967296)) AS final_series
FROM otel_metrics_gauge
WHERE RunId != '' AND ClientId != '' AND Attributes['rollcall.metric.final'] = 'true'
GROUP BY project_id, run_id, origin, client_id, attempt;

CREATE MATERIALIZED VIEW IF NOT EXISTS job_final_series_from_sums ${ON_CLUSTER} TO job_run_states AS
SELECT
    ProjectId AS project_id,
    RunId AS run_id,
    Attributes['rollcall.run.origin'] AS origin,
    greatest(1, toUInt16OrZero(Attributes['rollcall.attempt'])) AS attempt,
    max(JobName) AS job_name,
    groupBitmapState(toUInt32(cityHash64(MetricName, Attributes['rollcall.metric.aggregation'], ResourceAttributes['service.instance.id']) % 4294967296)) AS final_series
FROM otel_metrics_sum
WHERE RunId != '' AND ClientId = '' AND Attributes['rollcall.metric.final'] = 'true'
GROUP BY project_id, run_id, origin, attempt;

CREATE MATERIALIZED VIEW IF NOT EXISTS job_final_series_from_gauges ${ON_CLUSTER} TO job_run_states AS
SELECT
    ProjectId AS project_id,
    RunId AS run_id,
    Attributes['rollcall.run.origin'] AS origin,
    greatest(1, toUInt16OrZero(Attributes['rollcall.attempt'])) AS attempt,
    max(JobName) AS job_name,
    groupBitmapState(toUInt32(cityHash64(MetricName, Attributes['rollcall.metric.aggregation'], ResourceAttributes['service.instance.id']) % 4294967296)) AS final_series
FROM otel_metrics_gauge
WHERE RunId != '' AND ClientId = '' AND Attributes['rollcall.metric.final'] = 'true'
GROUP BY project_id, run_id, origin, attempt;

-- A failure goes through a table that keeps nothing: what its fingerprint costs to compute, and to prepare, is paid only
-- for inserts with failures in them.
CREATE TABLE IF NOT EXISTS failure_signs ${ON_CLUSTER} AS failure_events
ENGINE = Null
COMMENT 'Errors on their way into failure_events; always empty';

CREATE MATERIALIZED VIEW IF NOT EXISTS failure_events_from_signs ${ON_CLUSTER} TO failure_events AS
SELECT
    project_id, run_id, origin, client_id, attempt, trace_id, span_id, producer, sequence, occurred_at, job_name, step,
    lower(hex(sipHash64(error_type, replaceRegexpAll(error_message, '[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|0x[0-9a-fA-F]+|[0-9]+', '#')))) AS fingerprint,
    error_type, error_message, stacktrace
FROM failure_signs;

CREATE MATERIALIZED VIEW IF NOT EXISTS failure_signs_from_events ${ON_CLUSTER} TO failure_signs AS
SELECT
    ProjectId AS project_id,
    RunId AS run_id,
    if(LogAttributes['rollcall.run.origin'] != '', LogAttributes['rollcall.run.origin'], TraceId) AS origin,
    ClientId AS client_id,
    greatest(1, toUInt16OrZero(LogAttributes['rollcall.attempt'])) AS attempt,
    TraceId AS trace_id,
    SpanId AS span_id,
    ResourceAttributes['service.instance.id'] AS producer,
    toUInt32OrZero(LogAttributes['rollcall.event.sequence']) AS sequence,
    Timestamp AS occurred_at,
    JobName AS job_name,
    LogAttributes['rollcall.step.name'] AS step,
    LogAttributes['exception.type'] AS error_type,
    LogAttributes['exception.message'] AS error_message,
    LogAttributes['exception.stacktrace'] AS stacktrace
FROM otel_logs
WHERE RunId != '' AND EventName = 'rollcall.failure';

-- The two in one, as it was; only now, so that nothing is missed while other processes insert.
DROP VIEW IF EXISTS failure_events_from_events ${ON_CLUSTER};

CREATE MATERIALIZED VIEW IF NOT EXISTS run_notes_from_events ${ON_CLUSTER} TO run_notes AS
SELECT
    ProjectId AS project_id,
    RunId AS run_id,
    if(LogAttributes['rollcall.run.origin'] != '', LogAttributes['rollcall.run.origin'], TraceId) AS origin,
    ClientId AS client_id,
    LogAttributes['rollcall.note.code'] AS code,
    LogAttributes['rollcall.note.subject'] AS subject,
    ResourceAttributes['service.instance.id'] AS producer,
    max(tuple(greatest(1, toUInt64OrZero(LogAttributes['rollcall.note.count'])), LogAttributes['rollcall.note.text'])) AS note
FROM otel_logs
WHERE RunId != '' AND EventName = 'rollcall.note'
GROUP BY project_id, run_id, origin, client_id, code, subject, producer;
