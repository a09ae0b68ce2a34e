/** Draws one job run: what a person wants to know first, first. */

import type { FailureGroupRow, RunDetails } from '../reader/read-run.ts';
import { drawDuration, drawNumber, drawTime, plural } from './numbers.ts';
import { drawTable } from './table.ts';
import { bold, dim, drawVerdict } from './verdict.ts';

/** Verdicts whose clients are worth naming. */
const NAMED = new Set(['failed', 'lost', 'never_started', 'timed_out', 'cancelled']);

export function drawRun({ run, clients, metrics, failures }: RunDetails): string {
  const took = run.duration_ms === null ? '' : `, took ${drawDuration(run.duration_ms)}`;
  const again = run.attempt > 1 ? `, attempt ${run.attempt}` : '';
  return [
    `${bold(`${run.job_name} ${run.run_id}`)}  ${drawVerdict(run.verdict)}`,
    dim(`started ${drawTime(run.started_at)} UTC${took}${again}, trace ${run.trace_id}`),
    ...(run.reason === '' ? [] : [`reason: ${run.reason}`]),
    ...(run.error_type === '' ? [] : [`${run.error_type}: ${run.error_message}`]),
    '',
    ...drawClients({ run, clients }),
    ...drawMetrics(metrics),
    ...drawFailures(failures),
    ...run.notes.map((note) => `note: ${note}`),
    run.telemetry === 'complete'
      ? dim('telemetry complete: every event and every final metric has arrived')
      : drawVerdict('lost', 'telemetry incomplete: the numbers above may be too small'),
  ].join('\n');
}

function drawClients({ run, clients }: Pick<RunDetails, 'run' | 'clients'>): string[] {
  if (clients.length === 0) return [];
  const total =
    run.clients_expected > 0
      ? `${plural(run.clients_expected, 'client')} expected, ${drawNumber(run.clients_started)} answered`
      : plural(run.clients_started, 'client');
  const rows = clients.map(({ verdict, clients: count, sample }) => [
    drawNumber(count),
    drawVerdict(verdict),
    NAMED.has(verdict) ? sample.join(', ') + (count > sample.length ? ', …' : '') : '',
  ]);
  return [total, drawTable([], rows, { align: ['right', 'left', 'left'] }), ''];
}

function drawMetrics(metrics: RunDetails['metrics']): string[] {
  if (metrics.length === 0) return [];
  const rows = metrics.map(({ metric, aggregation, unit, value, clients }) => [
    metric + (unit === '' ? '' : ` (${unit})`),
    aggregation,
    drawNumber(value),
    drawNumber(clients),
  ]);
  return [
    drawTable(['metric', 'agg', 'value', 'clients'], rows, { align: ['left', 'left', 'right', 'right'] }),
    '',
  ];
}

function drawFailures(failures: readonly FailureGroupRow[]): string[] {
  if (failures.length === 0) return [];
  const lines = failures.map(({ error_type, sample_message, step, occurrences, clients }) => {
    const where = step === '' ? '' : dim(` in step ${step}`);
    const whom = clients.length === 0 ? '' : `\n    ${clients.join(', ')}`;
    return `  ${drawVerdict('failed', `${occurrences}×`)} ${error_type}: ${sample_message}${where}${whom}`;
  });
  return ['failures', ...lines, ''];
}
