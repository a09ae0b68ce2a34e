-- Settled rollups: one row per run, per client run, per metric and per kind of failure, so that a page, a trend or a
-- fleet is read flat, in the order in which it is asked for.
--
-- A row is never added to. It is computed anew from the states whenever evidence of its run arrives, and replaces the row
-- before. What depends on the time of reading (running or lost, pending or never started) is not in it: it holds the
-- moments from which the views conclude that when they are read.

CREATE TABLE IF NOT EXISTS run_touches ${ON_CLUSTER}
(
    project_id LowCardinality(String) COMMENT 'Project',
    run_id String COMMENT 'Job run ID',
    touched_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'When evidence of the run was last inserted',
    summarised_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'When its rollup was last begun; what is older than touched_at is to be done again',
    INDEX recent touched_at TYPE minmax GRANULARITY 1
)
ENGINE = ${REPLICATED}AggregatingMergeTree
ORDER BY (project_id, run_id)
TTL toDateTime(touched_at) + INTERVAL 30 DAY
COMMENT 'Which runs changed, and which of them are rolled up';

CREATE MATERIALIZED VIEW IF NOT EXISTS run_touches_from_logs ${ON_CLUSTER} TO run_touches AS
SELECT ProjectId AS project_id, RunId AS run_id, max(now64(3, 'UTC')) AS touched_at
FROM otel_logs
WHERE RunId != '' AND startsWith(EventName, 'rollcall.')
GROUP BY project_id, run_id;

CREATE MATERIALIZED VIEW IF NOT EXISTS run_touches_from_traces ${ON_CLUSTER} TO run_touches AS
SELECT ProjectId AS project_id, RunId AS run_id, max(now64(3, 'UTC')) AS touched_at
FROM otel_traces
WHERE RunId != ''
GROUP BY project_id, run_id;

CREATE MATERIALIZED VIEW IF NOT EXISTS run_touches_from_sums ${ON_CLUSTER} TO run_touches AS
SELECT ProjectId AS project_id, RunId AS run_id, max(now64(3, 'UTC')) AS touched_at
FROM otel_metrics_sum
WHERE RunId != ''
GROUP BY project_id, run_id;

CREATE MATERIALIZED VIEW IF NOT EXISTS run_touches_from_gauges ${ON_CLUSTER} TO run_touches AS
SELECT ProjectId AS project_id, RunId AS run_id, max(now64(3, 'UTC')) AS touched_at
FROM otel_metrics_gauge
WHERE RunId != ''
GROUP BY project_id, run_id;

-- What is there already waits for its first rollup.
INSERT INTO run_touches (project_id, run_id, touched_at)
SELECT project_id, run_id, now64(3, 'UTC') FROM job_run_states GROUP BY project_id, run_id
UNION ALL
SELECT project_id, run_id, now64(3, 'UTC') FROM client_run_states GROUP BY project_id, run_id
UNION ALL
SELECT project_id, run_id, now64(3, 'UTC') FROM metric_states GROUP BY project_id, run_id;

CREATE TABLE IF NOT EXISTS run_summaries ${ON_CLUSTER}
(
${RUN_SUMMARY_COLUMNS}
)
ENGINE = ${REPLICATED}ReplacingMergeTree(summarised_at)
ORDER BY (project_id, run_id, origin)
SETTINGS index_granularity = 1024
COMMENT 'Job runs: what does not depend on the time of reading';

CREATE TABLE IF NOT EXISTS run_summaries_next ${ON_CLUSTER}
(
    pass String COMMENT 'The computation that made the row',
${RUN_SUMMARY_COLUMNS}
)
ENGINE = ${REPLICATED}MergeTree
ORDER BY pass
TTL toDateTime(summarised_at) + INTERVAL 1 HOUR
COMMENT 'Rows on their way to run_summaries: computed before the rows of what belongs to the run, shown after them';

CREATE TABLE IF NOT EXISTS client_run_summaries ${ON_CLUSTER}
(
    project_id LowCardinality(String) COMMENT 'Project',
    run_id String COMMENT 'Job run ID',
    origin String COMMENT 'Trace ID of the job run',
    client_id String COMMENT 'Client',
    job_name LowCardinality(String) COMMENT 'Job',
    trace_id String COMMENT 'Trace of the last attempt',
    span_id String COMMENT 'Span of the last attempt',
    producer String COMMENT 'service.instance.id of the process that handles the client',
    attempt UInt16 COMMENT 'The last try that gave a sign of life; 0 for a client that is only expected',
    expected UInt8 COMMENT '1 where the roster names the client',
    relation Enum8('child' = 1, 'standalone' = 2, 'orphan' = 3) COMMENT 'child of a job run, standalone, or orphan: its job run is not known yet',
    recovered UInt8 COMMENT '1 where the record was made from what was known',
    started_at Nullable(DateTime64(9, 'UTC')) COMMENT 'Start of the last attempt, null while only later evidence has arrived',
    declared_end_at DateTime64(9, 'UTC') COMMENT 'Declared end of the last attempt; 1970 while there is none',
    declared_status LowCardinality(String) COMMENT 'Declared status',
    reason String COMMENT 'Reason that was given',
    error_type LowCardinality(String) COMMENT 'Class or code of the error',
    error_message String COMMENT 'Message of the error',
    last_sign_at DateTime64(9, 'UTC') COMMENT 'The latest sign of life; while it is open, that of its process counts',
    lost_ms Int64 COMMENT 'While it is open: from here on its silence, and that of its process, means that it is lost, milliseconds since 1970',
    unanswered_ms Int64 COMMENT 'While it is only expected: from here on it never started, since the job is lost, milliseconds since 1970; -1 once the job has ended',
    progress_done UInt64 COMMENT 'Progress',
    progress_total UInt64 COMMENT 'Total of the progress; 0 where unknown',
    is_cut UInt8 COMMENT '1 where its start or final metrics are missing, or metrics of a later try arrived without it',
    fingerprint String COMMENT 'Same for failures of one kind; empty where it did not fail',
    digest UInt64 COMMENT 'Hash of the row: a row that has not changed is not written again',
    summarised_at DateTime64(3, 'UTC') COMMENT 'When this row was computed; the latest counts'
)
ENGINE = ${REPLICATED}ReplacingMergeTree(summarised_at)
ORDER BY (project_id, run_id, origin, client_id)
SETTINGS index_granularity = 1024
COMMENT 'Client runs: what does not depend on the time of reading';

CREATE TABLE IF NOT EXISTS metric_summaries ${ON_CLUSTER}
(
    project_id LowCardinality(String) COMMENT 'Project',
    run_id String COMMENT 'Job run ID',
    origin String COMMENT 'Trace ID of the job run',
    client_id String COMMENT 'Client, empty for a metric of the job run itself',
    metric LowCardinality(String) COMMENT 'Name of the metric',
    aggregation LowCardinality(String) COMMENT 'sum, min, max or last',
    job_name LowCardinality(String) COMMENT 'Job',
    unit LowCardinality(String) COMMENT 'UCUM unit',
    attempt UInt16 COMMENT 'The try that reported it',
    is_reported UInt8 COMMENT '0 where the last try reported nothing: the numbers of the try before are not its own',
    value Float64 COMMENT 'Value of the last try',
    updated_at DateTime64(9, 'UTC') COMMENT 'Time of the latest point',
    digest UInt64 COMMENT 'Hash of the row: a row that has not changed is not written again',
    summarised_at DateTime64(3, 'UTC') COMMENT 'When this row was computed; the latest counts'
)
ENGINE = ${REPLICATED}ReplacingMergeTree(summarised_at)
ORDER BY (project_id, run_id, origin, client_id, metric, aggregation)
COMMENT 'Metrics per client run, computed from metric_states';

CREATE TABLE IF NOT EXISTS job_metric_summaries ${ON_CLUSTER}
(
    project_id LowCardinality(String) COMMENT 'Project',
    run_id String COMMENT 'Job run ID',
    origin String COMMENT 'Trace ID of the job run',
    metric LowCardinality(String) COMMENT 'Name of the metric',
    aggregation LowCardinality(String) COMMENT 'sum, min, max or last',
    job_name LowCardinality(String) COMMENT 'Job',
    unit LowCardinality(String) COMMENT 'UCUM unit',
    is_reported UInt8 COMMENT '0 where no last try reports it any more',
    value Float64 COMMENT 'Value over all clients and the job run itself',
    clients UInt32 COMMENT 'Clients that reported it',
    updated_at DateTime64(9, 'UTC') COMMENT 'Time of the latest point',
    summarised_at DateTime64(3, 'UTC') COMMENT 'When this row was computed; the latest counts'
)
ENGINE = ${REPLICATED}ReplacingMergeTree(summarised_at)
ORDER BY (project_id, run_id, origin, metric, aggregation)
SETTINGS index_granularity = 1024
COMMENT 'Metrics per job run, computed from metric_states';

CREATE TABLE IF NOT EXISTS failure_summaries ${ON_CLUSTER}
(
    project_id LowCardinality(String) COMMENT 'Project',
    run_id String COMMENT 'Job run ID',
    origin String COMMENT 'Trace ID of the job run',
    fingerprint String COMMENT 'Same for failures of one kind',
    job_name LowCardinality(String) COMMENT 'Job',
    error_type LowCardinality(String) COMMENT 'Class or code of the latest of them',
    sample_message String COMMENT 'Message of the latest of them',
    step LowCardinality(String) COMMENT 'Step of the latest of them',
    first_seen DateTime64(9, 'UTC') COMMENT 'The first of them in this run',
    last_seen DateTime64(9, 'UTC') COMMENT 'The last of them in this run',
    occurrences UInt32 COMMENT 'How many in this run',
    clients Array(String) COMMENT 'Clients of this run that they hit',
    summarised_at DateTime64(3, 'UTC') COMMENT 'When this row was computed; the latest counts'
)
ENGINE = ${REPLICATED}ReplacingMergeTree(summarised_at)
ORDER BY (project_id, run_id, origin, fingerprint)
COMMENT 'Failures per run and kind, computed from failure_events';

CREATE TABLE IF NOT EXISTS client_run_history ${ON_CLUSTER} AS client_run_summaries
ENGINE = ${REPLICATED}ReplacingMergeTree(summarised_at)
ORDER BY (project_id, client_id, run_id, origin)
SETTINGS index_granularity = 1024
COMMENT 'The rows of client_run_summaries in the order of clients';

CREATE MATERIALIZED VIEW IF NOT EXISTS client_run_history_from_summaries ${ON_CLUSTER} TO client_run_history AS
SELECT * FROM client_run_summaries;

-- What the rollups are computed from: one row per run, per client run, per metric, per kind of failure, straight from the
-- states. They are slow to plan, and are asked for the runs that have just changed.

CREATE OR REPLACE VIEW client_run_evidence ${ON_CLUSTER} AS
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
    max(attempts.recovered) AS recovered,
    attempt > 0 AS is_started,
    ending.at > toDateTime64(0, 9, 'UTC') AS is_ended,
    is_ahead OR (is_ended AND (started_at IS NULL OR final_series < metric_series)) AS is_cut
FROM client_run_attempts AS attempts
GROUP BY project_id, run_id, origin, client_id
COMMENT 'The last try of each client run, before its process and its job are heard';

-- Silence is counted in whole milliseconds: adding to a time at the end of its range overflows and would make a view unreadable.
CREATE OR REPLACE VIEW client_run_facts ${ON_CLUSTER} AS
WITH
${PATIENCE_MS}
SELECT
${CLIENT_FACT_COLUMNS},
    multiIf(
        client.ending.status NOT IN ('failed', 'timed_out'), '',
        failure.fingerprint != '', failure.fingerprint,
        lower(hex(sipHash64(error_type, ${MESSAGE_KIND}, ${ERROR_CODES}, '')))) AS fingerprint
${CLIENT_FACT_SOURCES}
LEFT JOIN
(
    SELECT project_id, run_id, origin, client_id, attempt, error_type, error_message, max(failure_events.fingerprint) AS fingerprint
    FROM failure_events
    GROUP BY project_id, run_id, origin, client_id, attempt, error_type, error_message
) AS failure ON failure.project_id = client.project_id AND failure.run_id = client.run_id AND failure.origin = client.origin AND failure.client_id = client.client_id
    AND failure.attempt = client.attempt AND failure.error_type = client.ending.error_type AND failure.error_message = client.ending.error_message
COMMENT 'What client_run_summaries is computed from';

-- Mostly nobody failed, and what tells failures apart is two fifths of what there is to plan.
CREATE OR REPLACE VIEW unfailed_client_run_facts ${ON_CLUSTER} AS
WITH
${PATIENCE_MS}
SELECT
${CLIENT_FACT_COLUMNS},
    '' AS fingerprint
${CLIENT_FACT_SOURCES}
COMMENT 'The same, of runs in which no client failed or timed out';

CREATE OR REPLACE VIEW run_facts ${ON_CLUSTER} AS
WITH
${PATIENCE_MS}
SELECT
    job.project_id AS project_id,
    job.run_id AS run_id,
    job.origin AS origin,
    job.job_name AS job_name,
    job.trace_id AS trace_id,
    job.attempt AS attempt,
    job.recovered AS recovered,
    job.started_at AS started_at,
    job.ending.at AS declared_end_at,
    job.ending.status AS declared_status,
    job.ending.reason AS reason,
    job.ending.error_type AS error_type,
    job.ending.error_message AS error_message,
    job.last_seen_at AS last_sign_at,
    toUnixTimestamp64Milli(job.heard_at) + patience_ms(job.heartbeat_interval_ms) AS lost_ms,
    job.heartbeat_interval_ms AS heartbeat_interval_ms,
    job.progress.done AS progress_done,
    job.progress.total AS progress_total,
    clients.counts.expected AS expected,
    clients.counts.expected_ended AS expected_ended,
    clients.counts.unanswered AS unanswered,
    clients.counts.started AS started,
    clients.counts.unexpected AS unexpected,
    clients.counts.completed AS completed,
    clients.counts.completed_with_errors AS completed_with_errors,
    clients.counts.nothing_to_do AS nothing_to_do,
    clients.counts.failed AS failed,
    clients.counts.timed_out AS timed_out,
    clients.counts.cancelled AS cancelled,
    arrayMap(open -> toUnixTimestamp64Milli(open.1) + patience_ms(greatest(open.2, job.heartbeat_interval_ms)), clients.open_clients) AS open_lost_ms,
    clients.counts.cut AS clients_cut,
    clients.ended_at AS clients_ended_at,
    clients.sign_at AS clients_sign_at,
    producers.missing_events AS missing_events,
    producers.events_sent AS events_sent,
    job.final_series < job.metric_series AS lacks_metrics,
    greatest(conflicts.origins, 1) AS origins,
    arrayFilter(note -> note != '', arrayConcat(
        [
            if(origins > 1, format('{} runs share this run ID', toString(origins)), ''),
            if(missing_events > 0, format('{} of {} events did not arrive', toString(missing_events), toString(events_sent)), ''),
            if(expected > 0 AND unexpected > 0, format('{} clients were handled that nobody expected', toString(unexpected)), ''),
            if(job.is_ended AND job.ending.status NOT IN ('completed', 'nothing_to_do', 'failed', 'cancelled', 'timed_out'), format('declared an unknown status: {}', job.ending.status), '')
        ],
        notes.texts)) AS noted
FROM job_run_latest AS job
LEFT JOIN
(
    SELECT
        project_id, run_id, origin,
        CAST(tuple(
            countIf(client.expected = 1),
            countIf(client.expected = 1 AND client.is_ended),
            countIf(client.expected = 1 AND NOT client.is_started),
            countIf(client.is_started),
            countIf(client.is_started AND client.expected = 0),
            countIf(client.is_ended AND client.ending.status = 'completed'),
            countIf(client.is_ended AND client.ending.status NOT IN ('completed', 'nothing_to_do', 'failed', 'cancelled', 'timed_out')),
            countIf(client.is_ended AND client.ending.status = 'nothing_to_do'),
            countIf(client.is_ended AND client.ending.status = 'failed'),
            countIf(client.is_ended AND client.ending.status = 'timed_out'),
            countIf(client.is_ended AND client.ending.status = 'cancelled'),
            countIf(client.is_cut)),
            'Tuple(expected UInt32, expected_ended UInt32, unanswered UInt32, started UInt32, unexpected UInt32, completed UInt32, completed_with_errors UInt32, nothing_to_do UInt32, failed UInt32, timed_out UInt32, cancelled UInt32, cut UInt32)') AS counts,
        groupArrayIf(
            tuple(greatest(client.last_seen_at, client.heard_at, process.last_seen_at, process.heard_at), process.heartbeat_interval_ms),
            client.is_started AND NOT client.is_ended) AS open_clients,
        maxIf(toNullable(client.ending.at), client.is_ended) AS ended_at,
        maxIf(toNullable(if(client.is_ended, client.last_seen_at, greatest(client.last_seen_at, process.last_seen_at))), client.is_started) AS sign_at
    FROM client_run_evidence AS client
    LEFT JOIN run_producers_latest AS process ON process.project_id = client.project_id AND process.run_id = client.run_id AND process.origin = client.origin AND process.producer = client.producer
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
COMMENT 'What run_summaries is computed from';

CREATE OR REPLACE VIEW metric_facts ${ON_CLUSTER} AS
SELECT
    project_id, run_id, origin, client_id, metric, aggregation,
    max(accumulations.job_name) AS job_name,
    max(accumulations.unit) AS unit,
    max(accumulations.attempt) AS attempt,
    toUInt8(countIf(accumulations.is_last) > 0) AS is_reported,
    multiIf(
        is_reported = 0, 0,
        aggregation = 'sum', arraySum(arraySort(groupArrayIf(accumulations.latest.value, accumulations.is_last))),
        aggregation = 'min', minIf(accumulations.lowest, accumulations.is_last),
        aggregation = 'max', maxIf(accumulations.highest, accumulations.is_last),
        maxIf(accumulations.latest, accumulations.is_last).value) AS value,
    maxIf(accumulations.latest, accumulations.is_last).at AS updated_at,
    cityHash64(job_name, unit, attempt, is_reported, value, updated_at) AS digest
FROM
(
    SELECT
        states.project_id AS project_id, states.run_id AS run_id, states.origin AS origin, states.client_id AS client_id,
        states.metric AS metric, states.aggregation AS aggregation, states.attempt AS attempt,
        states.job_name AS job_name, states.unit AS unit, states.latest AS latest, states.lowest AS lowest, states.highest AS highest,
        -- A later try that reported nothing has nothing to report: the numbers of the try before are not its own.
        states.attempt = greatest(states.last_reporting, tries.lived) AS is_last
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
    ) AS states
    LEFT JOIN
    (
        SELECT project_id, run_id, origin, client_id, max(client_run_attempts.lived) AS lived
        FROM client_run_attempts
        GROUP BY project_id, run_id, origin, client_id
        UNION ALL
        SELECT project_id, run_id, origin, '' AS client_id, max(job_run_attempts.attempt) AS lived
        FROM job_run_attempts
        GROUP BY project_id, run_id, origin
    ) AS tries ON tries.project_id = states.project_id AND tries.run_id = states.run_id AND tries.origin = states.origin AND tries.client_id = states.client_id
) AS accumulations
GROUP BY project_id, run_id, origin, client_id, metric, aggregation
COMMENT 'What metric_summaries is computed from. A sum adds its accumulations in a fixed order, so that it reads the same every time';

CREATE OR REPLACE VIEW job_metric_facts ${ON_CLUSTER} AS
SELECT
    project_id, run_id, origin, metric, aggregation,
    max(facts.job_name) AS job_name,
    max(facts.unit) AS unit,
    max(facts.is_reported) AS is_reported,
    multiIf(
        is_reported = 0, 0,
        aggregation = 'sum', arraySum(arraySort(groupArrayIf(facts.value, facts.is_reported = 1))),
        aggregation = 'min', minIf(facts.value, facts.is_reported = 1),
        aggregation = 'max', maxIf(facts.value, facts.is_reported = 1),
        maxIf(tuple(facts.updated_at, facts.value), facts.is_reported = 1).2) AS value,
    countIf(facts.is_reported = 1 AND facts.client_id != '') AS clients,
    maxIf(facts.updated_at, facts.is_reported = 1) AS updated_at
FROM metric_facts AS facts
GROUP BY project_id, run_id, origin, metric, aggregation
COMMENT 'What job_metric_summaries is computed from: the states of the clients, not another rollup';

CREATE OR REPLACE VIEW failure_facts ${ON_CLUSTER} AS
SELECT
    project_id, run_id, origin, fingerprint,
    max(failure_events.job_name) AS job_name,
    argMax(failure_events.error_type, failure_events.occurred_at) AS error_type,
    argMax(failure_events.error_message, failure_events.occurred_at) AS sample_message,
    argMax(failure_events.step, failure_events.occurred_at) AS step,
    min(failure_events.occurred_at) AS first_seen,
    max(failure_events.occurred_at) AS last_seen,
    count() AS occurrences,
    arraySort(groupUniqArrayIf(failure_events.client_id, failure_events.client_id != '')) AS clients
FROM failure_events FINAL
GROUP BY project_id, run_id, origin, fingerprint
COMMENT 'What failure_summaries is computed from';

-- Of these, evidence has come in that their rollup does not know yet. Nobody calls them silent before it does. A read pays
-- for every run of these minutes; when rollups take longer than a minute, ingest says of itself that it is behind.
CREATE OR REPLACE VIEW runs_waiting ${ON_CLUSTER} AS
SELECT project_id, run_id
FROM run_touches
WHERE touched_at >= now64(3, 'UTC') - INTERVAL 5 MINUTE
GROUP BY project_id, run_id
HAVING max(run_touches.summarised_at) < max(run_touches.touched_at)
COMMENT 'Runs whose newest evidence is not rolled up yet: for a second or two after it came in';

CREATE TABLE IF NOT EXISTS ingest_absences ${ON_CLUSTER}
(
    instance String COMMENT 'Host and port of an ingest process',
    process String COMMENT 'Its UUID, another one after each start',
    reason LowCardinality(String) COMMENT 'away: until this process started, nobody listened; behind: it had accepted more than ClickHouse had taken; slept: its machine did, or the clock was set ahead',
    absent_from DateTime64(3, 'UTC') COMMENT 'What was sent from here on may not have arrived',
    absent_until DateTime64(3, 'UTC') COMMENT 'until here; ahead of now while it lasts',
    written_at DateTime64(3, 'UTC') COMMENT 'The latest row counts'
)
ENGINE = ${REPLICATED}ReplacingMergeTree(written_at)
ORDER BY (instance, process, reason)
TTL toDateTime(absent_until) + INTERVAL 30 DAY
COMMENT 'When ingest was away, or was last behind: the silence of a run says nothing of such a time';

-- Who had his whole patience between two absences, and was not heard of, was silent then, and stays so. For him who had
-- not, the two are one. So the more patience, the further back lies the time that his silence is measured against.
CREATE OR REPLACE VIEW ingest_hearing ${ON_CLUSTER} AS
WITH
    toUnixTimestamp64Milli(now64(3, 'UTC')) AS clock_ms,
    arrayReverseSort(
        absence -> absence.2,
        groupArray((toUnixTimestamp64Milli(absent.absent_from), toUnixTimestamp64Milli(absent.absent_until)))) AS absences,
    arrayMap(
        n -> least(clock_ms, arrayMin(absence -> absence.1, arraySlice(absences, 1, n))),
        range(1, length(absences) + 1)) AS reaches,
    arrayMap(
        (absence, later) -> later - absence.2,
        absences, arrayPopBack(arrayPushFront(reaches, clock_ms))) AS pauses,
    arrayMap(n -> greatest(0, arrayMax(arraySlice(pauses, 1, n)) + 1), range(1, length(absences) + 1)) AS steps,
    -- Of equal steps the last reaches furthest.
    arrayFilter(
        (step, next) -> step.1 < next,
        arrayZip(steps, reaches), arrayPopFront(arrayPushBack(steps, 9223372036854775807))) AS hearing
SELECT
    hearing.1 AS patiences,
    hearing.2 AS heard_until
FROM (
    SELECT absent_from, absent_until
    FROM ingest_absences AS every FINAL
    WHERE every.absent_until >= now64(3, 'UTC') - INTERVAL 1 DAY
    ORDER BY every.absent_until DESC
    LIMIT 100
) AS absent
COMMENT 'From so many milliseconds of patience on, ascending, silence counts up to when, as milliseconds since 1970; less than the first: up to now. One row';

-- Of an earlier wording.
DROP TABLE IF EXISTS ingest_deafness ${ON_CLUSTER};

-- What people, dashboards and the console read: flat, and concluded at the moment of reading.

CREATE OR REPLACE VIEW client_runs ${ON_CLUSTER} AS
WITH
    (client.project_id, client.run_id) IN (SELECT project_id, run_id FROM runs_waiting) AS is_waiting,
    client.lost_ms - toUnixTimestamp64Milli(client.last_sign_at) AS patience_ms,
${NOW_MS}
SELECT
${CLIENT_RUN_COLUMNS}
FROM client_run_summaries AS client FINAL
COMMENT 'Client runs, expected clients included, with their verdicts; quick to read for a run';

CREATE OR REPLACE VIEW client_history ${ON_CLUSTER} AS
WITH
    (client.project_id, client.run_id) IN (SELECT project_id, run_id FROM runs_waiting) AS is_waiting,
    client.lost_ms - toUnixTimestamp64Milli(client.last_sign_at) AS patience_ms,
${NOW_MS}
SELECT
${CLIENT_RUN_COLUMNS}
FROM client_run_history AS client FINAL
COMMENT 'The same rows as client_runs; quick to read for a client across runs';

CREATE OR REPLACE VIEW job_runs ${ON_CLUSTER} AS
WITH
    run.declared_end_at > toDateTime64(0, 9, 'UTC') AS is_ended,
    now_ms > run.lost_ms AS is_silent
SELECT
    run.project_id AS project_id,
    run.job_name AS job_name,
    run.run_id AS run_id,
    run.origin AS origin,
    run.trace_id AS trace_id,
    run.attempt AS attempt,
    run.recovered AS recovered,
    multiIf(
        NOT is_ended, if(is_silent, 'lost', 'running'),
        clients_running > 0, 'running',
        run.declared_status IN ('failed', 'cancelled', 'timed_out'), CAST(run.declared_status, 'String'),
        run.failed + clients_lost + clients_never_started + run.timed_out + run.cancelled + run.completed_with_errors > 0, 'completed_with_errors',
        run.declared_status = 'nothing_to_do' AND run.completed = 0, 'nothing_to_do',
        run.declared_status = 'nothing_to_do', 'completed',
        run.started > 0 AND run.nothing_to_do = run.started, 'nothing_to_do',
        run.declared_status = 'completed', 'completed',
        'completed_with_errors') AS verdict,
    run.declared_status AS declared_status,
    run.reason AS reason,
    run.started_at AS started_at,
    -- It has not ended while a client still works, whatever it said.
    if(is_ended AND verdict != 'running', greatest(run.declared_end_at, ifNull(run.clients_ended_at, run.declared_end_at)), NULL) AS ended_at,
    if(ended_at IS NULL, NULL, round((toUnixTimestamp64Nano(ended_at) - toUnixTimestamp64Nano(started_at)) / 1e6, 3)) AS duration_ms,
    greatest(run.last_sign_at, ifNull(run.clients_sign_at, run.last_sign_at)) AS last_seen_at,
    multiIf(
        run.progress_total > 0, run.progress_done / run.progress_total,
        run.expected > 0, (run.expected_ended + least(clients_lost, run.expected - run.expected_ended - run.unanswered) + clients_never_started) / run.expected,
        NULL) AS progress,
    run.progress_done AS progress_done,
    run.progress_total AS progress_total,
    toUInt64(run.expected) AS clients_expected,
    toUInt64(run.started) AS clients_started,
    length(run.open_lost_ms) - clients_lost AS clients_running,
    toUInt64(run.completed) AS clients_completed,
    toUInt64(run.nothing_to_do) AS clients_nothing_to_do,
    toUInt64(run.failed) AS clients_failed,
    toUInt64(run.timed_out) AS clients_timed_out,
    toUInt64(run.cancelled) AS clients_cancelled,
    toUInt64(arrayCount(lost_ms -> now_ms > lost_ms, run.open_lost_ms)) AS clients_lost,
    toUInt64(if(is_ended OR is_silent, run.unanswered, 0)) AS clients_never_started,
    toUInt64(run.unexpected) AS clients_unexpected,
    toUInt64(run.completed_with_errors) AS clients_completed_with_errors,
    run.origins - 1 AS conflicts,
    -- While a run goes on, its latest metrics are still on their way; of a lost one nobody knows what was.
    if(verdict = 'lost' OR run.missing_events > 0
        OR (verdict != 'running' AND (run.clients_cut + clients_lost > 0 OR run.started_at IS NULL OR run.lacks_metrics)), 'incomplete', 'complete') AS telemetry,
    run.error_type AS error_type,
    run.error_message AS error_message,
    if(verdict != 'running' AND run.clients_cut > 0,
        arrayConcat([format('{} clients lack metrics or their start', toString(run.clients_cut))], run.noted),
        run.noted) AS notes
-- Worked out once, below the columns: where each of them spells it out, a read takes an eighth longer, all of it planning.
FROM (
    WITH
        (run.project_id, run.run_id) IN (SELECT project_id, run_id FROM runs_waiting) AS is_waiting,
        run.lost_ms - toUnixTimestamp64Milli(run.last_sign_at) AS patience_ms,
    ${NOW_MS}
    SELECT run.*, now_ms
    FROM run_summaries AS run FINAL
) AS run
COMMENT 'Job runs with their verdicts, concluded from their own end and their clients';

CREATE OR REPLACE VIEW client_metrics ${ON_CLUSTER} AS
SELECT project_id, job_name, run_id, origin, client_id, metric, aggregation, unit, attempt, value, updated_at
FROM metric_summaries FINAL
WHERE is_reported = 1
COMMENT 'Metrics per client run; client_id is empty for metrics of the job run itself';

CREATE OR REPLACE VIEW job_metrics ${ON_CLUSTER} AS
SELECT project_id, job_name, run_id, origin, metric, aggregation, unit, value, toUInt64(clients) AS clients, updated_at
FROM job_metric_summaries FINAL
WHERE is_reported = 1
COMMENT 'Metrics per job run, computed from the states of its clients';

CREATE OR REPLACE VIEW failure_groups ${ON_CLUSTER} AS
SELECT
    project_id,
    job_name,
    fingerprint,
    argMax(failures.error_type, failures.last_seen) AS error_type,
    argMax(failures.sample_message, failures.last_seen) AS sample_message,
    min(failures.first_seen) AS first_seen,
    max(failures.last_seen) AS last_seen,
    sum(failures.occurrences) AS occurrences,
    count() AS runs,
    uniqExactArray(failures.clients) AS clients
FROM failure_summaries AS failures FINAL
GROUP BY project_id, job_name, fingerprint
COMMENT 'Failures that share a fingerprint';
