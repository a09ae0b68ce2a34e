/** Lists job runs page by page. */

import { generateRunId, type Verdict } from '@rollcall/semconv';
import type { Engine } from '../store/engine.ts';
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

/** A verdict is only known once it is concluded: with that filter at most so many runs are looked at for one page. */
const LOOKED_AT_MOST = 2_000;
const PAGE_WITH_VERDICT = 500;

/** The newest first. With a verdict filter a page may be short although more follow: go on until nextCursor is null. */
export async function listRuns(engine: Engine, query: RunQuery): Promise<RunPage> {
  const { verdict, limit, project } = query;
  const pageSize = verdict === undefined ? limit : PAGE_WITH_VERDICT;
  const found: JobRunSummary[] = [];
  let after = query.cursor === undefined ? null : readCursor(query.cursor);
  for (let lookedAt = 0; lookedAt < LOOKED_AT_MOST; lookedAt += pageSize) {
    const keys = await readKeys(engine, query, after, pageSize + 1);
    const page = keys.slice(0, pageSize);
    const summaries = await readSummaries(engine, project, page);
    for (const summary of summaries) {
      if (verdict !== undefined && summary.verdict !== verdict) continue;
      found.push(summary);
      const isMore = summary.runId !== keys.at(-1)?.runId || summary.origin !== keys.at(-1)?.origin;
      if (found.length === limit) return { runs: found, nextCursor: isMore ? writeCursor(summary) : null };
    }
    after = page.at(-1) ?? after;
    if (keys.length <= pageSize) return { runs: found, nextCursor: null };
    if (verdict === undefined) break;
  }
  return { runs: found, nextCursor: after === null ? null : writeCursor(after) };
}

/** Keys alone: they are read in the order of the table, so that a page costs the same at any depth. */
async function readKeys(
  engine: Engine,
  { project, job = '', from, to }: RunQuery,
  after: Key | null,
  limit: number,
): Promise<Key[]> {
  return engine.rows<Key>(
    `SELECT run_id AS runId, origin FROM job_run_states
     WHERE project_id = {project:String}
       AND run_id >= {from:String} AND run_id <= {to:String}
       AND ({afterRun:String} = '' OR run_id <= {afterRun:String}) AND ({afterRun:String} = '' OR (run_id, origin) < ({afterRun:String}, {afterOrigin:String}))
       AND ({job:String} = '' OR job_name = {job:String})
     ORDER BY run_id DESC, origin DESC
     LIMIT 1 BY run_id, origin
     LIMIT {limit:UInt32}`,
    {
      project,
      job,
      from: from === undefined ? '0' : generateRunId(new Date(from)),
      to: to === undefined ? ':' : generateRunId(new Date(to)),
      afterRun: after?.runId ?? '',
      afterOrigin: after?.origin ?? '',
      limit,
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
