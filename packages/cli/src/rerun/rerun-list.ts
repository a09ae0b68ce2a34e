/** Says which clients of a run must run again, as which attempt, and under which key. */

import { createHash } from 'node:crypto';
import type { Verdict } from '@rollcall/semconv';
import type { JobRunRow } from '../reader/read-run.ts';
import type { Reader } from '../reader/reader.ts';

/** A client that must run again. */
export interface Rerun {
  readonly clientId: string;
  readonly clientRunId: string;
  readonly verdict: Verdict;
  /** The attempt that comes next: 1 for a client that never started. */
  readonly attempt: number;
  /** The same for the same project, run, client and attempt, whenever and wherever it is asked for. */
  readonly idempotencyKey: string;
}

/** How many client runs are still open: their turn may come. */
export interface StillOpen {
  readonly running: number;
  readonly pending: number;
}

const AGAIN: readonly Verdict[] = ['failed', 'lost', 'timed_out', 'cancelled', 'never_started'];

export async function readReruns(
  reader: Reader,
  run: JobRunRow,
): Promise<{ reruns: Rerun[]; open: StillOpen; clients: number }> {
  const rows = await reader.rows<{
    clientId: string;
    clientRunId: string;
    verdict: Verdict;
    attempt: number;
    isStarted: number;
  }>(
    `SELECT client_id AS clientId, client_run_id AS clientRunId, verdict, toUInt32(attempt) AS attempt, is_started AS isStarted
     FROM client_runs
     WHERE project_id = {project:String} AND run_id = {runId:String} AND origin = {origin:String}
     ORDER BY clientId`,
    { project: run.project_id, runId: run.run_id, origin: run.origin },
  );
  const count = (verdict: Verdict): number => rows.filter((row) => row.verdict === verdict).length;
  return {
    reruns: rows
      .filter(({ verdict }) => AGAIN.includes(verdict))
      .map(({ clientId, clientRunId, verdict, attempt: last, isStarted }) => {
        const attempt = isStarted === 1 ? last + 1 : 1;
        return { clientId, clientRunId, verdict, attempt, idempotencyKey: rerunKey(run, clientId, attempt) };
      }),
    open: { running: count('running'), pending: count('pending') },
    clients: rows.length,
  };
}

/** The origin tells apart two runs that ended up with one ID: a rerun of one is none of the other. */
function rerunKey(
  { project_id: project, run_id: runId, origin }: Pick<JobRunRow, 'project_id' | 'run_id' | 'origin'>,
  clientId: string,
  attempt: number,
): string {
  const identity = JSON.stringify([project, runId, origin, clientId, attempt]);
  return `rerun-${createHash('sha256').update(identity).digest('hex').slice(0, 32)}`;
}
