/** The ingest service and what the command line needs of it. */
export { ALERT_CONDITIONS_SQL, type AlertCondition } from './alerts/conditions.ts';
export { postToWebhook, reasonOf } from './alerts/webhooks/post-to-webhook.ts';
export { readWebhooks } from './alerts/webhooks/webhook-file.ts';
export { ConfigError, readConfig, type IngestConfig } from './config.ts';
export { findService } from './data-dir.ts';
export {
  addKey,
  KeyFileError,
  readKeys,
  removeKey,
  SCOPES,
  type Scope,
  type StoredKey,
} from './keys/key-ring.ts';
export { Rollups } from './rollup/rollups.ts';
export { EXPECTED_RUNS_SQL, type ExpectedRun } from './schedules/expected-runs.ts';
export { startService, StartError, type Service } from './service.ts';
export { openEngine, type Engine, type Parameters } from './store/engine.ts';
export { EngineError } from './store/engine-error.ts';
export { migrate, type AppliedMigration } from './store/migrate.ts';
export { VERIFICATIONS, WAITING_RUNS, type Drift } from './verify/verifications.ts';
