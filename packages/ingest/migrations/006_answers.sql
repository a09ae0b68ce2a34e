-- What makes failures one group: the type of the error, its message without what differs from case to case (numbers,
-- identifiers, paths, times, the client itself), the codes in it that tell errors apart, and the place in the program's own
-- code where it was thrown. Until here it was the type and the message without UUIDs and digits: a file name, a record ID or
-- the name of the client split a group, and two faults of one wording in two places were one. docs/failures.md tells how.

ALTER TABLE failure_events_from_signs ${ON_CLUSTER} MODIFY QUERY
SELECT
    project_id, run_id, origin, client_id, attempt, trace_id, span_id, producer, sequence, occurred_at, job_name, step,
    lower(hex(sipHash64(error_type, ${MESSAGE_KIND}, ${ERROR_CODES}, ${OWN_FRAME}))) AS fingerprint,
    error_type, error_message, stacktrace
FROM failure_signs;

ALTER TABLE failure_events ${ON_CLUSTER} MODIFY COLUMN fingerprint COMMENT 'Same for failures of one kind: error type, message without what differs from case to case, codes in it, place in the own code';

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
