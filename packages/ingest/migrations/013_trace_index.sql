-- The spans and the logs of one trace: they lie in few granules, but without this all of a project's are read to find
-- them (191 ms among ten million spans, 18 ms with it; bench/report.md, 'Schema').

ALTER TABLE otel_traces ${ON_CLUSTER} ADD INDEX IF NOT EXISTS trace_id TraceId TYPE bloom_filter(0.01) GRANULARITY 1;

ALTER TABLE otel_logs ${ON_CLUSTER} ADD INDEX IF NOT EXISTS trace_id TraceId TYPE bloom_filter(0.01) GRANULARITY 1;

-- Of rows that are there already, in the background.
ALTER TABLE otel_traces ${ON_CLUSTER} MATERIALIZE INDEX trace_id SETTINGS mutations_sync = 0;

ALTER TABLE otel_logs ${ON_CLUSTER} MATERIALIZE INDEX trace_id SETTINGS mutations_sync = 0;
