/** Writes an import's report for people. */

import { drawDuration, drawNumber, plural } from '../print/numbers.ts';
import { drawTable } from '../print/table.ts';
import { bold, dim, drawVerdict } from '../print/verdict.ts';
import type { ImportReport, Place } from './report.ts';

const MOST_SHOWN = 20;

export function drawReport(report: ImportReport): string {
  return [
    ...drawCounts(report),
    ...drawRefused(report),
    ...drawCollisions(report),
    ...drawRemarks(report),
    drawConclusion(report),
  ].join('\n');
}

function drawCounts({ rows, jobRuns, clientRuns, withoutEnd, aliases, values }: ImportReport): string[] {
  const lines: [string, number, string][] = [
    ['rows', rows.read, `${drawNumber(rows.taken)} taken, ${drawNumber(rows.refused)} refused`],
    ['job runs', jobRuns, ''],
    ['client runs', clientRuns, ''],
    ['without an end', withoutEnd, withoutEnd > 0 ? 'their verdict is lost, unless they really run' : ''],
    ['other names', aliases, aliases > 0 ? 'legacy IDs, kept as aliases' : ''],
    ['metric values', values.taken, values.refused > 0 ? `and ${drawNumber(values.refused)} refused` : ''],
  ];
  const cells = lines.map(([what, count, remark]) => [what, drawNumber(count), dim(remark)]);
  return [drawTable([], cells, { align: ['left', 'right', 'left'] }), ''];
}

function drawRefused({ refused, rows, values }: ImportReport): string[] {
  if (refused.length === 0) return [];
  const shown = refused.slice(0, MOST_SHOWN);
  const cells = shown.map((one) => [
    drawPlace(one),
    one.column,
    JSON.stringify(one.value.slice(0, 60)),
    one.reason,
  ]);
  const left = rows.refused + values.refused - shown.length;
  return [
    bold('Refused'),
    drawTable(['row', 'column', 'value', 'why'], cells),
    ...(left > 0 ? [dim(`  and ${drawNumber(left)} more; --json lists up to 1,000`)] : []),
    '',
  ];
}

function drawCollisions({ collisions, collisionCount }: ImportReport): string[] {
  if (collisionCount === 0) return [];
  const shown = collisions.slice(0, MOST_SHOWN);
  const cells = shown.map(({ runId, legacyId, at, earlier }) => [
    runId,
    legacyId,
    drawPlace(at),
    drawPlace(earlier),
  ]);
  const left = collisionCount - shown.length;
  return [
    bold('Two runs, one run ID'),
    dim('They started in the same second. Both are kept, each with its own clients and numbers.'),
    drawTable(['run', 'old ID', 'row', 'earlier row'], cells),
    ...(left > 0 ? [dim(`  and ${drawNumber(left)} more`)] : []),
    '',
  ];
}

function drawRemarks(report: ImportReport): string[] {
  const {
    rows,
    assumed,
    values,
    missingJobRuns,
    jobRunsWithSums,
    clientRuns,
    unusedColumns,
    refusedByService,
  } = report;
  const remarks = [
    rows.merged > 0 &&
      `${plural(rows.merged, 'row')} told more of a run that another row tells, too: the earliest start and the latest end count.`,
    assumed > 0 &&
      `${plural(assumed, 'row')} lacked a time or contradicted itself; the notes of each run say what was assumed.`,
    values.leftToClients > 0 &&
      `${plural(values.leftToClients, 'sum')} of job rows were left out: the clients bring them, and they would count twice.`,
    missingJobRuns > 0 &&
      `${plural(missingJobRuns, 'job run')} named by client rows have no row here; import the job table, too.`,
    jobRunsWithSums > 0 &&
      clientRuns === 0 &&
      `${plural(jobRunsWithSums, 'job run')} brought sums of their own. If their clients are in another file, import both files in one command, or this one with --no-job-totals: otherwise they count twice.`,
    unusedColumns.length > 0 &&
      `Columns not used: ${unusedColumns.join(', ')}. A mapping file can make them metrics.`,
    ...refusedByService.map(
      ({ count, reason }) => `The service refused ${plural(count, 'record')}: ${reason}`,
    ),
  ].filter((remark) => remark !== false);
  return remarks.length === 0 ? [] : [...remarks.map((remark) => `  ${remark}`), ''];
}

function drawConclusion({ rows, values, dryRun, durationMs, refusedByService }: ImportReport): string {
  const isWhole = rows.refused === 0 && values.refused === 0 && refusedByService.length === 0;
  const did = dryRun ? 'would be imported' : 'imported';
  const text = isWhole
    ? `${plural(rows.taken, 'row')} ${did}, nothing refused`
    : `${plural(rows.taken, 'row')} ${did}; correct the refused ones and import again, nothing counts twice`;
  return `${drawVerdict(isWhole ? 'completed' : 'completed_with_errors', text)} ${dim(`(${drawDuration(durationMs)})`)}`;
}

function drawPlace({ file, row }: Place): string {
  return `${file.split(/[\\/]/).at(-1) ?? file}:${row}`;
}
