/** Watches a run through Rollcall's own eyes while it goes on. */

import { setTimeout as sleep } from 'node:timers/promises';
import ora from 'ora';
import { drawDuration, drawNumber } from '../print/numbers.ts';
import { dim, drawVerdict } from '../print/verdict.ts';
import { readDetails, readRunsById, type JobRunRow, type RunDetails } from '../reader/read-run.ts';
import type { Reader } from '../reader/reader.ts';

const POLL_MS = 200;
const BAR_WIDTH = 24;

export interface WatchOptions {
  /** Resolves when the job's process has ended. */
  readonly ended: Promise<unknown>;
  /** How long the last telemetry may take to show after that. */
  readonly settleMs: number;
}

/** Draws progress until the run has its verdict and its telemetry is complete, or `settleMs` after the process ended. */
export async function watchRun(
  reader: Reader,
  runId: string,
  { ended, settleMs }: WatchOptions,
): Promise<RunDetails | null> {
  const spinner = ora({
    text: `${runId} starts`,
    stream: process.stdout,
    discardStdin: false,
    ...(process.env['NO_COLOR'] ? { color: false as never } : {}),
  }).start();
  let endedAtMs = Number.POSITIVE_INFINITY;
  void ended.then(() => {
    endedAtMs = Date.now();
  });
  try {
    for (;;) {
      const isOver = Date.now() > endedAtMs;
      const run = (await readRunsById(reader, runId)).at(-1);
      if (run !== undefined) {
        const details = await readDetails(reader, run);
        spinner.text = drawProgress(details);
        const isSettled = run.verdict !== 'running' && run.telemetry === 'complete';
        if (isOver && (isSettled || Date.now() > endedAtMs + settleMs)) return details;
      } else if (Date.now() > endedAtMs + settleMs) return null;
      await sleep(POLL_MS);
    }
  } finally {
    spinner.stop();
  }
}

function drawProgress({ run, clients, metrics }: RunDetails): string {
  const counts = clients
    .filter(({ verdict }) => verdict !== 'pending')
    .map(({ verdict, clients: count }) => drawVerdict(verdict, drawNumber(count)))
    .join('  ');
  const processed = metrics.find(({ metric }) => metric === 'Flights Processed')?.value ?? 0;
  return `${run.job_name} ${run.run_id}  ${drawBar(run)}  ${counts}  ${dim(`${drawNumber(processed)} flights`)}`;
}

function drawBar({ progress, verdict, duration_ms: durationMs }: JobRunRow): string {
  if (verdict !== 'running') return drawDuration(durationMs);
  const done = Math.round((progress ?? 0) * BAR_WIDTH);
  return `${'█'.repeat(done)}${dim('░'.repeat(BAR_WIDTH - done))} ${String(Math.floor((progress ?? 0) * 100)).padStart(3)} %`;
}
