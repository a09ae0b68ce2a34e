/** `rollcall schedules`: when jobs are due, and which did not come. */

import { styleText } from 'node:util';
import type { ExpectedRun } from '@rollcall/ingest';
import { drawDuration, drawTime, plural } from '../print/numbers.ts';
import { drawTable } from '../print/table.ts';
import { dim, drawVerdict } from '../print/verdict.ts';
import { openReader, type GlobalOptions } from '../reader/reader.ts';

/** Those that want attention come first. Jobs without a schedule are left out unless `all`. */
export async function schedules({
  job = '',
  project = '',
  all = false,
  json = false,
  ...options
}: GlobalOptions & { job?: string; project?: string; all?: boolean; json?: boolean }): Promise<void> {
  const { EXPECTED_RUNS_SQL } = await import('@rollcall/ingest');
  const reader = await openReader(options);
  try {
    const found = (
      await reader.rows<Omit<ExpectedRun, 'runningTooLong'> & { runningTooLong: number }>(EXPECTED_RUNS_SQL, {
        job,
        project,
      })
    ).map((row): ExpectedRun => ({ ...row, runningTooLong: row.runningTooLong === 1 }));
    const shown = found.filter(
      ({ schedule, runningTooLong }) => all || job !== '' || schedule !== 'none' || runningTooLong,
    );
    if (json) console.log(JSON.stringify(shown, null, 2));
    else if (shown.length > 0) print(shown);
    if (!json) printRest(found.length - shown.length, shown.length);
  } finally {
    await reader.close();
  }
}

const STATES: Record<ExpectedRun['state'], { text: string; style: Parameters<typeof styleText>[0] }> = {
  on_time: { text: '✔ on time', style: 'green' },
  due: { text: '· due', style: 'cyan' },
  late: { text: '! late', style: 'yellow' },
  missed: { text: '✖ missed', style: 'red' },
  unknown: { text: '? unknown', style: 'magenta' },
  invalid: { text: '✖ invalid', style: 'red' },
  none: { text: '– none', style: 'dim' },
};

function print(shown: readonly ExpectedRun[]): void {
  const severalProjects = new Set(shown.map(({ project }) => project)).size > 1;
  const rows = shown.map((row) => [
    severalProjects ? `${row.project}/${row.job}` : row.job,
    styleText(STATES[row.state].style, STATES[row.state].text),
    row.schedule === 'none'
      ? dim('none')
      : `${row.expression ?? ''}${row.schedule === 'learnt' ? dim(' learnt') : ''}`,
    drawTime(row.nextDueAt),
    row.lastRunId === null
      ? dim('never ran')
      : `${drawTime(row.lastStartedAt)} ${row.lastVerdict === null ? '' : drawVerdict(row.lastVerdict)}`,
  ]);
  console.log(drawTable(['job', 'state', 'schedule', 'next due (UTC)', 'last run'], rows));
  for (const row of shown) for (const line of explain(row)) console.log(`  ${row.job}: ${line}`);
}

function explain({
  state,
  problem,
  missed,
  missedSince,
  lateSince,
  unknown,
  runningTooLong,
  runningSince,
  maxRuntimeMs,
}: ExpectedRun): string[] {
  return [
    ...(state === 'invalid' ? [problem ?? ''] : []),
    ...(missed > 0
      ? [`${plural(missed, 'run')} did not come, the first was due at ${drawTime(missedSince)}`]
      : []),
    ...(lateSince === null ? [] : [`was due at ${drawTime(lateSince)} and has not begun`]),
    ...(unknown > 0
      ? [
          `${plural(unknown, 'run')} was due while Rollcall itself was down`.replace(
            /^(?!1 )(\S+ runs) was/,
            '$1 were',
          ),
        ]
      : []),
    ...(runningTooLong
      ? [`runs since ${drawTime(runningSince)}, longer than ${drawDuration(maxRuntimeMs)}`]
      : []),
  ];
}

function printRest(hidden: number, shown: number): void {
  if (hidden > 0) console.log(dim(`${plural(hidden, 'job')} without a schedule; --all shows them.`));
  else if (shown === 0) console.log('No jobs yet. docs/schedules.md tells how a job says when it is due.');
}
