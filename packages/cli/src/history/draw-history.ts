/** Draws the history of a job: what changed, then run by run. */

import { styleText } from 'node:util';
import { lineWidth, oneLine, wrap } from '../print/line.ts';
import { drawDuration, drawNumber, plural } from '../print/numbers.ts';
import { drawSparkline } from '../print/sparkline.ts';
import { drawTable } from '../print/table.ts';
import { bold, dim, drawVerdict } from '../print/verdict.ts';
import { usualBand } from './changes.ts';
import type { History } from './read-history.ts';
import { metricNames, type Told, type ToldRun } from './tell.ts';

const STRIP = 14;
const SPARKS = 30;
/** Five before a step, and three after it. */
const FEWEST = 8;

export function drawHistory(
  { job, client }: History,
  { runs, changes }: { runs: readonly ToldRun[]; changes: readonly Told[] },
  { days, limit, metric }: { days: number; limit: number; metric: string | undefined },
): string {
  const subject = client === null ? oneLine(job) : `${oneLine(job)}, client ${oneLine(client, 40)}`;
  const shown = runs.slice(-limit).toReversed();
  const rest = runs.length - shown.length;
  return [
    bold(subject),
    dim(`${plural(runs.length, 'run')} in ${plural(days, 'day')}${drawUsual(runs)}`),
    '',
    ...(changes.length === 0
      ? [
          runs.length < FEWEST
            ? `Too few runs to tell a change: it takes ${FEWEST}.`
            : 'Nothing changed that stands out.',
        ]
      : changes.flatMap(drawChange)),
    '',
    drawRuns(shown, client === null, metric ?? chooseMetric(runs, changes)),
    ...(shown.some(({ isTurn }) => isTurn) ? [dim(' ◆ from this run on something is different')] : []),
    ...(rest > 0 ? [dim(` ${plural(rest, 'earlier run')}; --limit shows them`)] : []),
    ...drawTotals(runs),
  ].join('\n');
}

function drawUsual(runs: readonly ToldRun[]): string {
  const usual = runs.findLast((run) => run.usual !== null)?.usual;
  return usual === undefined || usual === null
    ? ''
    : `, usually ${drawDuration(usual.median)} (${drawDuration(usual.low)} to ${drawDuration(usual.high)})`;
}

function drawChange({ weight, text }: Told): string[] {
  const sign = weight === 'bad' ? styleText('red', '✖') : styleText('yellow', '◆');
  return wrap(oneLine(text), lineWidth() - 2, '  ').map((line, index) =>
    index === 0 ? `${sign} ${line}` : line,
  );
}

/** The total that changed last; else the first. */
function chooseMetric(runs: readonly ToldRun[], changes: readonly Told[]): string | undefined {
  const names = metricNames(runs);
  return names.findLast((name) => changes.some(({ subject }) => subject === `total ${name}`)) ?? names[0];
}

function drawRuns(shown: readonly ToldRun[], isJob: boolean, metric: string | undefined): string {
  const times = shown.flatMap(({ durationMs, usual }) => [
    ...(durationMs === null ? [] : [durationMs]),
    ...(usual === null ? [] : [usual.low, usual.high]),
  ]);
  const scale = { from: Math.min(...times), to: Math.max(...times) };
  const rows = shown.map((run) => [
    run.runId,
    isJob && run.verdict === 'completed_with_errors' && run.notOk > 0
      ? drawVerdict(run.verdict, `${drawNumber(run.notOk)} of ${drawNumber(run.clients)} not ok`)
      : drawVerdict(run.verdict) + (run.attempt > 1 ? dim(` ×${run.attempt}`) : ''),
    drawDuration(run.durationMs),
    drawStrip(run, scale),
    ...(metric === undefined
      ? []
      : [run.totals[metric] === undefined ? '–' : drawNumber(run.totals[metric])]),
    run.isTurn ? styleText('yellow', '◆') : '',
  ]);
  return drawTable(
    ['run', 'verdict', 'took', 'against usual', ...(metric === undefined ? [] : [oneLine(metric, 18)]), ''],
    rows,
    {
      align: ['left', 'left', 'right', 'left', ...(metric === undefined ? [] : (['right'] as const)), 'left'],
    },
  );
}

/** `  ──●──     `: the usual band of the runs before, and where this one lies. */
function drawStrip(
  { durationMs, usual, isOdd }: ToldRun,
  { from, to }: { from: number; to: number },
): string {
  if (durationMs === null) return '';
  const place = (value: number): number =>
    to === from ? Math.floor(STRIP / 2) : Math.round(((value - from) / (to - from)) * (STRIP - 1));
  const mark =
    isOdd === null ? '●' : styleText(isOdd === 'longer' ? 'red' : 'yellow', isOdd === 'longer' ? '▲' : '▼');
  return Array.from({ length: STRIP }, (_, at) => {
    if (at === place(durationMs)) return mark;
    return usual !== null && at >= place(usual.low) && at <= place(usual.high) ? dim('─') : ' ';
  }).join('');
}

function drawTotals(runs: readonly ToldRun[]): string[] {
  const names = metricNames(runs);
  if (names.length === 0) return [];
  const rows = names.map((name) => {
    const values = runs.map(({ totals }) => totals[name] ?? null);
    const known = values.filter((value) => value !== null);
    const usual = usualBand(known.slice(0, -1));
    return [
      oneLine(name, 26),
      drawSparkline(values.slice(-SPARKS)),
      known.length === 0 ? '' : drawNumber(known.at(-1) ?? 0),
      usual === null ? '' : drawNumber(usual.median),
    ];
  });
  return [
    '',
    drawTable(['total', 'run by run, the latest last', 'latest', 'usual'], rows, {
      align: ['left', 'left', 'right', 'right'],
    }),
  ];
}
