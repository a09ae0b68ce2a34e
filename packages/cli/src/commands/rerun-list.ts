/** `rollcall rerun-list`: exactly those clients of a run that must run again. */

import { UsageError } from '../print/failure.ts';
import { lineWidth, oneLine } from '../print/line.ts';
import { plural } from '../print/numbers.ts';
import { drawTable } from '../print/table.ts';
import { bold, dim, drawVerdict } from '../print/verdict.ts';
import type { JobRunRow } from '../reader/read-run.ts';
import { findRun } from '../reader/find.ts';
import { openReader, type GlobalOptions } from '../reader/reader.ts';
import { readReruns, type Rerun, type StillOpen } from '../rerun/rerun-list.ts';
import { asArguments, asEnvironment } from '../rerun/shell.ts';

const FORMATS = ['table', 'args', 'json', 'env'] as const;
type Format = (typeof FORMATS)[number];

const NOTHING_TO_RERUN = 3;

/** Exits with 3 where nothing is to run again, with 1 where there is no such run. What goes on is told on standard error. */
export async function rerunList(
  wanted: string,
  { format: given, project, ...options }: GlobalOptions & { format: string; project?: string },
): Promise<void> {
  const format = FORMATS.find((one) => one === given);
  if (format === undefined) {
    throw new UsageError(`Unknown --format '${given}'; use one of ${FORMATS.join(', ')}.`);
  }
  const reader = await openReader(options);
  try {
    const run = await findRun(reader, wanted, project);
    const { reruns, open, clients } = await readReruns(reader, run);
    const text = render(format, run, reruns, open);
    if (text !== '') console.log(text);
    for (const line of remarks(run, reruns, open, clients)) process.stderr.write(`${line}\n`);
    if (reruns.length === 0) process.exitCode = NOTHING_TO_RERUN;
  } finally {
    await reader.close();
  }
}

function render(format: Format, run: JobRunRow, reruns: readonly Rerun[], open: StillOpen): string {
  switch (format) {
    case 'args':
      return asArguments(reruns);
    case 'env':
      return asEnvironment(run, reruns);
    case 'json':
      return JSON.stringify(
        {
          project: run.project_id,
          job: run.job_name,
          runId: run.run_id,
          origin: run.origin,
          verdict: run.verdict,
          stillOpen: open,
          clients: reruns,
        },
        null,
        2,
      );
    case 'table':
      return drawReruns(run, reruns, open);
  }
}

function drawReruns(run: JobRunRow, reruns: readonly Rerun[], open: StillOpen): string {
  const head = `${bold(`${run.job_name} ${run.run_id}`)}  ${drawVerdict(run.verdict)}`;
  if (reruns.length === 0)
    return `${head}\n${isOpen(run, open) ? 'Nothing to run again so far.' : 'Nothing to run again.'}`;
  const rows = reruns.map(({ clientId, verdict, attempt, idempotencyKey }) => [
    oneLine(clientId, Math.max(12, lineWidth() - 66)),
    drawVerdict(verdict),
    String(attempt),
    idempotencyKey,
  ]);
  return [
    head,
    `${plural(reruns.length, 'client')} to run again`,
    '',
    drawTable(['client', 'verdict', 'attempt', 'idempotency key'], rows, {
      align: ['left', 'left', 'right', 'left'],
    }),
    '',
    dim("For a shell: --format args or env; 'rollcall rerun-list --help' shows how."),
  ].join('\n');
}

/** Whether clients may still come to the list. */
function isOpen(run: JobRunRow, { running, pending }: StillOpen): boolean {
  return run.verdict === 'running' || running + pending > 0;
}

function remarks(run: JobRunRow, reruns: readonly Rerun[], stillOpen: StillOpen, clients: number): string[] {
  const open = stillOpen.running + stillOpen.pending;
  return [
    ...(isOpen(run, stillOpen)
      ? [`Run ${run.run_id} still goes on (${plural(open, 'client')} open): this list may grow.`]
      : []),
    ...(clients === 0 && ['failed', 'lost', 'timed_out', 'cancelled'].includes(run.verdict)
      ? [
          `Run ${run.run_id} is ${run.verdict.replaceAll('_', ' ')} and knows no clients: run the whole job again.`,
        ]
      : []),
    ...(clients > 0 &&
    reruns.length === 0 &&
    open === 0 &&
    ['failed', 'lost', 'timed_out', 'cancelled'].includes(run.verdict)
      ? [
          `Run ${run.run_id} is ${run.verdict.replaceAll('_', ' ')}, though each of its ${plural(clients, 'client')} is well.`,
        ]
      : []),
  ];
}
