/** `rollcall history`: the runs of a job over time, and where something changed. */

import { runIdAt } from '../failures/read-groups.ts';
import { drawHistory } from '../history/draw-history.ts';
import { findProject, readHistory } from '../history/read-history.ts';
import { metricNames, tellHistory } from '../history/tell.ts';
import { UsageError } from '../print/failure.ts';
import { checkClient, checkJob } from '../reader/find.ts';
import { openReader, type GlobalOptions } from '../reader/reader.ts';

const MOST_DAYS = 3_660;
const MOST_RUNS = 2_000;
const DAY_MS = 86_400_000;

/** Exits with 1 where nobody has heard of the job or the client. */
export async function history(
  job: string,
  {
    client = '',
    days,
    metric,
    project,
    limit,
    json = false,
    ...options
  }: GlobalOptions & {
    client?: string;
    days: string;
    metric?: string;
    project?: string;
    limit: string;
    json?: boolean;
  },
): Promise<void> {
  const range = { days: readCount('--days', days, MOST_DAYS), limit: readCount('--limit', limit, MOST_RUNS) };
  const reader = await openReader(options);
  try {
    await checkJob(reader, job, project);
    if (client !== '')
      await checkClient(reader, client, { job, ...(project === undefined ? {} : { project }) });
    const found = await readHistory(reader, {
      project: await findProject(reader, job, project),
      job,
      client,
      sinceRun: runIdAt(Date.now() - range.days * DAY_MS),
    });
    const names = metricNames(found.runs);
    if (metric !== undefined && !names.includes(metric)) {
      throw new UsageError(
        `${job} reported no '${metric}' in ${range.days} days; it reported ${names.length === 0 ? 'none at all' : names.join(', ')}.`,
        { exitCode: 1 },
      );
    }
    const told = tellHistory(found);
    if (json)
      console.log(
        JSON.stringify(
          { project: found.project, job, client: found.client, days: range.days, ...told },
          null,
          2,
        ),
      );
    else if (found.runs.length === 0)
      console.log(
        `No runs of ${job}${client === '' ? '' : ` for ${client}`} in ${range.days} days; --days looks further back.`,
      );
    else console.log(drawHistory(found, told, { ...range, metric }));
  } finally {
    await reader.close();
  }
}

function readCount(option: string, text: string, most: number): number {
  const value = Number(text);
  if (/^\d{1,5}$/.test(text) && value >= 1 && value <= most) return value;
  throw new UsageError(`Unusable ${option} '${text}'; use a number from 1 to ${most}.`);
}
