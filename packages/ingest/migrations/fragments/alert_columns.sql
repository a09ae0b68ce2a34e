WITH
    -- What is said of a job first, then of a project, then of all.
    (SELECT arrayReverseSort(setting -> (setting.job_name != '', setting.project_id != ''), groupArray(CAST(tuple(alert_settings.project_id, alert_settings.job_name, alert_settings.rule, alert_settings.value, alert_settings.is_enabled),
        'Tuple(project_id String, job_name String, rule String, value Nullable(Float64), is_enabled UInt8)'))) FROM alert_settings FINAL) AS settings,
    arrayFirst(setting -> setting.rule = candidate.rule AND setting.project_id IN ('', candidate.project_id) AND setting.job_name IN ('', candidate.job_name), settings) AS setting
SELECT
    candidate.project_id AS project_id,
    candidate.rule AS rule,
    candidate.severity AS severity,
    candidate.job_name AS job_name,
    candidate.run_id AS run_id,
    candidate.client_id AS client_id,
    candidate.subject AS subject,
    candidate.since AS since,
    candidate.value AS value,
    ifNull(setting.value, candidate.threshold) AS threshold,
    candidate.summary AS summary
