-- What deserves somebody's attention now, concluded when read: one view per rule, and alert_conditions over all of them.
-- Each view ends with the same lines: fragments/alert_columns.sql and alert_filter.sql put the limits of alert_settings in.
-- Grafana's rules, webhooks and plain SQL read the same rows, so that they say the same of the same thing.
--
-- A condition is known by its rule, project, job, run, client and subject. While it lasts these stay as they are, and so
-- does its summary: what changes from one reading to the next is in value. It ends when the evidence says so.

CREATE TABLE IF NOT EXISTS alert_settings ${ON_CLUSTER}
(
    project_id String COMMENT 'Project, empty for all',
    job_name String COMMENT 'Job, empty for all',
    rule LowCardinality(String) COMMENT 'Rule, as in alert_conditions',
    value Nullable(Float64) COMMENT 'From here on the rule speaks up, in its own unit; null for its default',
    is_enabled UInt8 DEFAULT 1 COMMENT '0 where the rule is to keep silent',
    updated_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When it was set; the latest counts'
)
ENGINE = ${REPLICATED}ReplacingMergeTree(updated_at)
ORDER BY (project_id, job_name, rule)
COMMENT 'Limits of the alert rules where they are not the default; what is said of a job counts before what is said of a project';

CREATE OR REPLACE VIEW alert_runs ${ON_CLUSTER} AS
SELECT
    project_id, job_name, run_id, origin, verdict, started_at, ended_at, last_seen_at, duration_ms, telemetry, error_type, error_message, notes,
    clients_started + clients_never_started AS clients,
    clients_failed + clients_timed_out + clients_lost + clients_never_started AS clients_in_trouble
FROM job_runs
-- Run IDs begin with the time.
WHERE run_id >= formatDateTime(now('UTC') - INTERVAL 28 DAY, '%y%m%d-%H%i%S') AND job_name != ''
COMMENT 'The job runs of four weeks, from which the rules learn what is usual';

CREATE OR REPLACE VIEW alert_jobs ${ON_CLUSTER} AS
SELECT
    project_id,
    job_name,
    -- A run that was stopped on purpose says nothing of the job.
    arraySlice(arrayReverseSort(groupArrayIf(CAST(
        tuple(runs.run_id, runs.verdict, ifNull(runs.ended_at, runs.last_seen_at), runs.error_type, runs.error_message, runs.telemetry, if(empty(runs.notes), '', runs.notes[1]), runs.clients, runs.clients_in_trouble),
        'Tuple(run_id String, verdict String, at DateTime64(9, \'UTC\'), error_type String, error_message String, telemetry String, note String, clients UInt64, in_trouble UInt64)'),
        runs.verdict NOT IN ('running', 'cancelled') AND runs.run_id >= formatDateTime(now('UTC') - INTERVAL 7 DAY, '%y%m%d-%H%i%S'))), 1, 100) AS newest,
    groupArrayIf(CAST(tuple(runs.run_id, assumeNotNull(runs.started_at)), 'Tuple(run_id String, started_at DateTime64(9, \'UTC\'))'),
        runs.verdict = 'running' AND runs.started_at IS NOT NULL) AS running,
    -- The newest first.
    arrayMap(run -> run.2, arrayReverseSort(groupArrayIf(tuple(runs.run_id, assumeNotNull(runs.duration_ms)),
        runs.verdict IN ('completed', 'completed_with_errors') AND runs.duration_ms > 0))) AS durations
FROM alert_runs AS runs
GROUP BY project_id, job_name
COMMENT 'Of each job: its latest runs of a week that are over, those that run, and how long those of four weeks took that were completed; the newest first';

CREATE OR REPLACE VIEW alert_of_runs ${ON_CLUSTER} AS
${ALERT_COLUMNS}
FROM
(
    SELECT
        project_id,
        found.rule AS rule,
        found.severity AS severity,
        job_name,
        found.run_id AS run_id,
        '' AS client_id,
        found.subject AS subject,
        found.since AS since,
        found.value AS value,
        found.threshold AS threshold,
        found.summary AS summary
    FROM
    (
        SELECT
            jobs.project_id AS project_id,
            jobs.job_name AS job_name,
            newest[1] AS latest,
            arrayFirstIndex(run -> run.verdict NOT IN ('failed', 'timed_out'), newest) AS first_not_failed,
            newest[if(first_not_failed = 0, toInt64(length(newest)), toInt64(first_not_failed) - 1)] AS first_failed,
            -- It has failed for longer than is looked back: the first of the runs looked at is another one after each run.
            first_not_failed = 0 AND length(newest) >= 100 AS is_beginning_unknown,
            arrayFirstIndex(run -> run.verdict != 'lost', newest) AS first_not_lost,
            arrayFirstIndex(run -> run.telemetry = 'complete', newest) AS first_complete,
            length(durations) AS known,
            arrayReduce('quantileExact(0.95)', arraySlice(durations, 1, 30)) AS high_ms,
            if(plan.max_runtime_ms > 0, toFloat64(plan.max_runtime_ms), high_ms) AS limit_ms,
            arrayReduce('quantileExact(0.5)', arraySlice(durations, 1, 5)) AS now_ms,
            -- Of the older half: what grows slowly must not become its own measure.
            arrayReduce('quantileExact(0.5)', arraySlice(durations, intDiv(known, 2) + 1)) AS before_ms,
            CAST(arrayConcat([
                tuple(
                    if(latest.verdict IN ('failed', 'timed_out'), 'job_failed', ''),
                    'critical',
                    if(is_beginning_unknown, '', first_failed.run_id),
                    if(is_beginning_unknown, '', first_failed.error_type),
                    toNullable(first_failed.at),
                    if(first_not_failed = 0, toFloat64(length(newest)), first_not_failed - 1.),
                    1.,
                    format('{} failed in run {}: {}', job_name, first_failed.run_id, multiIf(
                        first_failed.verdict = 'timed_out', 'it ran into its time limit',
                        first_failed.error_type = '' AND first_failed.error_message = '', 'it gave no error',
                        concat(first_failed.error_type, if(first_failed.error_type = '' OR first_failed.error_message = '', '', ': '), first_failed.error_message)))),
                tuple(
                    if(latest.verdict = 'lost', 'run_lost', ''),
                    'critical',
                    latest.run_id,
                    '',
                    toNullable(latest.at),
                    if(first_not_lost = 0, toFloat64(length(newest)), first_not_lost - 1.),
                    1.,
                    format('{} is lost in run {}: no sign of life since {} UTC', job_name, latest.run_id, formatDateTime(latest.at, '%Y-%m-%d %H:%i:%S'))),
                -- Where the run itself failed or was lost, that is told instead.
                tuple(
                    if(latest.clients >= 5 AND latest.in_trouble > 0 AND latest.verdict NOT IN ('failed', 'timed_out', 'lost'), 'client_failure_rate', ''),
                    'critical',
                    latest.run_id,
                    '',
                    toNullable(latest.at),
                    if(latest.clients = 0, 0., latest.in_trouble / latest.clients),
                    0.2,
                    format('{} of {} clients failed, were lost or never started in run {} of {}', toString(latest.in_trouble), toString(latest.clients), latest.run_id, job_name)),
                -- The last metrics of a run may come a little after its end.
                tuple(
                    if(latest.telemetry = 'incomplete' AND latest.verdict != 'lost' AND latest.at < now64(9, 'UTC') - INTERVAL 2 MINUTE, 'telemetry_incomplete', ''),
                    'warning',
                    latest.run_id,
                    '',
                    toNullable(latest.at),
                    if(first_complete = 0, toFloat64(length(newest)), first_complete - 1.),
                    1.,
                    format('Telemetry of run {} of {} is incomplete, its numbers may be too small: {}', latest.run_id, job_name, if(latest.note = '', 'some of it did not arrive', latest.note))),
                tuple(
                    if(known >= 14, 'run_slow', ''),
                    'warning',
                    '',
                    'trend',
                    CAST(NULL, 'Nullable(DateTime64(9, \'UTC\'))'),
                    now_ms / before_ms,
                    1.5,
                    format('{} takes longer and longer: its latest five runs, against those of the weeks before', job_name))
                ],
                arrayMap(run -> tuple(
                    if(plan.max_runtime_ms > 0 OR known >= 5, 'run_slow', ''),
                    'warning',
                    run.run_id,
                    'running',
                    toNullable(run.started_at),
                    (toUnixTimestamp64Milli(now64(3, 'UTC')) - toUnixTimestamp64Milli(run.started_at)) / limit_ms,
                    if(plan.max_runtime_ms > 0, 1., 1.5),
                    format('{} is running longer than usual: run {} began at {} UTC, and {} {}', job_name, run.run_id, formatDateTime(run.started_at, '%Y-%m-%d %H:%i:%S'),
                        if(plan.max_runtime_ms > 0, 'its limit is', '19 of 20 runs take less than'),
                        formatReadableTimeDelta(round(limit_ms / 1000)))), running)),
                'Array(Tuple(rule String, severity String, run_id String, subject String, since Nullable(DateTime64(9, \'UTC\')), value Float64, threshold Float64, summary String))') AS candidates
        FROM alert_jobs AS jobs
        LEFT JOIN (SELECT project_id, job_name, max_runtime_ms FROM schedule_plans FINAL) AS plan ON plan.project_id = jobs.project_id AND plan.job_name = jobs.job_name
    )
    ARRAY JOIN arrayFilter(candidate -> candidate.rule != '', candidates) AS found
) AS candidate
${ALERT_FILTER}
COMMENT 'The rules that look at the runs of a job, together: what they need is read once';

CREATE OR REPLACE VIEW alert_job_failed ${ON_CLUSTER} AS
SELECT * FROM alert_of_runs WHERE rule = 'job_failed'
COMMENT 'Jobs whose latest run failed; value is the number of failed runs in a row, run_id the first of them';

CREATE OR REPLACE VIEW alert_run_lost ${ON_CLUSTER} AS
SELECT * FROM alert_of_runs WHERE rule = 'run_lost'
COMMENT 'Jobs whose latest run is lost; value is the number of lost runs in a row';

CREATE OR REPLACE VIEW alert_run_slow ${ON_CLUSTER} AS
SELECT * FROM alert_of_runs WHERE rule = 'run_slow'
COMMENT 'Runs that go on for longer than usual, and jobs whose runs take longer and longer; value is the ratio to what is usual, or to the limit';

CREATE OR REPLACE VIEW alert_of_schedules ${ON_CLUSTER} AS
${ALERT_COLUMNS}
FROM
(
    SELECT
        project_id,
        concat('run_', state) AS rule,
        if(state = 'late', 'warning', 'critical') AS severity,
        job_name,
        if(state = 'late', '', ifNull(last_run_id, '')) AS run_id,
        '' AS client_id,
        '' AS subject,
        CAST(if(state = 'late', late_since, missed_since), 'Nullable(DateTime64(9, \'UTC\'))') AS since,
        if(state = 'late', (toUnixTimestamp64Milli(now64(3, 'UTC')) - toUnixTimestamp64Milli(assumeNotNull(late_since))) / 1000., toFloat64(missed)) AS value,
        if(state = 'late', late_after_ms / 1000., 1.) AS threshold,
        if(state = 'late',
            format('{} was due at {} UTC ({}) and has not begun', job_name, formatDateTime(assumeNotNull(late_since), '%Y-%m-%d %H:%i:%S'), expression),
            format('{} did not run: it was due at {} UTC ({}), and {}', job_name, formatDateTime(assumeNotNull(missed_since), '%Y-%m-%d %H:%i:%S'), expression,
                if(last_started_at IS NULL, 'has never run', format('has not run since {} UTC', formatDateTime(assumeNotNull(last_started_at), '%Y-%m-%d %H:%i:%S'))))) AS summary
    FROM expected_runs
    WHERE state IN ('late', 'missed')
) AS candidate
${ALERT_FILTER}
COMMENT 'The rules that look at what is expected of jobs, together: what they need is read once';

CREATE OR REPLACE VIEW alert_run_late ${ON_CLUSTER} AS
SELECT * FROM alert_of_schedules WHERE rule = 'run_late'
COMMENT 'Jobs whose run is due and late; value and threshold are seconds after it was due';

CREATE OR REPLACE VIEW alert_run_missed ${ON_CLUSTER} AS
SELECT * FROM alert_of_schedules WHERE rule = 'run_missed'
COMMENT 'Jobs whose run did not come before the next one was due; value is how many did not come';

CREATE OR REPLACE VIEW alert_client_failing ${ON_CLUSTER} AS
${ALERT_COLUMNS}
FROM
(
    WITH
    latest AS
    (
        -- The latest that is over is among them: to tell which one it is would take verdicts, which cost more.
        SELECT project_id, arrayJoin(arraySlice(arrayReverseSort(groupUniqArray(runs.run_id)), 1, 10)) AS run_id
        FROM run_summaries AS runs
        WHERE runs.run_id >= formatDateTime(now('UTC') - INTERVAL 7 DAY, '%y%m%d-%H%i%S')
        GROUP BY project_id, job_name
    ),
    failing AS
    (
        -- Whose client run did not end well lately; few, so that only these are looked at over time.
        SELECT DISTINCT project_id, client_id
        FROM client_run_summaries
        WHERE declared_status NOT IN ('completed', 'nothing_to_do', 'cancelled')
            AND ((project_id, run_id) IN (SELECT project_id, run_id FROM latest) OR run_id >= formatDateTime(now('UTC') - INTERVAL 2 DAY, '%y%m%d-%H%i%S'))
    )
    SELECT
        project_id,
        'client_failing' AS rule,
        'warning' AS severity,
        job_name,
        first.run_id AS run_id,
        client_id,
        first.error_type AS subject,
        toNullable(first.at) AS since,
        toFloat64(streak) AS value,
        3. AS threshold,
        format('Client {} fails in every run of {} since run {}: {}', client_id, job_name, first.run_id, multiIf(
            first.verdict = 'lost', 'it was lost',
            first.verdict = 'never_started', 'it never started',
            first.error_type = '' AND first.error_message = '', 'it gave no error',
            concat(first.error_type, if(first.error_type = '' OR first.error_message = '', '', ': '), first.error_message))) AS summary
    FROM
    (
        SELECT
            project_id, job_name, client_id,
            arrayReverseSort(groupArray(CAST(tuple(history.run_id, history.verdict, coalesce(history.ended_at, history.last_seen_at, toDateTime64(0, 9, 'UTC')), history.error_type, history.error_message),
                'Tuple(run_id String, verdict String, at DateTime64(9, \'UTC\'), error_type String, error_message String)'))) AS newest,
            arrayFirstIndex(run -> run.verdict NOT IN ('failed', 'timed_out', 'lost', 'never_started'), newest) AS first_other,
            toInt64(if(first_other = 0, toInt64(length(newest)), toInt64(first_other) - 1)) AS streak,
            newest[streak] AS first
        FROM client_history AS history
        WHERE (project_id, client_id) IN (SELECT project_id, client_id FROM failing)
            AND history.run_id >= formatDateTime(now('UTC') - INTERVAL 28 DAY, '%y%m%d-%H%i%S')
            AND history.verdict NOT IN ('running', 'pending', 'cancelled') AND history.job_name != ''
        GROUP BY project_id, job_name, client_id
    )
    WHERE streak > 1
) AS candidate
${ALERT_FILTER}
COMMENT 'Clients that fail run after run of a job; value is the number of runs in a row, run_id the first of them';

CREATE OR REPLACE VIEW alert_client_failure_rate ${ON_CLUSTER} AS
SELECT * FROM alert_of_runs WHERE rule = 'client_failure_rate'
COMMENT 'Jobs in whose latest run many clients failed; value is their share';

CREATE OR REPLACE VIEW alert_new_failure_group ${ON_CLUSTER} AS
${ALERT_COLUMNS}
FROM
(
    SELECT
        project_id,
        'new_failure_group' AS rule,
        'warning' AS severity,
        job_name,
        argMin(failures.run_id, failures.first_seen) AS run_id,
        '' AS client_id,
        fingerprint AS subject,
        toNullable(min(failures.first_seen)) AS since,
        toFloat64(sum(failures.occurrences)) AS value,
        1. AS threshold,
        format('A new kind of failure in {}{}: {}: {}', job_name,
            if(argMin(failures.step, failures.first_seen) = '', '', concat(', step ', argMin(failures.step, failures.first_seen))),
            argMin(failures.error_type, failures.first_seen), argMin(failures.sample_message, failures.first_seen)) AS summary
    FROM failure_summaries AS failures FINAL
    GROUP BY project_id, job_name, fingerprint
    HAVING min(failures.first_seen) >= now64(9, 'UTC') - INTERVAL 1 DAY
) AS candidate
${ALERT_FILTER}
COMMENT 'Kinds of failure that were first seen within a day; value is how often they occurred, run_id the first run';

CREATE OR REPLACE VIEW alert_total_unusual ${ON_CLUSTER} AS
${ALERT_COLUMNS}
FROM
(
    SELECT
        project_id,
        'total_unusual' AS rule,
        'warning' AS severity,
        job_name,
        '' AS run_id,
        '' AS client_id,
        metric AS subject,
        toNullable(latest.at) AS since,
        -- So many times less, or more, than usual.
        if(latest.value < middle, middle / greatest(latest.value, middle / 1000), latest.value / middle) AS value,
        1.5 AS threshold,
        format('{} of {} is {} than usual: nine of ten runs bring between {} and {}', metric, job_name, if(latest.value < middle, 'far less', 'far more'),
            toString(toFloat64(toDecimal64(low, 0))), toString(toFloat64(toDecimal64(high, 0)))) AS summary
    FROM
    (
        SELECT
            project_id, job_name, metric,
            arrayReverseSort(groupArray(tuple(totals.run_id, totals.value, totals.updated_at))) AS newest,
            CAST(tuple(newest[1].2, newest[1].3), 'Tuple(value Float64, at DateTime64(9, \'UTC\'))') AS latest,
            -- Of the older half: what has changed must not become its own measure at once.
            arrayMap(run -> run.2, arraySlice(newest, intDiv(length(newest), 2) + 1)) AS before,
            arrayReduce('quantileExact(0.5)', before) AS middle,
            arrayReduce('quantileExact(0.05)', before) AS low,
            arrayReduce('quantileExact(0.95)', before) AS high
        FROM job_metrics AS totals
        WHERE totals.aggregation = 'sum' AND totals.run_id >= formatDateTime(now('UTC') - INTERVAL 28 DAY, '%y%m%d-%H%i%S')
            AND (totals.project_id, totals.run_id, totals.origin) IN (SELECT project_id, run_id, origin FROM alert_runs WHERE verdict IN ('completed', 'completed_with_errors'))
        GROUP BY project_id, job_name, metric
        HAVING length(before) >= 7 AND middle > 0 AND (latest.value < low OR latest.value > high)
    )
) AS candidate
${ALERT_FILTER}
COMMENT 'Totals of the latest run that are far from what is usual; value is how many times less or more than the median';

CREATE OR REPLACE VIEW alert_telemetry_incomplete ${ON_CLUSTER} AS
SELECT * FROM alert_of_runs WHERE rule = 'telemetry_incomplete'
COMMENT 'Jobs of whose latest run telemetry is missing; value is the number of such runs in a row';

CREATE OR REPLACE VIEW alert_orphan_client_run ${ON_CLUSTER} AS
${ALERT_COLUMNS}
FROM
(
    SELECT
        project_id,
        'orphan_client_run' AS rule,
        'warning' AS severity,
        max(orphans.job_name) AS job_name,
        run_id,
        if(count() = 1, any(orphans.client_id), '') AS client_id,
        '' AS subject,
        min(orphans.started_at) AS since,
        toFloat64(count()) AS value,
        1. AS threshold,
        format('Clients report run {}, and nothing is known of that job run: {} was the first', run_id, argMin(orphans.client_id, ifNull(orphans.started_at, orphans.last_sign_at))) AS summary
    FROM client_run_summaries AS orphans FINAL
    WHERE orphans.relation = 'orphan' AND orphans.attempt > 0 AND run_id >= formatDateTime(now('UTC') - INTERVAL 1 DAY, '%y%m%d-%H%i%S')
    GROUP BY project_id, run_id
    -- Its job run may be on its way.
    HAVING min(ifNull(orphans.started_at, orphans.last_sign_at)) <= now64(9, 'UTC') - INTERVAL 15 MINUTE
) AS candidate
${ALERT_FILTER}
COMMENT 'Client runs of the last day whose job run has not been heard of; value is how many';

CREATE OR REPLACE VIEW alert_retry_storm ${ON_CLUSTER} AS
${ALERT_COLUMNS}
FROM
(
    SELECT
        project_id,
        'retry_storm' AS rule,
        'warning' AS severity,
        job_name,
        run_id,
        client_id,
        '' AS subject,
        started_at AS since,
        toFloat64(attempt) AS value,
        10. AS threshold,
        format('Client {} of {} was tried again and again in run {}', client_id, job_name, run_id) AS summary
    FROM client_run_summaries FINAL
    WHERE attempt >= 2 AND run_id >= formatDateTime(now('UTC') - INTERVAL 1 DAY, '%y%m%d-%H%i%S')
    UNION ALL
    SELECT
        project_id,
        'retry_storm' AS rule,
        'warning' AS severity,
        job_name,
        run_id,
        '' AS client_id,
        '' AS subject,
        started_at AS since,
        toFloat64(attempt) AS value,
        10. AS threshold,
        format('{} was tried again and again in run {}', job_name, run_id) AS summary
    FROM run_summaries FINAL
    WHERE attempt >= 2 AND run_id >= formatDateTime(now('UTC') - INTERVAL 1 DAY, '%y%m%d-%H%i%S')
) AS candidate
${ALERT_FILTER}
COMMENT 'Clients and runs of the last day that were tried many times; value is the number of tries';

CREATE OR REPLACE VIEW alert_ingest_backlog ${ON_CLUSTER} AS
${ALERT_COLUMNS}
FROM
(
    SELECT
        project_id,
        'ingest_backlog' AS rule,
        'critical' AS severity,
        '' AS job_name,
        '' AS run_id,
        '' AS client_id,
        '' AS subject,
        CAST(min(waiting.touched), 'Nullable(DateTime64(9, \'UTC\'))') AS since,
        (toUnixTimestamp64Milli(now64(3, 'UTC')) - toUnixTimestamp64Milli(min(waiting.touched))) / 1000. AS value,
        120. AS threshold,
        format('What came in for project {} is not worked up: verdicts and totals are out of date', project_id) AS summary
    FROM
    (
        SELECT project_id, run_id, max(run_touches.touched_at) AS touched, max(run_touches.summarised_at) AS summarised
        FROM run_touches
        WHERE touched_at >= now64(3, 'UTC') - INTERVAL 1 DAY
        GROUP BY project_id, run_id
        HAVING summarised < touched
    ) AS waiting
    GROUP BY project_id
    UNION ALL
    SELECT
        '' AS project_id,
        'ingest_backlog' AS rule,
        'critical' AS severity,
        '' AS job_name,
        '' AS run_id,
        '' AS client_id,
        health.instance AS subject,
        CAST(max(health.at) - toIntervalMillisecond(argMax(health.spool_age_ms, health.at)), 'Nullable(DateTime64(9, \'UTC\'))') AS since,
        argMax(health.spool_age_ms, health.at) / 1000. AS value,
        120. AS threshold,
        format('Ingest {} is behind: what it has acknowledged waits on its disk for ClickHouse', health.instance) AS summary
    FROM ingest_health AS health
    WHERE health.at >= now64(3, 'UTC') - INTERVAL 1 MINUTE
    GROUP BY health.instance
    HAVING argMax(health.spool_bytes, health.at) > 0
) AS candidate
${ALERT_FILTER}
COMMENT 'Projects whose evidence waits for its rollup, and ingest processes whose spool waits for ClickHouse; value is for how many seconds the oldest has waited';

CREATE OR REPLACE VIEW alert_ingest_down ${ON_CLUSTER} AS
${ALERT_COLUMNS}
FROM
(
    SELECT
        '' AS project_id,
        'ingest_down' AS rule,
        'critical' AS severity,
        '' AS job_name,
        '' AS run_id,
        '' AS client_id,
        '' AS subject,
        CAST(max(ingest_alive.until), 'Nullable(DateTime64(9, \'UTC\'))') AS since,
        (toUnixTimestamp64Milli(now64(3, 'UTC')) - toUnixTimestamp64Milli(max(ingest_alive.until))) / 1000. AS value,
        120. AS threshold,
        format('Rollcall is blind: no ingest has been up since {} UTC, so nobody knows what ran', formatDateTime(max(ingest_alive.until), '%Y-%m-%d %H:%i:%S')) AS summary
    FROM ingest_alive
) AS candidate
${ALERT_FILTER}
COMMENT 'Whether any ingest is up, as one row; value is the seconds since one last was';

CREATE OR REPLACE VIEW alert_conditions ${ON_CLUSTER} AS
SELECT * FROM alert_of_runs
UNION ALL SELECT * FROM alert_of_schedules
UNION ALL SELECT * FROM alert_client_failing
UNION ALL SELECT * FROM alert_new_failure_group
UNION ALL SELECT * FROM alert_total_unusual
UNION ALL SELECT * FROM alert_orphan_client_run
UNION ALL SELECT * FROM alert_retry_storm
UNION ALL SELECT * FROM alert_ingest_backlog
UNION ALL SELECT * FROM alert_ingest_down
COMMENT 'What deserves attention now: one row per condition, with its limit and a summary. The view of one rule is quicker to read';

-- Of an earlier wording.
DROP VIEW IF EXISTS alert_latest_runs ${ON_CLUSTER};
