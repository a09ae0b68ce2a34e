-- What the states of runs add up to: each try, and the latest.

CREATE OR REPLACE VIEW job_run_attempts ${ON_CLUSTER} AS
SELECT
    project_id, run_id, origin, attempt,
    max(job_run_states.job_name) AS job_name,
    max(job_run_states.trace_id) AS trace_id,
    min(job_run_states.started_at) AS started_at,
    max(job_run_states.ending) AS ending,
    max(job_run_states.last_seen_at) AS last_seen_at,
    max(job_run_states.heard_at) AS heard_at,
    max(job_run_states.progress) AS progress,
    max(job_run_states.heartbeat_interval_ms) AS heartbeat_interval_ms,
    max(job_run_states.metric_series) AS metric_series,
    groupBitmapMerge(job_run_states.final_series) AS final_series,
    max(job_run_states.recovered) AS recovered
FROM job_run_states
GROUP BY project_id, run_id, origin, attempt
COMMENT 'Each try of each job run';

CREATE OR REPLACE VIEW client_run_attempts ${ON_CLUSTER} AS
SELECT
    project_id, run_id, origin, client_id, attempt,
    max(client_run_states.job_name) AS job_name,
    max(client_run_states.expected) AS expected,
    max(client_run_states.trace_id) AS trace_id,
    max(client_run_states.span_id) AS span_id,
    max(client_run_states.producer) AS producer,
    min(client_run_states.started_at) AS started_at,
    max(client_run_states.ending) AS ending,
    max(client_run_states.last_seen_at) AS last_seen_at,
    max(client_run_states.heard_at) AS heard_at,
    if(last_seen_at > toDateTime64(0, 9, 'UTC'), attempt, 0) AS lived,
    max(client_run_states.progress) AS progress,
    max(client_run_states.metric_series) AS metric_series,
    groupBitmapMerge(client_run_states.final_series) AS final_series,
    max(client_run_states.standalone) AS standalone,
    max(client_run_states.recovered) AS recovered
FROM client_run_states
GROUP BY project_id, run_id, origin, client_id, attempt
COMMENT 'Each try of each client run; attempt 0 is what the roster expects';

CREATE OR REPLACE VIEW job_run_latest ${ON_CLUSTER} AS
SELECT
    project_id, run_id, origin,
    max(attempts.attempt) AS attempt,
    max(attempts.job_name) AS job_name,
    argMax(attempts.trace_id, attempts.attempt) AS trace_id,
    argMax(tuple(attempts.started_at), attempts.attempt).1 AS started_at,
    min(attempts.started_at) AS first_started_at,
    argMax(attempts.ending, attempts.attempt) AS ending,
    max(attempts.last_seen_at) AS last_seen_at,
    argMax(attempts.progress, attempts.attempt) AS progress,
    max(attempts.heartbeat_interval_ms) AS heartbeat_interval_ms,
    argMax(attempts.metric_series, attempts.attempt) AS metric_series,
    argMax(attempts.final_series, attempts.attempt) AS final_series,
    max(attempts.recovered) AS recovered,
    ending.at > toDateTime64(0, 9, 'UTC') AS is_ended,
    greatest(last_seen_at, max(attempts.heard_at)) AS heard_at
FROM job_run_attempts AS attempts
GROUP BY project_id, run_id, origin
COMMENT 'The last try of each job run, before its clients are heard';

CREATE OR REPLACE VIEW run_producers_latest ${ON_CLUSTER} AS
SELECT
    project_id, run_id, origin, producer,
    max(run_producers.last_seen_at) AS last_seen_at,
    max(run_producers.heard_at) AS heard_at,
    max(run_producers.heartbeat_interval_ms) AS heartbeat_interval_ms,
    groupBitmapMerge(run_producers.sequences) AS events_received,
    max(run_producers.last_sequence) AS events_sent
FROM run_producers
GROUP BY project_id, run_id, origin, producer
COMMENT 'Per run and process: last sign of life, events known to have been sent and events that arrived';

CREATE OR REPLACE VIEW failures ${ON_CLUSTER} AS
SELECT project_id, job_name, run_id, origin, client_id, attempt, step, fingerprint, error_type, error_message, stacktrace, occurred_at, trace_id, span_id
FROM failure_events FINAL
COMMENT 'Errors of runs, each once';
