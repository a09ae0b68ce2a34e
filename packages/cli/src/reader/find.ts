/** Finds the run, job or client that a person names, and says what may have been meant where there is none. */

import { parseRunId } from '@rollcall/semconv';
import { UsageError } from '../print/failure.ts';
import { nameSome } from '../print/line.ts';
import { readRuns, readRunsById, type JobRunRow } from './read-run.ts';
import type { Reader } from './reader.ts';

/** Names that differ by more letters than these, or in more than every third one, are not near. */
const NEAR = 3;
/** Characters that the names of orphans may take. */
const NAMES_WIDTH = 120;

/**
 * Every run that is named: `latest`, a run ID with or without a client, an alias, or `<run id>~<start of its origin>`.
 * @throws UsageError with exit code 1 where there is none
 */
export async function findRuns(
  reader: Reader,
  wanted: string,
  project: string | undefined,
): Promise<JobRunRow[]> {
  if (wanted === 'latest') {
    const latest = await readRuns(reader, { project, limit: 1 });
    if (latest.length > 0) return latest;
    throw new UsageError(`There are no runs in ${reader.source} yet; 'rollcall demo' makes one.`, {
      exitCode: 1,
    });
  }
  const [, name = wanted, origin = ''] = /^(\d{6}-\d{6})~([0-9a-f]*)$/.exec(wanted) ?? [];
  const parsed = parseRunId(name);
  const runId = parsed.status === 'ok' ? parsed.runId : await aliasedRun(reader, wanted, project);
  if (runId === null) throw new UsageError(parsed.status === 'refused' ? parsed.reason : '');
  const found = (await readRunsById(reader, runId, project)).filter((run) => run.origin.startsWith(origin));
  if (found.length > 0) return found;
  await checkOrphans(reader, runId, project);
  const near = await nearNames(reader, 'SELECT DISTINCT run_id AS name FROM run_summaries', runId);
  throw new UsageError(
    `There is no run ${runId}${origin === '' ? '' : ` of origin ${origin}`} in ${reader.source}; ${advise(near, "'rollcall runs' lists those there are")}`,
    { exitCode: 1 },
  );
}

/** @throws UsageError with exit code 1 where clients report the run, though it never said itself that it began */
async function checkOrphans(reader: Reader, runId: string, project = ''): Promise<void> {
  const orphans = await reader.rows<{ client_run_id: string; job_name: string }>(
    "SELECT client_run_id, job_name FROM client_runs WHERE run_id = {runId:String} AND ({project:String} = '' OR project_id = {project:String}) ORDER BY started_at",
    { runId, project },
  );
  const [first] = orphans;
  if (first === undefined) return;
  const names = nameSome(
    orphans.map(({ client_run_id: name }) => name),
    NAMES_WIDTH,
  );
  throw new UsageError(
    `Nothing is known of job run ${runId} of ${first.job_name} but what its clients report: ${names}. Its own start never arrived. 'rollcall show ${first.client_run_id}' shows a client.`,
    { exitCode: 1 },
  );
}

/** The one run that is named. @throws UsageError where there is none, or more than one */
export async function findRun(
  reader: Reader,
  wanted: string,
  project: string | undefined,
): Promise<JobRunRow> {
  const found = await findRuns(reader, wanted, project);
  const [run] = found;
  if (run !== undefined && found.length === 1) return run;
  const names = found.map(
    (one) => `${one.run_id}~${one.origin.slice(0, 8)} (${one.project_id}/${one.job_name})`,
  );
  throw new UsageError(`${found.length} runs share this ID; name one of them: ${names.join(', ')}.`);
}

/** @throws UsageError with exit code 1 where nobody has heard of this job */
export async function checkJob(reader: Reader, job: string, project = ''): Promise<void> {
  // A job that has only just begun is in no summary yet; one that has a schedule may never have run.
  const known = `SELECT DISTINCT job_name AS name FROM
      (SELECT project_id, toString(job_name) AS job_name FROM run_summaries UNION ALL SELECT project_id, job_name FROM job_latest_starts UNION ALL SELECT project_id, job_name FROM schedule_plans)
    WHERE {project:String} = '' OR project_id = {project:String}`;
  await checkName(reader, {
    known,
    name: job,
    what: 'job',
    project,
    otherwise: "'rollcall runs' shows those there are",
  });
}

/** @throws UsageError with exit code 1 where nobody has heard of this client */
export async function checkClient(
  reader: Reader,
  client: string,
  { job = '', project = '' }: { job?: string; project?: string },
): Promise<void> {
  const known = `SELECT DISTINCT client_id AS name FROM client_run_history
    WHERE ({project:String} = '' OR project_id = {project:String}) AND ({job:String} = '' OR job_name = {job:String})`;
  await checkName(reader, {
    known,
    name: client,
    what: job === '' ? 'client' : `client of ${job}`,
    project,
    job,
    otherwise: "'rollcall show latest' shows those of the latest run",
  });
}

async function checkName(
  reader: Reader,
  {
    known,
    name,
    what,
    project,
    job = '',
    otherwise,
  }: { known: string; name: string; what: string; project: string; job?: string; otherwise: string },
): Promise<void> {
  const found = await reader.rows(`SELECT 1 AS found FROM (${known}) WHERE name = {name:String} LIMIT 1`, {
    name,
    project,
    job,
  });
  if (found.length > 0) return;
  const near = await nearNames(reader, known, name, { project, job });
  throw new UsageError(`There is no ${what} '${name}' in ${reader.source}; ${advise(near, otherwise)}`, {
    exitCode: 1,
  });
}

async function aliasedRun(reader: Reader, alias: string, project = ''): Promise<string | null> {
  const [found] = await reader.rows<{ run_id: string }>(
    "SELECT run_id FROM run_aliases WHERE alias = {alias:String} AND ({project:String} = '' OR project_id = {project:String}) ORDER BY related_at DESC LIMIT 1",
    { alias, project },
  );
  return found?.run_id ?? null;
}

async function nearNames(
  reader: Reader,
  known: string,
  name: string,
  parameters: Record<string, string> = {},
): Promise<string[]> {
  const rows = await reader.rows<{ name: string }>(
    `SELECT name, editDistanceUTF8(lowerUTF8(name), lowerUTF8({name:String})) AS distance
     FROM (${known})
     WHERE distance <= least(${NEAR}, greatest(1, intDiv(lengthUTF8({name:String}), 3))) OR (lengthUTF8({name:String}) > 2 AND positionCaseInsensitiveUTF8(name, {name:String}) > 0)
     ORDER BY distance, name DESC LIMIT 3`,
    { ...parameters, name },
  );
  return rows.map((row) => row.name);
}

function advise(near: readonly string[], otherwise: string): string {
  if (near.length === 0) return `${otherwise}.`;
  const names = near.map((name) => `'${name}'`);
  return `did you mean ${names.length === 1 ? names[0] : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`}?`;
}
