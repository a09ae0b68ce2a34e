/** `rollcall runs`: the latest job runs. */

import { VERDICTS } from '@rollcall/semconv';
import { UsageError } from '../print/failure.ts';
import { drawDuration, drawTime } from '../print/numbers.ts';
import { drawTable } from '../print/table.ts';
import { drawVerdict } from '../print/verdict.ts';
import { readRuns, type JobRunRow } from '../reader/read-run.ts';
import { openReader, type GlobalOptions } from '../reader/reader.ts';

const MOST = 10_000;

export async function runs({
  job,
  verdict,
  project,
  limit,
  json = false,
  ...options
}: GlobalOptions & {
  job?: string;
  verdict?: string;
  project?: string;
  limit: string;
  json?: boolean;
}): Promise<void> {
  const wanted = verdict?.replaceAll(' ', '_');
  if (wanted !== undefined && !(VERDICTS as readonly string[]).includes(wanted)) {
    throw new UsageError(`Unknown verdict '${verdict}'; use one of ${VERDICTS.join(', ')}.`);
  }
  if (!/^\d{1,5}$/.test(limit) || Number(limit) < 1 || Number(limit) > MOST) {
    throw new UsageError(`Unusable limit '${limit}'; use a number from 1 to ${MOST}.`);
  }
  const reader = await openReader(options);
  try {
    const found = await readRuns(reader, { job, verdict: wanted, project, limit: Number(limit) });
    if (json) console.log(JSON.stringify(found, null, 2));
    else if (found.length === 0)
      console.log(
        `No job runs like that in ${reader.source}. 'rollcall demo' makes one; docs/sdk.md shows how to make your own.`,
      );
    else print(found);
  } finally {
    await reader.close();
  }
}

function print(found: readonly JobRunRow[]): void {
  // The run ID holds the time to the second: narrow terminals do without the column.
  const isWide = (process.stdout.columns ?? 120) >= 100;
  const severalProjects = new Set(found.map((run) => run.project_id)).size > 1;
  const rows = found.map((run) => [
    run.run_id,
    severalProjects ? `${run.project_id}/${run.job_name}` : run.job_name,
    drawVerdict(run.verdict) +
      (run.telemetry === 'incomplete' && run.verdict !== 'lost' ? ' (incomplete)' : ''),
    ...(isWide ? [drawTime(run.started)] : []),
    run.verdict === 'running' && run.progress !== null
      ? `${Math.floor(run.progress * 100)} %`
      : drawDuration(run.duration_ms),
    run.clients_expected > 0 ? `${run.clients_started} of ${run.clients_expected}` : `${run.clients_started}`,
    run.clients_not_ok > 0 ? `${run.clients_not_ok}` : '',
  ]);
  console.log(
    drawTable(
      ['run', 'job', 'verdict', ...(isWide ? ['started (UTC)'] : []), 'took', 'clients', 'not ok'],
      rows,
      {
        align: ['left', 'left', 'left', ...(isWide ? (['left'] as const) : []), 'right', 'right', 'right'],
      },
    ),
  );
}
