/** Keeps the limits of alert rules, where they are not the default. */

import type { Engine } from '../store/engine.ts';
import type { AlertRule } from './conditions.ts';

export interface AlertSetting {
  readonly rule: AlertRule;
  /** Null: all jobs of the project. */
  readonly job: string | null;
  /** From here on the rule speaks up, in its own unit; null: its default. */
  readonly value: number | null;
  readonly enabled: boolean;
}

/** The settings of a project; what was set for all projects is not among them. */
export async function readAlertSettings(engine: Engine, project: string): Promise<AlertSetting[]> {
  const rows = await engine.rows<Omit<AlertSetting, 'enabled'> & { enabled: number }>(
    `SELECT rule, nullIf(job_name, '') AS job, value, is_enabled AS enabled FROM alert_settings FINAL
     WHERE project_id = {project:String} ORDER BY rule, job_name`,
    { project },
  );
  return rows.map((row) => ({ ...row, enabled: row.enabled === 1 }));
}

/** The latest setting counts, whole. */
export async function writeAlertSetting(
  engine: Engine,
  project: string,
  { rule, job, value, enabled }: AlertSetting,
): Promise<void> {
  await engine.command(
    `INSERT INTO alert_settings (project_id, job_name, rule, value, is_enabled)
     SELECT {project:String}, {job:String}, {rule:String}, toFloat64OrNull({value:String}), {enabled:UInt8}`,
    { project, job: job ?? '', rule, value: value === null ? '' : String(value), enabled: enabled ? 1 : 0 },
  );
}
