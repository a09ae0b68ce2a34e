    (SELECT (patiences, heard_until) FROM ingest_hearing) AS hearing,
    toUnixTimestamp64Milli(now64(9, 'UTC')) AS clock_ms,
    -- The time that silence is measured against. Where evidence waits for its rollup, nothing is old enough to be silent.
    -- When Rollcall itself was away, or is behind, a run is given as long as it always is to be heard again.
    if(
        is_waiting,
        0,
        transform(
            roundDown(least(greatest(patience_ms, 15000), 86400000), arrayPushFront(hearing.1, -1)),
            hearing.1, hearing.2, clock_ms)) AS now_ms
