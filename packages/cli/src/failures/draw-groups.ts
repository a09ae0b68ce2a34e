/** Draws failures by their kind: what broke, for whom, since when. */

import { styleText } from 'node:util';
import type { Verdict } from '@rollcall/semconv';
import { lineWidth, nameSome, oneLine, wrap } from '../print/line.ts';
import { drawNumber, drawTime, plural } from '../print/numbers.ts';
import { drawSparkline } from '../print/sparkline.ts';
import { drawTable } from '../print/table.ts';
import { bold, dim, drawVerdict } from '../print/verdict.ts';
import type { FailureGroup, FailureGroupDetail } from './read-groups.ts';
import type { Buckets } from './since.ts';

const INDENT = '  ';
const SHORT = 8;
const STACK_LINES = 25;
const LISTED_CLIENTS = 30;

export function drawGroups(
  groups: readonly FailureGroup[],
  { since, buckets, limit }: { since: string; buckets: Buckets; limit: number },
): string {
  const severalProjects = new Set(groups.map(({ project }) => project)).size > 1;
  const clients = new Set(
    groups.flatMap((group) => group.clients.map(({ clientId }) => `${group.project}\n${clientId}`)),
  );
  const total = groups.reduce((sum, { occurrences }) => sum + occurrences, 0);
  const head = `${bold(plural(groups.length, 'kind').replace(/kinds?$/, (word) => `${word} of failure`))}${dim(
    ` since ${since} UTC: ${drawNumber(total)} in all, ${plural(clients.size, 'client')}`,
  )}`;
  const isCut = Math.max(0, groups.length - limit);
  const cards = groups.slice(0, limit).map((group) => drawCard(group, buckets, severalProjects));
  const more = isCut > 0 ? `${drawNumber(isCut)} more: --limit shows them. ` : '';
  const example = groups[0]?.fingerprint.slice(0, SHORT);
  const hint = dim(`${more}One of them whole, with stack and clients: rollcall failures ${example}`);
  return [head, ...cards, hint].join('\n\n');
}

function drawCard(group: FailureGroup, { unit }: Buckets, severalProjects: boolean): string {
  const width = lineWidth();
  const where = severalProjects ? `${group.project}/${group.job}` : group.job;
  const badge = group.isNew ? `${styleText(['bold', 'yellow'], 'NEW TODAY')}  ` : '';
  const facts = [
    where,
    `${drawNumber(group.occurrences)}×`,
    ...(group.clients.length > 0 ? [plural(group.clients.length, 'client')] : []),
    plural(group.runs, 'run'),
  ].join(' · ');
  const names = group.clients.map(({ clientId }) => clientId);
  return [
    ...wrap(oneLine(`${group.errorType}: ${group.message}`, 2 * width - 20), width - 2, INDENT).map(
      (line, index) =>
        index === 0
          ? drawVerdict('failed', oneLine(line, width - 2))
          : `${INDENT}${styleText('red', oneLine(line, width - 2))}`,
    ),
    `${INDENT}${badge}${facts}${dim(`  ${group.fingerprint.slice(0, SHORT)}`)}`,
    `${INDENT}${drawSparkline(group.trend)}${dim(` per ${unit}`)}`,
    ...(names.length > 0 ? [`${INDENT}${nameSome(names, width - 2)}`] : []),
    `${INDENT}${dim(`first in ${group.firstBadRun}, ${drawTime(group.firstSeen)} · ${drawLast(group)}`)}`,
  ].join('\n');
}

function drawLast({ lastBadRun, firstBadRun, lastSeen, runsSince }: FailureGroup): string {
  const last = lastBadRun === firstBadRun ? `last ${drawTime(lastSeen)}` : `last in ${lastBadRun}`;
  return runsSince === 0 ? last : `${last}, not in the ${plural(runsSince, 'run')} since`;
}

/** `Besides, 2 clients were lost and left no error: rollcall rerun-list 261125-021500` */
export function drawWithoutError(
  found: readonly { verdict: Verdict; clients: number; lastRunId: string }[],
): string[] {
  return found.map(
    ({ verdict, clients, lastRunId }) =>
      `${drawVerdict(verdict, `${plural(clients, 'client')} ${verdict === 'lost' ? (clients === 1 ? 'was lost' : 'were lost') : 'never started'} and left no error`)}${dim(`: rollcall rerun-list ${lastRunId}`)}`,
  );
}

export function drawGroup(
  { group, stacktrace, messages, clients, runs, runBefore }: FailureGroupDetail,
  { unit, count }: Buckets,
): string {
  const width = lineWidth();
  const badge = group.isNew ? `${styleText(['bold', 'yellow'], 'NEW TODAY')}  ` : '';
  const listed = clients.slice(0, LISTED_CLIENTS);
  return [
    drawVerdict('failed', bold(oneLine(group.errorType))),
    `${INDENT}${oneLine(group.message, 3 * width)}`,
    '',
    `${INDENT}${badge}${group.job} · ${drawNumber(group.occurrences)}× · ${plural(group.clients.length, 'client')} · ${plural(group.runs, 'run')}${dim(`  ${group.fingerprint}`)}`,
    `${INDENT}${drawSparkline(group.trend)}${dim(` per ${unit}, ${count} ${unit}s`)}`,
    ...(group.steps.length > 0
      ? [
          `${INDENT}in ${group.steps.length === 1 ? 'step' : 'steps'} ${group.steps.map((step) => oneLine(step)).join(', ')}`,
        ]
      : []),
    '',
    `${INDENT}first bad run  ${group.firstBadRun}  ${dim(drawTime(group.firstSeen))}`,
    `${INDENT}last bad run   ${group.lastBadRun}  ${dim(`${drawTime(group.lastSeen)}${group.runsSince > 0 ? `, not in the ${plural(group.runsSince, 'run')} since` : ''}`)}`,
    ...(runBefore === null
      ? []
      : [`${INDENT}run before     ${runBefore}  ${dim(`rollcall diff ${runBefore} ${group.firstBadRun}`)}`]),
    ...(messages.length > 1
      ? [
          '',
          dim('messages'),
          ...messages
            .slice(0, 5)
            .map(
              ({ message, occurrences }) =>
                `${INDENT}${`${occurrences}×`.padStart(5)}  ${oneLine(message, width - 9)}`,
            ),
        ]
      : []),
    ...(listed.length > 0
      ? [
          '',
          drawTable(
            ['client', 'times', 'runs', 'first bad', 'last bad', 'latest run'],
            listed.map((client) => [
              oneLine(client.clientId, Math.max(12, width - 62)),
              drawNumber(client.occurrences),
              drawNumber(client.runs),
              client.firstRunId,
              client.lastRunId,
              client.latestVerdict === null ? '' : drawVerdict(client.latestVerdict),
            ]),
            { align: ['left', 'right', 'right', 'left', 'left', 'left'] },
          ),
          ...(clients.length > listed.length
            ? [dim(` and ${plural(clients.length - listed.length, 'client')} more; --json names them all`)]
            : []),
        ]
      : []),
    '',
    drawTable(
      ['run', 'times', 'clients', 'verdict'],
      runs
        .slice(0, 10)
        .map((run) => [
          run.runId,
          drawNumber(run.occurrences),
          drawNumber(run.clients),
          run.verdict === null ? '' : drawVerdict(run.verdict),
        ]),
      { align: ['left', 'right', 'right', 'left'] },
    ),
    '',
    ...drawStack(stacktrace),
    dim(`What to run again: rollcall rerun-list ${group.lastBadRun}`),
  ].join('\n');
}

/** Frames of libraries step back. */
function drawStack(stacktrace: string): string[] {
  if (stacktrace.trim() === '') return [dim('No stack was sent with it.'), ''];
  const lines = stacktrace.split('\n').map((line) => line.trimEnd());
  const shown = lines.slice(0, STACK_LINES).map((line) => {
    const text = `${INDENT}${/^\s*/.exec(line)?.[0] ?? ''}${oneLine(line)}`;
    return /node_modules|\bnode:|site-packages|<anonymous>/.test(line) ? dim(text) : text;
  });
  const rest = lines.length - shown.length;
  return [
    dim('stack, of the latest'),
    ...shown,
    ...(rest > 0 ? [dim(`${INDENT}${plural(rest, 'line')} more; --json has them`)] : []),
    '',
  ];
}
