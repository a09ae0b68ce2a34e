/** Draws the difference between two runs: why first, then who and where. */

import { lineWidth, nameSome, oneLine, wrap } from '../print/line.ts';
import { drawDuration, drawNumber, drawTime, plural } from '../print/numbers.ts';
import { drawTable } from '../print/table.ts';
import { bold, dim, drawVerdict } from '../print/verdict.ts';
import type { RunDiff } from './compare.ts';

const NOTHING = 'Nothing of weight changed: the same clients and verdicts, duration and totals within 10 %.';

export function drawDiff(diff: RunDiff, sentences: readonly string[], limit: number): string {
  const [main = NOTHING, ...others] = sentences;
  return [
    drawHead(diff),
    '',
    ...wrap(oneLine(main), lineWidth()).map(bold),
    ...others.flatMap((sentence) => wrap(oneLine(sentence), lineWidth())),
    ...drawVerdicts(diff, limit),
    ...drawClientTimes(diff, limit),
    ...drawSteps(diff, limit),
    ...drawTotals(diff, limit),
    ...drawFailureChanges(diff, limit),
  ].join('\n');
}

function drawHead({ old, new: fresh }: RunDiff): string {
  const job = old.job === fresh.job ? fresh.job : `${old.job} → ${fresh.job}`;
  const rows = [
    ['old', old.runId, drawVerdict(old.verdict), drawDuration(old.durationMs), drawTime(old.started)],
    ['new', fresh.runId, drawVerdict(fresh.verdict), drawDuration(fresh.durationMs), drawTime(fresh.started)],
  ];
  return `${bold(job)}\n${drawTable(
    [],
    rows.map(([word = '', ...cells]) => [dim(word), ...cells]),
    {
      align: ['left', 'left', 'left', 'right', 'left'],
    },
  )}`;
}

function drawVerdicts({ verdicts }: RunDiff, limit: number): string[] {
  if (verdicts.length === 0) return [];
  const width = lineWidth();
  const rows = verdicts
    .toSorted((a, b) => Number(b.kind === 'worse') - Number(a.kind === 'worse'))
    .slice(0, limit)
    .map(({ clientId, old, new: fresh, errorType, step }) => [
      oneLine(clientId, 24),
      `${old === null ? dim('not there') : drawVerdict(old)} → ${fresh === null ? dim('not there') : drawVerdict(fresh)}`,
      errorType === ''
        ? ''
        : oneLine(step === '' ? errorType : `${errorType} in ${step}`, Math.max(20, width - 54)),
    ]);
  return ['', dim('verdicts that changed'), drawTable([], rows), ...drawRest(verdicts.length, limit)];
}

function drawClientTimes({ duration }: RunDiff, limit: number): string[] {
  const changed = duration.clients.filter(
    ({ delta, share }) => Math.abs(delta) >= 1 && Math.abs(share ?? 1) > 0.005,
  );
  if (changed.length === 0) return [];
  const row = (
    name: string,
    {
      old,
      new: fresh,
      delta,
      share,
    }: { old: number | null; new: number | null; delta: number; share: number | null },
  ): string[] => [
    name,
    old === null ? '–' : drawDuration(old),
    fresh === null ? '–' : drawDuration(fresh),
    drawDelta(delta),
    drawShare(share),
  ];
  const rows = [
    ...changed.slice(0, limit).map((client) => row(oneLine(client.clientId, 28), client)),
    ...(duration.outside !== null && Math.abs(duration.outside.delta) >= 1
      ? [row(dim('outside of clients'), duration.outside)]
      : []),
  ];
  return [
    '',
    drawTable(['time by client', 'old', 'new', 'change', 'share'], rows, {
      align: ['left', 'right', 'right', 'right', 'right'],
    }),
    ...drawRest(changed.length, limit),
    ...(duration.sharesOf === 'clients'
      ? [dim(' Clients overlapped: shares are of the sum of their times.')]
      : []),
  ];
}

function drawSteps({ duration: { steps } }: RunDiff, limit: number): string[] {
  const changed = steps.filter(({ delta }) => Math.abs(delta) >= 1);
  if (changed.length === 0) return [];
  const rows = changed
    .slice(0, limit)
    .map(({ step, old, new: fresh, delta, share, mostOf }) => [
      oneLine(step, 20),
      old === null ? '–' : drawDuration(old),
      fresh === null ? '–' : drawDuration(fresh),
      drawDelta(delta),
      drawShare(share),
      mostOf === null ? '' : oneLine(mostOf.clientId, 18),
    ]);
  return [
    '',
    drawTable(['time by step', 'old', 'new', 'change', 'share', 'most of it'], rows, {
      align: ['left', 'right', 'right', 'right', 'right', 'left'],
    }),
    ...drawRest(changed.length, limit),
  ];
}

function drawTotals({ totals }: RunDiff, limit: number): string[] {
  const changed = totals.filter(
    ({ delta, old, new: fresh }) => delta !== 0 || old === null || fresh === null,
  );
  const same = totals.length - changed.length;
  if (changed.length === 0) return [];
  const rows = changed
    .slice(0, limit)
    .map(({ metric, unit, old, new: fresh, delta, clients: [top] }) => [
      oneLine(metric + (unit === '' ? '' : ` (${unit})`), 26),
      old === null ? '–' : drawNumber(old),
      fresh === null ? '–' : drawNumber(fresh),
      `${delta > 0 ? '+' : ''}${drawNumber(delta).replace('-', '−')}`,
      old === null || old === 0 ? '' : drawShare(delta / old),
      top === undefined ? '' : `${oneLine(top.clientId, 14)} ${drawShare(top.share)}`.trim(),
    ]);
  return [
    '',
    drawTable(['total', 'old', 'new', 'change', '', 'most of it'], rows, {
      align: ['left', 'right', 'right', 'right', 'right', 'left'],
    }),
    ...drawRest(changed.length, limit),
    ...(same > 0 ? [dim(` ${plural(same, 'total')} unchanged`)] : []),
  ];
}

function drawFailureChanges({ failures }: RunDiff, limit: number): string[] {
  const width = lineWidth();
  const changed = failures.filter((failure) => failure.old !== failure.new);
  if (changed.length === 0) return [];
  const rows = changed
    .slice(0, limit)
    .flatMap(({ fingerprint, errorType, message, old, new: fresh, clients }) => [
      ` ${drawVerdict(fresh > old ? 'failed' : 'completed', `${old}× → ${fresh}×`)}  ${oneLine(`${errorType}: ${message}`, width - 16)}`,
      dim(`     ${fingerprint.slice(0, 8)}  ${nameSome(clients, width - 17)}`),
    ]);
  return ['', dim('failures'), ...rows, ...drawRest(changed.length, limit)];
}

function drawDelta(ms: number): string {
  return `${ms < 0 ? '−' : '+'}${drawDuration(Math.abs(ms))}`;
}

function drawShare(share: number | null): string {
  return share === null ? '' : `${Math.round(share * 100)} %`.replace('-', '−');
}

function drawRest(count: number, limit: number): string[] {
  return count > limit ? [dim(` ${drawNumber(count - limit)} more; --limit shows them`)] : [];
}
