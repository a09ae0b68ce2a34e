-- The rules that look at the job runs of a project, from one reading of them: to conclude a verdict costs most of it.

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

CREATE OR REPLACE VIEW alert_run_slow ${ON_CLUSTER} AS
SELECT * FROM alert_of_runs WHERE rule = 'run_slow'
COMMENT 'Runs that go on for longer than usual, and jobs whose runs take longer and longer; value is the ratio to what is usual, or to the limit';

CREATE OR REPLACE VIEW alert_client_failing ${ON_CLUSTER} AS
${ALERT_COLUMNS}
FROM
(
    WITH
    latest AS
    (
        -- More than are needed: cancelled ones among them say nothing, and whose verdict is what costs.
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

DROP VIEW IF EXISTS alert_latest_runs ${ON_CLUSTER};

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
