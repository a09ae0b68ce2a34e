/** Draws one job run: what a person wants to know first, first. */

import type { LastLine } from '../reader/read-last-lines.ts';
import type { ClientDetails, FailureGroupRow, JobRunRow, RunDetails } from '../reader/read-run.ts';
import { lineWidth, oneLine } from './line.ts';
import { drawDuration, drawNumber, drawTime, plural } from './numbers.ts';
import { drawTable } from './table.ts';
import { bold, dim, drawVerdict } from './verdict.ts';

/** Verdicts whose clients are worth naming. */
const NAMED = new Set(['running', 'failed', 'lost', 'never_started', 'timed_out', 'cancelled']);

/** Verdicts of clients that were expected, and of which nothing was heard. */
const SILENT = new Set(['pending', 'never_started']);

export function drawRun({ run, clients, metrics, failures, lines }: RunDetails): string {
  const took = run.duration_ms === null ? '' : `, took ${drawDuration(run.duration_ms)}`;
  const again = run.attempt > 1 ? `, attempt ${run.attempt}` : '';
  return [
    `${bold(`${run.job_name} ${run.run_id}`)}  ${drawVerdict(run.verdict)}`,
    dim(`started ${drawTime(run.started)} UTC${took}${again}`),
    dim(`trace ${run.trace_id}`),
    ...drawLife(run),
    ...(run.reason === '' ? [] : [`reason: ${run.reason}`]),
    ...(run.error_type === '' ? [] : [`${run.error_type}: ${run.error_message}`]),
    '',
    ...drawClients({ run, clients }),
    ...drawMetrics(metrics),
    ...drawFailures(failures),
    ...drawLines(lines),
    ...run.notes.map((note) => `note: ${note}`),
    drawTelemetry(run),
  ].join('\n');
}

/** Draws one client of a run, with its failures in full. */
export function drawClientRun({ client, metrics, failures, lines }: ClientDetails): string {
  const took = client.duration_ms === null ? '' : `, took ${drawDuration(client.duration_ms)}`;
  const again = client.attempt > 1 ? `, attempt ${client.attempt}` : '';
  return [
    `${bold(`${client.job_name} ${client.client_run_id}`)}  ${drawVerdict(client.verdict)}`,
    dim(client.started === null ? 'not started' : `started ${drawTime(client.started)} UTC${took}${again}`),
    ...(client.relation === 'orphan' ? ['orphan: nothing is known of the job run that it belongs to'] : []),
    ...(client.reason === '' ? [] : [`reason: ${client.reason}`]),
    '',
    ...drawMetrics(metrics),
    ...failures.flatMap(({ attempt, step, error_type, error_message, stacktrace }) => [
      `${drawVerdict('failed', `${error_type}: ${error_message}`)}${step === '' ? '' : dim(` in step ${step}`)}${dim(`, attempt ${attempt}`)}`,
      dim(stacktrace.split('\n').slice(1).join('\n')),
      '',
    ]),
    // Of one client there is no need to say whose they are.
    ...drawLines(lines.map((line) => ({ ...line, client_id: '' }))),
  ]
    .join('\n')
    .trimEnd();
}

/** Of a run that is not over: how far it is, and when it was last heard of. */
function drawLife({ verdict, progress, last_seen: lastSeen }: JobRunRow): string[] {
  if (verdict !== 'running' && verdict !== 'lost') return [];
  // Of a lost run nobody knows how far it came: its clients count as handled, well or not.
  const done = progress === null || verdict === 'lost' ? '' : `${Math.floor(progress * 100)} % done, `;
  return [`${done}last sign of life ${drawTime(lastSeen)} UTC`];
}

function drawTelemetry({ verdict, telemetry, last_seen: lastSeen }: JobRunRow): string {
  if (verdict === 'lost') {
    return drawVerdict(
      'lost',
      `telemetry ends at ${drawTime(lastSeen)} UTC: totals hold what was reported until then`,
    );
  }
  if (telemetry === 'incomplete')
    return drawVerdict('lost', 'telemetry incomplete: the numbers above may be too small');
  if (verdict === 'running') return dim('telemetry is still arriving: totals so far');
  return dim('telemetry complete: every event and every final metric has arrived');
}

function drawClients({ run, clients }: Pick<RunDetails, 'run' | 'clients'>): string[] {
  if (clients.length === 0) return [];
  // Counted from the lines below: the run itself was read a moment earlier, and clients go on meanwhile.
  const answered = clients.reduce(
    (sum, { verdict, clients: count }) => (SILENT.has(verdict) ? sum : sum + count),
    0,
  );
  const total =
    run.clients_expected > 0
      ? `${plural(run.clients_expected, 'client')} expected, ${drawNumber(answered)} answered`
      : plural(answered, 'client');
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
  const lines = failures.map(({ error_type, sample_message, step, occurrences, messages, clients }) => {
    const others = messages > 1 ? dim(` (and ${plural(messages - 1, 'message')} like it)`) : '';
    const where = step === '' ? '' : ` in step '${step}'`;
    const whom = clients.length === 0 && step === '' ? '' : `\n      ${clients.join(', ')}${dim(where)}`;
    return `  ${drawVerdict('failed', `${occurrences}×`)} ${error_type}: ${sample_message}${others}${whom}`;
  });
  return ['failures', ...lines, ''];
}

/** The verdicts that look as lines of these levels should. */
const LOOKS_LIKE = { error: 'failed', warn: 'completed_with_errors' } as const;

function drawLines(lines: readonly LastLine[]): string[] {
  if (lines.length === 0) return [];
  const drawn = lines.map(({ time, severity, client_id: clientId, text }) => {
    const clock = drawTime(time).slice(-CLOCK_LENGTH);
    const whose = clientId === '' ? '' : `${oneLine(clientId, MOST_OF_A_CLIENT)}: `;
    const said = oneLine(`${whose}${text}`, lineWidth() - CLOCK_LENGTH - 6);
    // Verdicts have a sign in front.
    return `  ${dim(clock)}  ${severity === 'info' ? `  ${said}` : drawVerdict(LOOKS_LIKE[severity], said)}`;
  });
  return ['last lines', ...drawn, ''];
}

/** `14:03:22`. */
const CLOCK_LENGTH = 8;
const MOST_OF_A_CLIENT = 24;
