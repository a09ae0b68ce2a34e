/** Reads what the console's first page shows: what runs, and what ran last. */

import { readSummaries, type JobRunSummary } from '../tracking/records.ts';
import type { Engine } from '../store/engine.ts';
import { findLatestRuns, findOpenRuns } from './run-keys.ts';
import { readSchedules, type Schedule } from './schedules.ts';
import { readUsual, type Usual } from './usual.ts';

export interface Now {
  /** ISO 8601: the service's own clock. */
  readonly at: string;
  readonly running: JobRunSummary[];
  readonly latest: JobRunSummary[];
  readonly usual: Record<string, Usual>;
  /** Jobs whose run is late or was missed; empty where no job has a schedule. */
  readonly overdue: Schedule[];
}

const MOST_RUNNING = 100;

export async function readNow(engine: Engine, project: string, limit: number): Promise<Now> {
  const [open, newest, overdue] = await Promise.all([
    findOpenRuns(engine, project, MOST_RUNNING),
    findLatestRuns(engine, project, { limit }),
    readSchedules(engine, project, 'overdue'),
  ]);
  const isKnown = new Set(newest.map(nameOf));
  const further = open.filter((key) => !isKnown.has(nameOf(key)));
  const jobs = [...new Set([...newest, ...open].map(({ job }) => job))];
  const [summaries, usual] = await Promise.all([
    readSummaries(engine, project, [...newest, ...further]),
    readUsual(engine, project, jobs),
  ]);
  const running = summaries.filter(({ verdict }) => verdict === 'running');
  const latest = summaries.filter((run) => run.verdict !== 'running' && isKnown.has(nameOf(run)));
  return {
    at: new Date().toISOString(),
    running: running.toSorted((a, b) => (a.runId < b.runId ? 1 : -1)),
    latest,
    usual: Object.fromEntries(usual),
    overdue,
  };
}

function nameOf({ runId, origin }: { runId: string; origin: string }): string {
  return `${runId} ${origin}`;
}
