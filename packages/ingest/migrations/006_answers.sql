-- What makes failures one group: the type of the error, its message without what differs from case to case (numbers,
-- identifiers, paths, times, the client itself), the codes in it that tell errors apart, and the place in the program's own
-- code where it was thrown. Until here it was the type and the message without UUIDs and digits: a file name, a record ID or
-- the name of the client split a group, and two faults of one wording in two places were one. docs/failures.md tells how.

ALTER TABLE failure_events_from_events ${ON_CLUSTER} MODIFY QUERY
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
    lower(hex(sipHash64(error_type, ${MESSAGE_KIND}, ${ERROR_CODES}, ${OWN_FRAME}))) AS fingerprint,
    LogAttributes['exception.type'] AS error_type,
    LogAttributes['exception.message'] AS error_message,
    LogAttributes['exception.stacktrace'] AS stacktrace
FROM otel_logs
WHERE RunId != '' AND EventName = 'rollcall.failure';

ALTER TABLE failure_events ${ON_CLUSTER} MODIFY COLUMN fingerprint COMMENT 'Same for failures of one kind: error type, message without what differs from case to case, codes in it, place in the own code';

CREATE OR REPLACE VIEW client_run_facts ${ON_CLUSTER} AS
SELECT
    client.project_id AS project_id,
    client.run_id AS run_id,
    client.origin AS origin,
    client.client_id AS client_id,
    if(client.job_name != '', client.job_name, job.job_name) AS job_name,
    client.trace_id AS trace_id,
    client.span_id AS span_id,
    client.producer AS producer,
    client.attempt AS attempt,
    client.expected AS expected,
    multiIf(job.run_id != '', 'child', client.standalone = 1, 'standalone', 'orphan') AS relation,
    client.recovered AS recovered,
    client.started_at AS started_at,
    client.ending.at AS declared_end_at,
    client.ending.status AS declared_status,
    client.ending.reason AS reason,
    client.ending.error_type AS error_type,
    client.ending.error_message AS error_message,
    if(client.is_ended, client.last_seen_at, greatest(client.last_seen_at, process.last_seen_at)) AS last_sign_at,
    if(client.is_ended, 0, toUnixTimestamp64Milli(greatest(last_sign_at, client.heard_at, process.heard_at)) + if(greatest(process.heartbeat_interval_ms, job.heartbeat_interval_ms) = 0, 86400000, 3 * toInt64(greatest(process.heartbeat_interval_ms, job.heartbeat_interval_ms)))) AS lost_ms,
    if(client.is_started OR job.is_ended, -1, toUnixTimestamp64Milli(job.heard_at) + if(job.heartbeat_interval_ms = 0, 86400000, 3 * toInt64(job.heartbeat_interval_ms))) AS unanswered_ms,
    client.progress.done AS progress_done,
    client.progress.total AS progress_total,
    client.is_cut AS is_cut,
    multiIf(
        client.ending.status NOT IN ('failed', 'timed_out'), '',
        failure.fingerprint != '', failure.fingerprint,
        lower(hex(sipHash64(error_type, ${MESSAGE_KIND}, ${ERROR_CODES}, '')))) AS fingerprint,
    cityHash64(job_name, trace_id, span_id, producer, attempt, expected, relation, recovered, ifNull(started_at, toDateTime64(0, 9, 'UTC')), client.ending,
        last_sign_at, lost_ms, unanswered_ms, client.progress, is_cut, fingerprint) AS digest
FROM client_run_evidence AS client
LEFT JOIN job_run_latest AS job ON job.project_id = client.project_id AND job.run_id = client.run_id AND job.origin = client.origin
LEFT JOIN run_producers_latest AS process ON process.project_id = client.project_id AND process.run_id = client.run_id AND process.origin = client.origin AND process.producer = client.producer
LEFT JOIN
(
    SELECT project_id, run_id, origin, client_id, attempt, error_type, error_message, max(failure_events.fingerprint) AS fingerprint
    FROM failure_events
    GROUP BY project_id, run_id, origin, client_id, attempt, error_type, error_message
) AS failure ON failure.project_id = client.project_id AND failure.run_id = client.run_id AND failure.origin = client.origin AND failure.client_id = client.client_id
    AND failure.attempt = client.attempt AND failure.error_type = client.ending.error_type AND failure.error_message = client.ending.error_message
COMMENT 'What client_run_summaries is computed from';

-- What was grouped before is grouped anew.
ALTER TABLE failure_events ${ON_CLUSTER}
    UPDATE fingerprint = lower(hex(sipHash64(error_type, ${MESSAGE_KIND}, ${ERROR_CODES}, ${OWN_FRAME}))) WHERE true
    SETTINGS mutations_sync = 2;

TRUNCATE TABLE failure_summaries ${ON_CLUSTER};

INSERT INTO failure_summaries (project_id, run_id, origin, fingerprint, job_name, error_type, sample_message, step, first_seen, last_seen, occurrences, clients, summarised_at)
SELECT project_id, run_id, origin, fingerprint, job_name, error_type, sample_message, step, first_seen, last_seen, occurrences, clients, now64(3, 'UTC')
FROM failure_facts;

-- Client runs that failed bear the fingerprint of their failure: they wait for their rollup.
INSERT INTO run_touches (project_id, run_id, touched_at)
SELECT project_id, run_id, now64(3, 'UTC') FROM client_run_summaries WHERE fingerprint != '' GROUP BY project_id, run_id;
