/** Reads clients across jobs. */

import type { Verdict } from '@rollcall/semconv';
import type { Engine } from '../store/engine.ts';
import { epochMs, runIdDaysAgo } from './times.ts';

export interface ClientHistoryRun {
  readonly job: string;
  readonly runId: string;
  readonly origin: string;
  readonly verdict: Verdict;
  readonly attempt: number;
  readonly startedMs: number | null;
  readonly durationMs: number | null;
  readonly reason: string;
  readonly errorType: string;
  readonly errorMessage: string;
  /** Metrics of this client run. */
  readonly metrics: {
    readonly metric: string;
    readonly aggregation: string;
    readonly unit: string;
    readonly value: number;
  }[];
}

/** The latest client runs of one client, whatever the job; null where it has none within these days. */
export async function readClientHistory(
  engine: Engine,
  project: string,
  clientId: string,
  { days, limit, job = '' }: { days: number; limit: number; job?: string },
): Promise<{ clientId: string; runs: ClientHistoryRun[]; isCut: boolean } | null> {
  const keys = await engine.rows<{ runId: string }>(
    `SELECT DISTINCT run_id AS runId FROM client_run_history
     WHERE project_id = {project:String} AND run_id >= {since:String} AND client_id = {clientId:String} AND ({job:String} = '' OR job_name = {job:String})
     ORDER BY run_id DESC LIMIT {limit:UInt32}`,
    { project, since: runIdDaysAgo(days), clientId, job, limit: limit + 1 },
  );
  if (keys.length === 0) return null;
  const runIds = keys.slice(0, limit).map(({ runId }) => runId);
  const [runs, metrics] = await Promise.all([
    engine.rows<Omit<ClientHistoryRun, 'metrics'>>(
      `SELECT job_name AS job, run_id AS runId, origin, verdict, attempt, ${epochMs('started_at')} AS startedMs, duration_ms AS durationMs,
          reason, error_type AS errorType, leftUTF8(error_message, 1000) AS errorMessage
       FROM client_history
       WHERE project_id = {project:String} AND run_id IN {runIds:Array(String)} AND client_id = {clientId:String}
       ORDER BY run_id DESC, origin`,
      { project, runIds, clientId },
    ),
    engine.rows<{
      runId: string;
      origin: string;
      metric: string;
      aggregation: string;
      unit: string;
      value: number;
    }>(
      `SELECT run_id AS runId, origin, metric, aggregation, unit, value FROM client_metrics
       WHERE project_id = {project:String} AND run_id IN {runIds:Array(String)} AND client_id = {clientId:String}
       ORDER BY metric`,
      { project, runIds, clientId },
    ),
  ]);
  const byRun = Map.groupBy(metrics, ({ runId, origin }) => `${runId} ${origin}`);
  return {
    clientId,
    runs: runs.map((run) => ({
      ...run,
      metrics: (byRun.get(`${run.runId} ${run.origin}`) ?? []).map(
        ({ metric, aggregation, unit, value }) => ({ metric, aggregation, unit, value }),
      ),
    })),
    isCut: keys.length > limit,
  };
}
