-- Reads of the rollups pay for rows that were replaced until they are merged away. Where all runs are rolled up anew, as
-- after an upgrade, the parts are as large as those before, and the engine by itself may leave them side by side for weeks:
-- the trend of a job among 100,000 runs took 181 ms then, and 115 ms once they were merged. So what has lain unmerged for
-- an hour is merged; a part is written again once an hour at the most.

ALTER TABLE run_summaries ${ON_CLUSTER}
    MODIFY SETTING min_age_to_force_merge_seconds = 3600, enable_max_bytes_limit_for_min_age_to_force_merge = 1;

ALTER TABLE client_run_summaries ${ON_CLUSTER}
    MODIFY SETTING min_age_to_force_merge_seconds = 3600, enable_max_bytes_limit_for_min_age_to_force_merge = 1;

ALTER TABLE client_run_history ${ON_CLUSTER}
    MODIFY SETTING min_age_to_force_merge_seconds = 3600, enable_max_bytes_limit_for_min_age_to_force_merge = 1;

ALTER TABLE metric_summaries ${ON_CLUSTER}
    MODIFY SETTING min_age_to_force_merge_seconds = 3600, enable_max_bytes_limit_for_min_age_to_force_merge = 1;

ALTER TABLE job_metric_summaries ${ON_CLUSTER}
    MODIFY SETTING min_age_to_force_merge_seconds = 3600, enable_max_bytes_limit_for_min_age_to_force_merge = 1;

ALTER TABLE failure_summaries ${ON_CLUSTER}
    MODIFY SETTING min_age_to_force_merge_seconds = 3600, enable_max_bytes_limit_for_min_age_to_force_merge = 1;
