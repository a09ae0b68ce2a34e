    -- From the last sign of life on: a day where no heartbeats were promised, else three of them. The next one is due after
    -- one interval, and may be on its way for almost five seconds before ingest says that it is behind.
    (interval_ms -> if(interval_ms = 0, 86400000, greatest(3 * toInt64(interval_ms), toInt64(interval_ms) + 5000))) AS patience_ms
