/** `rollcall show`: one job run, or one client of it, whole. */

import { parseRunId } from '@rollcall/semconv';
import { drawClientRun, drawRun } from '../print/run.ts';
import { UsageError } from '../print/failure.ts';
import { findRuns } from '../reader/find.ts';
import { readClients, readDetails } from '../reader/read-run.ts';
import { openReader, type GlobalOptions, type Reader } from '../reader/reader.ts';

/** Exits with 1 where there is no such run. */
export async function show(
  wanted: string,
  { project, json = false, ...options }: GlobalOptions & { project?: string; json?: boolean },
): Promise<void> {
  const reader = await openReader(options);
  try {
    const parsed = parseRunId(wanted);
    if (parsed.status === 'ok' && parsed.clientId !== null) {
      const { runId, clientId } = parsed;
      const found = await readClients(reader, { runId, clientId, project });
      if (found.length === 0) throw await noSuchClient(reader, wanted, { runId, clientId, project });
      return console.log(
        json ? JSON.stringify(found, null, 2) : found.map((one) => drawClientRun(one)).join('\n\n'),
      );
    }
    const found = await findRuns(reader, wanted, project);
    const details = [];
    for (const run of found) details.push(await readDetails(reader, run));
    console.log(json ? JSON.stringify(details, null, 2) : details.map((one) => drawRun(one)).join('\n\n'));
  } finally {
    await reader.close();
  }
}

async function noSuchClient(
  reader: Reader,
  wanted: string,
  { runId, clientId, project }: { runId: string; clientId: string; project: string | undefined },
): Promise<UsageError> {
  // Where nobody knows the run either, that is what to say.
  await findRuns(reader, wanted, project);
  return new UsageError(
    `Run ${runId} knows no client '${clientId}'; 'rollcall show ${runId}' shows those it knows.`,
    { exitCode: 1 },
  );
}
