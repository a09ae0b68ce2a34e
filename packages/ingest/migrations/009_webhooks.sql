-- What webhooks have been told, so that a restart tells nobody twice.

CREATE TABLE IF NOT EXISTS alert_notifications ${ON_CLUSTER}
(
    webhook String COMMENT 'Name of the webhook',
    condition_key String COMMENT 'What identifies the condition: rule, project, job, run, client and subject, as JSON text',
    status LowCardinality(String) COMMENT 'firing or resolved: what was told last',
    condition String COMMENT 'The condition as it was told, as JSON text',
    told_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When the webhook answered that it has it; the latest counts'
)
ENGINE = ${REPLICATED}ReplacingMergeTree(told_at)
ORDER BY (webhook, condition_key)
TTL toDateTime(told_at) + INTERVAL 90 DAY DELETE WHERE status = 'resolved'
COMMENT 'What was told to which webhook';
