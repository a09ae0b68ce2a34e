-- When jobs are due, and what became of it. ClickHouse can not read cron expressions: ingest works out the times ahead
-- (src/schedules) and writes them down; whether one was kept is concluded here, when read.

CREATE TABLE IF NOT EXISTS job_latest_starts ${ON_CLUSTER}
(
    project_id LowCardinality(String) COMMENT 'Project',
    job_name String COMMENT 'Job',
    latest SimpleAggregateFunction(max, Tuple(at DateTime64(9, 'UTC'), run_id String, origin String)) COMMENT 'The latest start of a run'
)
ENGINE = ${REPLICATED}AggregatingMergeTree
ORDER BY (project_id, job_name)
COMMENT 'The latest start of each job: whatever the number of runs, one row';

CREATE MATERIALIZED VIEW IF NOT EXISTS job_latest_starts_from_events ${ON_CLUSTER} TO job_latest_starts AS
SELECT
    ProjectId AS project_id,
    JobName AS job_name,
    max(tuple(Timestamp, RunId, if(LogAttributes['rollcall.run.origin'] != '', LogAttributes['rollcall.run.origin'], TraceId))) AS latest
FROM otel_logs
WHERE RunId != '' AND JobName != '' AND ClientId = '' AND EventName = 'rollcall.run.started'
GROUP BY project_id, job_name;

CREATE MATERIALIZED VIEW IF NOT EXISTS job_latest_starts_from_spans ${ON_CLUSTER} TO job_latest_starts AS
SELECT
    ProjectId AS project_id,
    JobName AS job_name,
    max(tuple(Timestamp, RunId, if(SpanAttributes['rollcall.run.origin'] != '', SpanAttributes['rollcall.run.origin'], TraceId))) AS latest
FROM otel_traces
WHERE RunId != '' AND JobName != '' AND SpanAttributes['rollcall.span.kind'] = 'job_run'
GROUP BY project_id, job_name;

INSERT INTO job_latest_starts
SELECT states.project_id, states.job_name, max(tuple(assumeNotNull(states.started_at), states.run_id, states.origin)) AS latest
FROM
(
    SELECT project_id, run_id, origin, max(job_run_states.job_name) AS job_name, min(job_run_states.started_at) AS started_at
    FROM job_run_states
    GROUP BY project_id, run_id, origin
) AS states
WHERE states.job_name != '' AND states.started_at IS NOT NULL
GROUP BY states.project_id, states.job_name;

CREATE TABLE IF NOT EXISTS job_schedules ${ON_CLUSTER}
(
    project_id LowCardinality(String) COMMENT 'Project',
    job_name String COMMENT 'Job',
    declared SimpleAggregateFunction(max, Tuple(at DateTime64(9, 'UTC'), kind String, cron String, time_zone String, every_ms UInt64, late_after_ms UInt64, max_runtime_ms UInt64)) COMMENT 'The latest declaration; kind is cron, interval, none, or empty where only limits were declared; 0 where a number was not given'
)
ENGINE = ${REPLICATED}AggregatingMergeTree
ORDER BY (project_id, job_name)
COMMENT 'What jobs say of their own schedule';

CREATE MATERIALIZED VIEW IF NOT EXISTS job_schedules_from_events ${ON_CLUSTER} TO job_schedules AS
SELECT
    ProjectId AS project_id,
    JobName AS job_name,
    max(tuple(
        Timestamp,
        -- What starts runs by itself says when, and not what kind of schedule that is.
        multiIf(LogAttributes['rollcall.schedule.kind'] != '', LogAttributes['rollcall.schedule.kind'],
            LogAttributes['rollcall.schedule.cron'] != '', 'cron',
            toUInt64OrZero(LogAttributes['rollcall.schedule.every_ms']) > 0, 'interval', ''),
        LogAttributes['rollcall.schedule.cron'],
        LogAttributes['rollcall.schedule.time_zone'],
        toUInt64OrZero(LogAttributes['rollcall.schedule.every_ms']),
        toUInt64OrZero(LogAttributes['rollcall.schedule.late_after_ms']),
        toUInt64OrZero(LogAttributes['rollcall.schedule.max_runtime_ms']))) AS declared
FROM otel_logs
WHERE JobName != '' AND ClientId = '' AND EventName IN ('rollcall.run.started', 'rollcall.job.scheduled')
    AND arrayExists(key -> mapContains(LogAttributes, key), ['rollcall.schedule.kind', 'rollcall.schedule.cron', 'rollcall.schedule.every_ms', 'rollcall.schedule.late_after_ms', 'rollcall.schedule.max_runtime_ms'])
GROUP BY project_id, job_name;

CREATE TABLE IF NOT EXISTS schedule_plans ${ON_CLUSTER}
(
    project_id LowCardinality(String) COMMENT 'Project',
    job_name String COMMENT 'Job',
    planned_at DateTime64(3, 'UTC') COMMENT 'When ingest worked it out; the latest row of a job counts',
    source LowCardinality(String) COMMENT 'declared, learnt or none',
    expression String COMMENT 'The schedule in words: a cron expression and its time zone, or the time between two starts',
    problem String COMMENT 'Why no times can be worked out, empty where they can',
    late_after_ms UInt64 COMMENT 'A start that comes so long after it was due is late',
    max_runtime_ms UInt64 COMMENT 'A run that takes longer is running too long; 0 where there is no limit'
)
ENGINE = ${REPLICATED}ReplacingMergeTree(planned_at)
ORDER BY (project_id, job_name)
COMMENT 'The schedule in force of each job, declared or learnt';

CREATE TABLE IF NOT EXISTS schedule_dues ${ON_CLUSTER}
(
    project_id LowCardinality(String) COMMENT 'Project',
    job_name String COMMENT 'Job',
    due_at DateTime64(3, 'UTC') COMMENT 'When a run is due',
    earliest_at DateTime64(3, 'UTC') COMMENT 'A start from here on is the one that was due',
    overdue_at DateTime64(3, 'UTC') COMMENT 'From here on it is late',
    source LowCardinality(String) COMMENT 'declared or learnt',
    cancelled UInt8 COMMENT '1 where the schedule has changed before the time came',
    version UInt64 COMMENT 'Milliseconds since 1970 at which it was worked out; the highest counts'
)
ENGINE = ${REPLICATED}ReplacingMergeTree(version)
ORDER BY (project_id, job_name, due_at)
TTL toDateTime(due_at) + INTERVAL 9 DAY DELETE
COMMENT 'The times at which jobs are due: those of the last days, and some ahead';

CREATE TABLE IF NOT EXISTS ingest_alive ${ON_CLUSTER}
(
    instance String COMMENT 'One process of ingest, from its start or since it last noticed that it had slept',
    since DateTime64(3, 'UTC') COMMENT 'It took telemetry from here',
    until SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'to here at least'
)
ENGINE = ${REPLICATED}AggregatingMergeTree
ORDER BY (since, instance)
TTL toDateTime(since) + INTERVAL 400 DAY DELETE
COMMENT 'When Rollcall itself was up: in between, a run that did not arrive may have run all the same';

CREATE OR REPLACE VIEW ingest_outages ${ON_CLUSTER} AS
SELECT down_from, down_until
FROM
(
    SELECT
        -- Shorter than a minute is no outage: senders repeat what was not taken.
        max(spans.until) OVER (ORDER BY spans.since ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS down_from,
        spans.since AS down_until
    FROM
    (
        SELECT since, max(ingest_alive.until) AS until FROM ingest_alive GROUP BY since
        UNION ALL
        SELECT now64(3, 'UTC') AS since, now64(3, 'UTC') AS until
    ) AS spans
)
WHERE toUnixTimestamp64Milli(down_until) - toUnixTimestamp64Milli(down_from) > 60000
COMMENT 'When Rollcall itself was down, as far back as it knows; the first one reaches back to 1970';

CREATE OR REPLACE VIEW expected_runs ${ON_CLUSTER} AS
SELECT
    jobs.project_id AS project_id,
    jobs.job_name AS job_name,
    if(plan.source = '', 'none', plan.source) AS schedule,
    plan.expression AS expression,
    plan.problem AS problem,
    plan.late_after_ms AS late_after_ms,
    plan.max_runtime_ms AS max_runtime_ms,
    multiIf(
        schedule = 'none', 'none',
        plan.problem != '', 'invalid',
        missed > 0, 'missed',
        late = 1, 'late',
        unknown > 0, 'unknown',
        dues.waiting > 0, 'due',
        'on_time') AS state,
    jobs.latest.run_id AS last_run_id,
    jobs.latest.origin AS last_origin,
    if(last_run_id = '', NULL, jobs.latest.at) AS last_started_at,
    -- A run that has only just begun may not be rolled up yet.
    multiIf(last_run_id = '', NULL, runs.latest.1 != last_run_id OR runs.latest.2 != last_origin, 'running', CAST(runs.latest.3, 'String')) AS last_verdict,
    if(dues.next_due_at > toDateTime64(0, 3, 'UTC'), dues.next_due_at, NULL) AS next_due_at,
    toUInt8(dues.overdue > 0 AND dues.last_overdue_at = dues.last_due_at) AS late,
    if(late = 1, dues.last_overdue_at, NULL) AS late_since,
    toUInt64(dues.overdue - late) AS missed,
    if(missed > 0, dues.first_overdue_at, NULL) AS missed_since,
    dues.unknown AS unknown,
    toUInt8(plan.max_runtime_ms > 0 AND runs.running_since > toDateTime64(0, 9, 'UTC')
        AND toUnixTimestamp64Milli(now64(3, 'UTC')) - intDiv(toUnixTimestamp64Nano(runs.running_since), 1000000) > toInt64(plan.max_runtime_ms)) AS running_too_long,
    if(running_too_long = 1, runs.running_since, NULL) AS running_since
FROM
(
    SELECT project_id, job_name, max(starts.latest) AS latest
    FROM
    (
        SELECT project_id, job_name, job_latest_starts.latest AS latest FROM job_latest_starts
        UNION ALL
        SELECT project_id, job_name, CAST(tuple(toDateTime64(0, 9, 'UTC'), '', ''), 'Tuple(at DateTime64(9, \'UTC\'), run_id String, origin String)') AS latest FROM schedule_plans
    ) AS starts
    GROUP BY project_id, job_name
) AS jobs
LEFT JOIN
(
    SELECT project_id, job_name, source, expression, problem, late_after_ms, max_runtime_ms FROM schedule_plans FINAL
) AS plan ON plan.project_id = jobs.project_id AND plan.job_name = jobs.job_name
LEFT JOIN
(
    SELECT
        due.project_id AS project_id,
        due.job_name AS job_name,
        minIf(due.due_at, due.due_at > now64(3, 'UTC')) AS next_due_at,
        maxIf(due.due_at, due.due_at <= now64(3, 'UTC')) AS last_due_at,
        countIf(due.is_overdue AND NOT due.in_doubt) AS overdue,
        minIf(due.due_at, due.is_overdue AND NOT due.in_doubt) AS first_overdue_at,
        maxIf(due.due_at, due.is_overdue AND NOT due.in_doubt) AS last_overdue_at,
        countIf(due.is_overdue AND due.in_doubt) AS unknown,
        countIf(due.due_at <= now64(3, 'UTC') AND NOT due.is_overdue) AS waiting
    FROM
    (
        SELECT
            times.project_id AS project_id,
            times.job_name AS job_name,
            times.due_at AS due_at,
            argMax(times.overdue_at, times.version) <= now64(3, 'UTC') AS is_overdue,
            is_overdue AND arrayExists(outage -> outage.1 < argMax(times.overdue_at, times.version) AND outage.2 > argMax(times.earliest_at, times.version),
                (SELECT groupArray(tuple(ingest_outages.down_from, ingest_outages.down_until)) FROM ingest_outages)) AS in_doubt
        FROM schedule_dues AS times
        LEFT JOIN
        (
            SELECT project_id, job_name, max(job_latest_starts.latest).1 AS at FROM job_latest_starts GROUP BY project_id, job_name
        ) AS starts ON starts.project_id = times.project_id AND starts.job_name = times.job_name
        -- A run that was due before the latest start is no news, whether it came or not.
        WHERE times.due_at > now64(3, 'UTC') - INTERVAL 7 DAY AND times.earliest_at > starts.at
        GROUP BY times.project_id, times.job_name, times.due_at
        HAVING argMax(times.cancelled, times.version) = 0
    ) AS due
    GROUP BY due.project_id, due.job_name
) AS dues ON dues.project_id = jobs.project_id AND dues.job_name = jobs.job_name
LEFT JOIN
(
    -- The latest run of each job, whenever that was, and those that may still be running: run IDs begin with the time.
    SELECT
        project_id,
        job_name,
        argMax(tuple(job_runs.run_id, job_runs.origin, job_runs.verdict), tuple(ifNull(job_runs.started_at, toDateTime64(0, 9, 'UTC')), job_runs.run_id, job_runs.origin)) AS latest,
        minIf(ifNull(job_runs.started_at, now64(9, 'UTC')), job_runs.verdict = 'running') AS running_since
    FROM job_runs
    WHERE (project_id, run_id) IN
    (
        SELECT project_id, max(job_latest_starts.latest).2 FROM job_latest_starts GROUP BY project_id, job_name
        UNION ALL
        SELECT project_id, run_id
        FROM run_summaries
        WHERE run_id >= formatDateTime(now('UTC') - INTERVAL 2 DAY, '%y%m%d-%H%i%S') AND (declared_end_at = toDateTime64(0, 9, 'UTC') OR notEmpty(open_lost_ms))
    )
    GROUP BY project_id, job_name
) AS runs ON runs.project_id = jobs.project_id AND runs.job_name = jobs.job_name
COMMENT 'For each job: its schedule, its last run, when the next one is due, and whether one is late, missed, or running too long';
