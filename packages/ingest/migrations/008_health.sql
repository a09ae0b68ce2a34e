-- What ingest says of itself, for dashboards and alerts.

CREATE TABLE IF NOT EXISTS ingest_health ${ON_CLUSTER}
(
    at DateTime64(3, 'UTC') COMMENT 'When it was said, by the clock of ClickHouse',
    instance String COMMENT 'Host and port of the ingest process',
    started_at DateTime64(3, 'UTC') COMMENT 'When the process started; the counters count from here',
    accepted_rows UInt64 COMMENT 'Rows acknowledged since the start',
    refused_records UInt64 COMMENT 'Spans, log records and metric points refused since the start',
    refused_requests UInt64 COMMENT 'Whole requests refused since the start',
    repeated_requests UInt64 COMMENT 'Requests that came again after they had been kept, since the start',
    set_aside_segments UInt64 COMMENT 'Segments that ClickHouse would not take, since the start',
    spool_bytes UInt64 COMMENT 'Acknowledged and not in ClickHouse yet',
    spool_segments UInt32 COMMENT 'Files of that, finished ones',
    spool_age_ms UInt64 COMMENT 'For how long the oldest of it has waited',
    rollup_lag_ms UInt64 COMMENT 'For how long evidence has been in that the rollups do not know',
    memory_bytes UInt64 COMMENT 'Resident memory of the process, the embedded engine included',
    drifted_values Nullable(UInt64) COMMENT 'Values that differed when rollups were last verified; null where they never were',
    verified_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When that was'
)
ENGINE = ${REPLICATED}MergeTree
ORDER BY (at, instance)
TTL toDateTime(at) + INTERVAL 35 DAY DELETE
COMMENT 'Four rows a minute for each ingest process';

CREATE TABLE IF NOT EXISTS verifications ${ON_CLUSTER}
(
    at DateTime64(3, 'UTC') COMMENT 'When rollups were compared with raw rows',
    rollup LowCardinality(String) COMMENT 'Which',
    compared UInt64 COMMENT 'Values compared',
    drifted UInt64 COMMENT 'Values that differed, were missing or too many'
)
ENGINE = ${REPLICATED}MergeTree
ORDER BY (at, rollup)
TTL toDateTime(at) + INTERVAL 400 DAY DELETE
COMMENT 'What each rollcall verify found';
