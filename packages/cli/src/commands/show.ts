/** `rollcall show`: one job run, or one client of it, whole. */

import { parseRunId } from '@rollcall/semconv';
import { drawClientRun, drawRun } from '../print/run.ts';
import { UsageError } from '../print/failure.ts';
import { findRuns } from '../reader/find.ts';
import { readClient, readDetails, type JobRunRow } from '../reader/read-run.ts';
import { openReader, type GlobalOptions, type Reader } from '../reader/reader.ts';

/** Exits with 1 where there is no such run. */
export async function show(
  wanted: string,
  { project, json = false, ...options }: GlobalOptions & { project?: string; json?: boolean },
): Promise<void> {
  const reader = await openReader(options);
  try {
    const found = await findRuns(reader, wanted, project);
    const clientId = clientOf(wanted);
    if (clientId !== null) return await showClient(reader, found, clientId, json);
    const details = [];
    for (const run of found) details.push(await readDetails(reader, run));
    console.log(json ? JSON.stringify(details, null, 2) : details.map((one) => drawRun(one)).join('\n\n'));
  } finally {
    await reader.close();
  }
}

function clientOf(wanted: string): string | null {
  const parsed = parseRunId(wanted);
  return parsed.status === 'ok' ? parsed.clientId : null;
}

async function showClient(
  reader: Reader,
  runs: readonly JobRunRow[],
  clientId: string,
  json: boolean,
): Promise<void> {
  const found = (await Promise.all(runs.map((run) => readClient(reader, run, clientId)))).filter(
    (one) => one !== null,
  );
  if (found.length === 0) {
    throw new UsageError(
      `Run ${runs[0]?.run_id} knows no client '${clientId}'; 'rollcall show ${runs[0]?.run_id}' shows those it knows.`,
      { exitCode: 1 },
    );
  }
  console.log(json ? JSON.stringify(found, null, 2) : found.map((one) => drawClientRun(one)).join('\n\n'));
}
