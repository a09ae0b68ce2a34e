/** Lists job runs page by page. */

import { generateRunId, type Verdict } from '@rollcall/semconv';
import type { Engine } from '../store/engine.ts';
import { readNewestRuns } from './newest-runs.ts';
import { readSummaries, type JobRunSummary } from './records.ts';
import { TrackingError } from './tracking-error.ts';

export interface RunQuery {
  readonly project: string;
  readonly job?: string | undefined;
  readonly verdict?: Verdict | undefined;
  /** ISO 8601: runs whose ID lies in between, `from` included. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

export interface RunPage {
  readonly runs: JobRunSummary[];
  /** Give it back to get the next page; null at the end. */
  readonly nextCursor: string | null;
}

interface Key {
  readonly runId: string;
  readonly origin: string;
}

/** The newest first. */
export async function listRuns(engine: Engine, query: RunQuery): Promise<RunPage> {
  const after = query.cursor === undefined ? null : readCursor(query.cursor);
  const keys = await readKeys(engine, query, after);
  const page = keys.slice(0, query.limit);
  const runs = await readSummaries(engine, query.project, page);
  const last = page.at(-1);
  return { runs, nextCursor: keys.length > page.length && last !== undefined ? writeCursor(last) : null };
}

/** Keys alone, in the order of the table, so that a page costs the same at any depth; a verdict is concluded for each run. */
async function readKeys(
  engine: Engine,
  { project, job = '', verdict, from, to, limit }: RunQuery,
  after: Key | null,
): Promise<Key[]> {
  const source = verdict === undefined ? 'run_summaries' : 'job_runs';
  return readNewestRuns<Key>(
    engine,
    `SELECT run_id AS runId, origin FROM ${source}
     WHERE project_id = {project:String}
       AND run_id >= {from:String} AND run_id <= {to:String}
       AND ({afterRun:String} = '' OR run_id <= {afterRun:String}) AND ({afterRun:String} = '' OR (run_id, origin) < ({afterRun:String}, {afterOrigin:String}))
       AND ({job:String} = '' OR job_name = {job:String})
       ${verdict === undefined ? '' : 'AND verdict = {verdict:String}'}`,
    {
      project,
      job,
      verdict: verdict ?? '',
      from: from === undefined ? '0' : generateRunId(new Date(from)),
      to: to === undefined ? ':' : generateRunId(new Date(to)),
      afterRun: after?.runId ?? '',
      afterOrigin: after?.origin ?? '',
      limit: limit + 1,
    },
  );
}

function writeCursor({ runId, origin }: Key): string {
  return Buffer.from(JSON.stringify([runId, origin])).toString('base64url');
}

function readCursor(cursor: string): Key {
  try {
    const [runId, origin] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[];
    if (typeof runId === 'string' && typeof origin === 'string') return { runId, origin };
  } catch {
    // Falls through to the refusal.
  }
  throw new TrackingError(
    'invalid_request',
    `'${cursor}' is not a cursor; give back the nextCursor of the page before.`,
  );
}
