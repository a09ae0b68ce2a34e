-- What people, dashboards and the console read. Verdicts are concluded here, when read, from all the evidence.

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
    greatest(last_seen_at, max(attempts.heard_at)) AS heard_at,
    -- Whole milliseconds, subtracted: adding to a time at the end of its range overflows and would make the view unreadable.
    toUnixTimestamp64Milli(now64(9, 'UTC')) - toUnixTimestamp64Milli(heard_at) > if(heartbeat_interval_ms = 0, 86400000, 3 * toInt64(heartbeat_interval_ms)) AS is_silent
FROM job_run_attempts AS attempts
GROUP BY project_id, run_id, origin
COMMENT 'The last try of each job run, before its clients are heard; without promised heartbeats a run is lost after a day of silence';

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

CREATE OR REPLACE VIEW client_runs ${ON_CLUSTER} AS
SELECT
    client.project_id AS project_id,
    if(client.job_name != '', client.job_name, job.job_name) AS job_name,
    client.run_id AS run_id,
    client.client_id AS client_id,
    concat(client.run_id, '-', client.client_id) AS client_run_id,
    client.origin AS origin,
    client.trace_id AS trace_id,
    client.span_id AS span_id,
    client.producer AS producer,
    greatest(client.attempt, 1) AS attempt,
    client.expected AS expected,
    multiIf(job.run_id != '', 'child', client.standalone = 1, 'standalone', 'orphan') AS relation,
    client.recovered AS recovered,
    client.attempt > 0 AND client.last_seen_at > toDateTime64(0, 9, 'UTC') AS is_started,
    client.ending.at > toDateTime64(0, 9, 'UTC') AS is_ended,
    if(is_ended, client.last_seen_at, greatest(client.last_seen_at, process.last_seen_at)) AS last_sign_at,
    multiIf(
        NOT is_started, if(job.run_id != '' AND (job.is_ended OR job.is_silent), 'never_started', 'pending'),
        is_ended AND client.ending.status IN ('completed', 'nothing_to_do', 'failed', 'cancelled', 'timed_out'), client.ending.status,
        is_ended, 'completed_with_errors',
        toUnixTimestamp64Milli(now64(9, 'UTC')) - toUnixTimestamp64Milli(greatest(last_sign_at, client.heard_at, process.heard_at))
            <= if(greatest(process.heartbeat_interval_ms, job.heartbeat_interval_ms) = 0, 86400000, 3 * toInt64(greatest(process.heartbeat_interval_ms, job.heartbeat_interval_ms))), 'running',
        'lost') AS verdict,
    client.ending.status AS declared_status,
    client.ending.reason AS reason,
    client.started_at AS started_at,
    if(is_ended, client.ending.at, NULL) AS ended_at,
    round((toUnixTimestamp64Nano(ended_at) - toUnixTimestamp64Nano(started_at)) / 1e6, 3) AS duration_ms,
    if(is_started, last_sign_at, NULL) AS last_seen_at,
    if(client.progress.total > 0, client.progress.done / client.progress.total, NULL) AS progress,
    client.progress.done AS progress_done,
    client.progress.total AS progress_total,
    if(verdict = 'lost' OR client.is_ahead OR (is_ended AND (client.started_at IS NULL OR client.final_series < client.metric_series)), 'incomplete', 'complete') AS telemetry,
    client.ending.error_type AS error_type,
    client.ending.error_message AS error_message,
    if(client.ending.status IN ('failed', 'timed_out'),
        lower(hex(sipHash64(client.ending.error_type, replaceRegexpAll(client.ending.error_message, '[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|0x[0-9a-fA-F]+|[0-9]+', '#')))), '') AS fingerprint
FROM
(
    SELECT
        project_id, run_id, origin, client_id,
        -- The last try that gave a sign of life: a stray metric of a later one is no try yet.
        max(attempts.lived) AS attempt,
        max(attempts.attempt) > attempt AS is_ahead,
        max(attempts.job_name) AS job_name,
        max(attempts.expected) AS expected,
        argMax(attempts.trace_id, attempts.lived) AS trace_id,
        argMax(attempts.span_id, attempts.lived) AS span_id,
        argMax(attempts.producer, attempts.lived) AS producer,
        argMax(tuple(attempts.started_at), attempts.lived).1 AS started_at,
        argMax(attempts.ending, attempts.lived) AS ending,
        argMax(attempts.last_seen_at, attempts.lived) AS last_seen_at,
        argMax(attempts.heard_at, attempts.lived) AS heard_at,
        argMax(attempts.progress, attempts.lived) AS progress,
        argMax(attempts.metric_series, attempts.lived) AS metric_series,
        argMax(attempts.final_series, attempts.lived) AS final_series,
        max(attempts.standalone) AS standalone,
        max(attempts.recovered) AS recovered
    FROM client_run_attempts AS attempts
    GROUP BY project_id, run_id, origin, client_id
) AS client
LEFT JOIN job_run_latest AS job ON job.project_id = client.project_id AND job.run_id = client.run_id AND job.origin = client.origin
LEFT JOIN run_producers_latest AS process ON process.project_id = client.project_id AND process.run_id = client.run_id AND process.origin = client.origin AND process.producer = client.producer
COMMENT 'Client runs, expected clients included, with their verdicts';

CREATE OR REPLACE VIEW job_runs ${ON_CLUSTER} AS
SELECT
    job.project_id AS project_id,
    job.job_name AS job_name,
    job.run_id AS run_id,
    job.origin AS origin,
    job.trace_id AS trace_id,
    job.attempt AS attempt,
    job.recovered AS recovered,
    multiIf(
        NOT job.is_ended, if(job.is_silent, 'lost', 'running'),
        clients.running > 0, 'running',
        job.ending.status IN ('failed', 'cancelled', 'timed_out'), job.ending.status,
        clients_failed + clients_lost + clients_never_started + clients_timed_out + clients_cancelled + clients.completed_with_errors > 0, 'completed_with_errors',
        job.ending.status = 'nothing_to_do' AND clients.completed = 0, 'nothing_to_do',
        job.ending.status = 'nothing_to_do', 'completed',
        clients_started > 0 AND clients_nothing_to_do = clients_started, 'nothing_to_do',
        job.ending.status = 'completed', 'completed',
        'completed_with_errors') AS verdict,
    job.ending.status AS declared_status,
    job.ending.reason AS reason,
    job.started_at AS started_at,
    -- It has not ended while a client still works, whatever it said.
    if(job.is_ended AND verdict != 'running', greatest(job.ending.at, ifNull(clients.last_ended_at, job.ending.at)), NULL) AS ended_at,
    if(ended_at IS NULL, NULL, round((toUnixTimestamp64Nano(ended_at) - toUnixTimestamp64Nano(started_at)) / 1e6, 3)) AS duration_ms,
    greatest(job.last_seen_at, ifNull(clients.last_sign_at, job.last_seen_at)) AS last_seen_at,
    multiIf(
        job.progress.total > 0, job.progress.done / job.progress.total,
        clients_expected > 0, clients.expected_done / clients_expected,
        NULL) AS progress,
    job.progress.done AS progress_done,
    job.progress.total AS progress_total,
    clients.expected AS clients_expected,
    clients.started AS clients_started,
    clients.running AS clients_running,
    clients.completed AS clients_completed,
    clients.nothing_to_do AS clients_nothing_to_do,
    clients.failed AS clients_failed,
    clients.timed_out AS clients_timed_out,
    clients.cancelled AS clients_cancelled,
    clients.lost AS clients_lost,
    clients.never_started AS clients_never_started,
    clients.unexpected AS clients_unexpected,
    clients.completed_with_errors AS clients_completed_with_errors,
    if(conflicts.origins > 1, conflicts.origins - 1, 0) AS conflicts,
    -- While a run goes on, its latest metrics are still on their way; of a lost one nobody knows what was.
    if(verdict = 'lost' OR producers.missing_events > 0
        OR (verdict != 'running' AND (clients.incomplete > 0 OR job.started_at IS NULL OR job.final_series < job.metric_series)), 'incomplete', 'complete') AS telemetry,
    job.ending.error_type AS error_type,
    job.ending.error_message AS error_message,
    arrayFilter(note -> note != '', arrayConcat(
        [
            if(conflicts.origins > 1, format('{} runs share this run ID', toString(conflicts.origins)), ''),
            if(producers.missing_events > 0, format('{} of {} events did not arrive', toString(producers.missing_events), toString(producers.events_sent)), ''),
            if(verdict != 'running' AND clients.incomplete > clients.lost, format('{} clients lack metrics or their start', toString(clients.incomplete - clients.lost)), ''),
            if(clients.expected > 0 AND clients.unexpected > 0, format('{} clients were handled that nobody expected', toString(clients.unexpected)), ''),
            if(job.is_ended AND job.ending.status NOT IN ('completed', 'nothing_to_do', 'failed', 'cancelled', 'timed_out'), format('declared an unknown status: {}', job.ending.status), '')
        ],
        notes.texts)) AS notes
FROM job_run_latest AS job
LEFT JOIN
(
    SELECT
        project_id, run_id, origin,
        toUInt64(countIf(client_runs.expected = 1)) AS expected,
        countIf(client_runs.expected = 1 AND client_runs.verdict NOT IN ('pending', 'running')) AS expected_done,
        countIf(client_runs.is_started) AS started,
        countIf(client_runs.is_started AND client_runs.expected = 0) AS unexpected,
        countIf(client_runs.verdict = 'running') AS running,
        countIf(client_runs.verdict = 'completed') AS completed,
        countIf(client_runs.verdict = 'completed_with_errors') AS completed_with_errors,
        countIf(client_runs.verdict = 'nothing_to_do') AS nothing_to_do,
        countIf(client_runs.verdict = 'failed') AS failed,
        countIf(client_runs.verdict = 'timed_out') AS timed_out,
        countIf(client_runs.verdict = 'cancelled') AS cancelled,
        countIf(client_runs.verdict = 'lost') AS lost,
        countIf(client_runs.verdict = 'never_started') AS never_started,
        countIf(client_runs.telemetry = 'incomplete') AS incomplete,
        max(client_runs.ended_at) AS last_ended_at,
        max(client_runs.last_seen_at) AS last_sign_at
    FROM client_runs
    GROUP BY project_id, run_id, origin
) AS clients ON clients.project_id = job.project_id AND clients.run_id = job.run_id AND clients.origin = job.origin
LEFT JOIN
(
    SELECT
        project_id, run_id, origin,
        sum(greatest(process.events_sent, process.events_received) - process.events_received) AS missing_events,
        sum(process.events_sent) AS events_sent
    FROM run_producers_latest AS process
    GROUP BY project_id, run_id, origin
) AS producers ON producers.project_id = job.project_id AND producers.run_id = job.run_id AND producers.origin = job.origin
LEFT JOIN
(
    SELECT project_id, run_id, uniqExact(job_run_states.origin) AS origins
    FROM job_run_states
    GROUP BY project_id, run_id
) AS conflicts ON conflicts.project_id = job.project_id AND conflicts.run_id = job.run_id
LEFT JOIN
(
    SELECT project_id, run_id, origin, arraySort(groupArray(format('{}{} ({}×)', if(noted.client_id = '', '', concat(noted.client_id, ': ')), noted.text, toString(noted.count)))) AS texts
    FROM
    (
        SELECT project_id, run_id, origin, client_id, code, subject, sum(latest.count) AS count, max(latest.text) AS text
        FROM (SELECT project_id, run_id, origin, client_id, code, subject, producer, max(run_notes.note) AS latest FROM run_notes GROUP BY project_id, run_id, origin, client_id, code, subject, producer)
        GROUP BY project_id, run_id, origin, client_id, code, subject
    ) AS noted
    GROUP BY project_id, run_id, origin
) AS notes ON notes.project_id = job.project_id AND notes.run_id = job.run_id AND notes.origin = job.origin
COMMENT 'Job runs with their verdicts, concluded from their own end and their clients';

CREATE OR REPLACE VIEW client_metrics ${ON_CLUSTER} AS
SELECT
    accumulations.project_id AS project_id,
    max(accumulations.job_name) AS job_name,
    accumulations.run_id AS run_id,
    accumulations.origin AS origin,
    accumulations.client_id AS client_id,
    accumulations.metric AS metric,
    accumulations.aggregation AS aggregation,
    max(accumulations.unit) AS unit,
    max(accumulations.attempt) AS attempt,
    multiIf(
        aggregation = 'sum', arraySum(arraySort(groupArrayIf(accumulations.latest.value, accumulations.attempt = greatest(accumulations.last_reporting, tries.lived)))),
        aggregation = 'min', minIf(accumulations.lowest, accumulations.attempt = greatest(accumulations.last_reporting, tries.lived)),
        aggregation = 'max', maxIf(accumulations.highest, accumulations.attempt = greatest(accumulations.last_reporting, tries.lived)),
        maxIf(accumulations.latest, accumulations.attempt = greatest(accumulations.last_reporting, tries.lived)).value) AS value,
    maxIf(accumulations.latest, accumulations.attempt = greatest(accumulations.last_reporting, tries.lived)).at AS updated_at
FROM
(
    SELECT
        project_id, run_id, origin, client_id, metric, aggregation, attempt, series, accumulation,
        max(metric_states.job_name) AS job_name,
        max(metric_states.unit) AS unit,
        max(metric_states.latest) AS latest,
        min(metric_states.lowest) AS lowest,
        max(metric_states.highest) AS highest,
        max(attempt) OVER (PARTITION BY project_id, run_id, origin, client_id) AS last_reporting
    FROM metric_states
    GROUP BY project_id, run_id, origin, client_id, metric, aggregation, attempt, series, accumulation
) AS accumulations
-- A later try that reported nothing has nothing to report: the numbers of the try before are not its own.
LEFT JOIN
(
    SELECT project_id, run_id, origin, client_id, max(client_run_attempts.lived) AS lived
    FROM client_run_attempts
    GROUP BY project_id, run_id, origin, client_id
    UNION ALL
    SELECT project_id, run_id, origin, '' AS client_id, max(job_run_attempts.attempt) AS lived
    FROM job_run_attempts
    GROUP BY project_id, run_id, origin
) AS tries ON tries.project_id = accumulations.project_id AND tries.run_id = accumulations.run_id
    AND tries.origin = accumulations.origin AND tries.client_id = accumulations.client_id
GROUP BY project_id, run_id, origin, client_id, metric, aggregation
HAVING countIf(accumulations.attempt = greatest(accumulations.last_reporting, tries.lived)) > 0
COMMENT 'Metrics per client run; client_id is empty for metrics of the job run itself. A sum adds its accumulations in a fixed order, so that it reads the same every time';

CREATE OR REPLACE VIEW job_metrics ${ON_CLUSTER} AS
SELECT
    project_id,
    max(client_metrics.job_name) AS job_name,
    run_id,
    origin,
    metric,
    aggregation,
    max(client_metrics.unit) AS unit,
    multiIf(
        aggregation = 'sum', arraySum(arraySort(groupArray(client_metrics.value))),
        aggregation = 'min', min(client_metrics.value),
        aggregation = 'max', max(client_metrics.value),
        max(tuple(client_metrics.updated_at, client_metrics.value)).2) AS value,
    countIf(client_metrics.client_id != '') AS clients,
    max(client_metrics.updated_at) AS updated_at
FROM client_metrics
GROUP BY project_id, run_id, origin, metric, aggregation
COMMENT 'Metrics per job run, read from the states of its clients';

CREATE OR REPLACE VIEW failures ${ON_CLUSTER} AS
SELECT project_id, job_name, run_id, origin, client_id, attempt, step, fingerprint, error_type, error_message, stacktrace, occurred_at, trace_id, span_id
FROM failure_events FINAL
COMMENT 'Errors of runs, each once';

CREATE OR REPLACE VIEW failure_groups ${ON_CLUSTER} AS
SELECT
    project_id,
    job_name,
    fingerprint,
    argMax(failures.error_type, failures.occurred_at) AS error_type,
    argMax(failures.error_message, failures.occurred_at) AS sample_message,
    min(failures.occurred_at) AS first_seen,
    max(failures.occurred_at) AS last_seen,
    count() AS occurrences,
    uniqExact(failures.run_id, failures.origin) AS runs,
    uniqExactIf(failures.client_id, failures.client_id != '') AS clients
FROM failures
GROUP BY project_id, job_name, fingerprint
COMMENT 'Failures that share a fingerprint';
