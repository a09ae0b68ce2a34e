/** `rollcall show`: one job run, whole. */

import { parseRunId } from '@rollcall/semconv';
import { drawRun } from '../print/run.ts';
import { UsageError } from '../print/failure.ts';
import { readDetails, readRuns, readRunsById, type JobRunRow } from '../reader/read-run.ts';
import { openReader, type GlobalOptions, type Reader } from '../reader/reader.ts';

/** Exits with 1 where there is no such run. */
export async function show(
  wanted: string,
  { project, json = false, ...options }: GlobalOptions & { project?: string; json?: boolean },
): Promise<void> {
  const reader = await openReader(options);
  try {
    const found = await findRuns(reader, wanted, project);
    const details = [];
    for (const run of found) details.push(await readDetails(reader, run));
    console.log(json ? JSON.stringify(details, null, 2) : details.map((one) => drawRun(one)).join('\n\n'));
  } finally {
    await reader.close();
  }
}

async function findRuns(reader: Reader, wanted: string, project: string | undefined): Promise<JobRunRow[]> {
  if (wanted === 'latest') {
    const latest = await readRuns(reader, { project, limit: 1 });
    if (latest.length > 0) return latest;
    throw new UsageError(`There are no runs in ${reader.source} yet; 'rollcall demo' makes one.`, {
      exitCode: 1,
    });
  }
  const parsed = parseRunId(wanted);
  if (parsed.status === 'refused') throw new UsageError(parsed.reason);
  const found = await readRunsById(reader, parsed.runId, project);
  if (found.length > 0) return found;
  throw new UsageError(
    `There is no run ${parsed.runId} in ${reader.source}; 'rollcall runs' lists those there are.`,
    { exitCode: 1 },
  );
}
