/** Reads what deserves attention now, as the API and the command show it. */

import type { Engine } from '../store/engine.ts';

/** The rules, each with a view of its name: `alert_job_failed`. docs/alerts.md has a section for each. */
export const ALERT_RULES = [
  'job_failed',
  'run_lost',
  'run_late',
  'run_missed',
  'run_slow',
  'client_failing',
  'client_failure_rate',
  'new_failure_group',
  'total_unusual',
  'telemetry_incomplete',
  'orphan_client_run',
  'retry_storm',
  'ingest_backlog',
  'ingest_down',
] as const;
export type AlertRule = (typeof ALERT_RULES)[number];

/** A row of `alert_conditions`; texts are empty where they do not apply, times are ISO 8601, UTC. */
export interface AlertCondition {
  readonly project: string;
  readonly rule: AlertRule;
  readonly severity: 'critical' | 'warning';
  readonly job: string;
  readonly runId: string;
  readonly clientId: string;
  readonly subject: string;
  readonly since: string | null;
  readonly value: number;
  readonly threshold: number;
  readonly summary: string;
}

/** What holds now, in all projects or in one, for all jobs or one; empty texts stand for all. What is said of Rollcall itself belongs to every project. */
export const ALERT_CONDITIONS_SQL = `SELECT project_id AS project, rule, severity, job_name AS job, run_id AS runId, client_id AS clientId, subject,
    if(since IS NULL, NULL, formatDateTime(assumeNotNull(since), '%Y-%m-%dT%H:%i:%SZ')) AS since, value, threshold, summary
FROM alert_conditions
WHERE ({project:String} = '' OR project_id IN ('', {project:String})) AND ({job:String} = '' OR job_name = {job:String})
ORDER BY severity, since DESC, rule, job, runId, clientId`;

/** Rules read one by one cost less than all of them together. */
export async function readConditionsOf(
  engine: Engine,
  rules: readonly AlertRule[],
): Promise<AlertCondition[]> {
  const found: AlertCondition[] = [];
  for (const rule of rules) {
    const sql = ALERT_CONDITIONS_SQL.replace('FROM alert_conditions', `FROM alert_${rule}`);
    found.push(...(await engine.rows<AlertCondition>(sql, { project: '', job: '' })));
  }
  return found;
}

export async function readConditions(
  engine: Engine,
  project: string,
  job: string,
): Promise<AlertCondition[]> {
  return engine.rows<AlertCondition>(ALERT_CONDITIONS_SQL, { project, job });
}
