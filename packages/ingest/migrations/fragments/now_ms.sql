    (SELECT (deaf_from_ms, deaf_until_ms) FROM ingest_hearing) AS deaf,
    toUnixTimestamp64Milli(now64(9, 'UTC')) AS clock_ms,
    -- The time that silence is measured against. Where evidence waits for its rollup, nothing is old enough to be silent.
    -- When Rollcall itself was away, or is behind, a run is given as long as it always is to be heard again.
    multiIf(
        is_waiting, 0,
        clock_ms < deaf.2 + least(greatest(patience_ms, 15000), 86400000), least(deaf.1, clock_ms),
        clock_ms) AS now_ms
