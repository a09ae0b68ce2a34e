-- The steps and the logs of one run, among a hundred million rows: without this, reading them grows with the table.
-- A run's rows lie together in a few granules of each service and span name, and the filter finds those.

ALTER TABLE otel_traces ${ON_CLUSTER} ADD INDEX IF NOT EXISTS run_id RunId TYPE bloom_filter(0.01) GRANULARITY 1;

ALTER TABLE otel_logs ${ON_CLUSTER} ADD INDEX IF NOT EXISTS run_id RunId TYPE bloom_filter(0.01) GRANULARITY 1;

-- Of rows that are there already, in the background.
ALTER TABLE otel_traces ${ON_CLUSTER} MATERIALIZE INDEX run_id SETTINGS mutations_sync = 0;

ALTER TABLE otel_logs ${ON_CLUSTER} MATERIALIZE INDEX run_id SETTINGS mutations_sync = 0;
