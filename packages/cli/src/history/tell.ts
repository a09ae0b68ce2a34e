/** Says in sentences where the history of a job changed. */

import type { Verdict } from '@rollcall/semconv';
import { describeChange } from '../diff/explain.ts';
import { oneLine } from '../print/line.ts';
import { drawDuration, drawNumber, plural } from '../print/numbers.ts';
import { findSteps, findTrend, usualBand, type Band, type Point, type Step, type Trend } from './changes.ts';
import type { History, HistoryRun, Streak } from './read-history.ts';

/** A run beside what was usual before it. */
export interface ToldRun extends HistoryRun {
  readonly usual: Band | null;
  /** Of its duration. */
  readonly isOdd: 'longer' | 'shorter' | null;
  /** Whether a change begins here. */
  readonly isTurn: boolean;
}

/** What changed, and the sentence that says so. */
export interface Told {
  readonly weight: 'bad' | 'notable';
  /** `duration`, `total <name>`, `client <id>` or `job`. */
  readonly subject: string;
  readonly sinceRunId: string;
  readonly text: string;
  readonly change: Step | Trend | Streak | JobStreak;
}

interface JobStreak {
  readonly kind: 'job_not_ok';
  readonly verdict: Verdict;
  readonly runs: number;
}

const CAME_TO_ITS_END: ReadonlySet<Verdict> = new Set(['completed', 'completed_with_errors']);
const WENT_WRONG: ReadonlySet<Verdict> = new Set([
  'failed',
  'timed_out',
  'cancelled',
  'lost',
  'never_started',
]);

export function tellHistory(history: History): { runs: ToldRun[]; changes: Told[] } {
  const ended = history.runs.filter(
    ({ verdict, durationMs }) => CAME_TO_ITS_END.has(verdict) && durationMs !== null,
  );
  const durations = ended.map(({ runId, durationMs }): Point => ({ runId, value: durationMs ?? 0 }));
  const changes = [
    ...tellJob(history),
    ...history.streaks.map(tellStreak),
    ...tellNumber('duration', durations, drawDuration, history.runs),
    ...metricNames(history.runs).flatMap((name) => {
      const points = ended.flatMap(({ runId, totals }): Point[] => {
        const value = totals[name];
        return value === undefined ? [] : [{ runId, value }];
      });
      return tellNumber(`total ${name}`, points, drawNumber, history.runs);
    }),
  ];
  const turns = new Set(changes.map(({ sinceRunId }) => sinceRunId));
  const runs = history.runs.map((run, index): ToldRun => {
    const before = history.runs
      .slice(0, index)
      .flatMap(({ verdict, durationMs }) =>
        CAME_TO_ITS_END.has(verdict) && durationMs !== null ? [durationMs] : [],
      );
    const usual = usualBand(before);
    return { ...run, usual, isOdd: oddness(run.durationMs, usual), isTurn: turns.has(run.runId) };
  });
  return { runs, changes };
}

/** Every metric that a run of these reported. */
export function metricNames(runs: readonly HistoryRun[]): string[] {
  return [...new Set(runs.flatMap(({ totals }) => Object.keys(totals)))].toSorted((a, b) => (a < b ? -1 : 1));
}

function oddness(durationMs: number | null, usual: Band | null): ToldRun['isOdd'] {
  if (durationMs === null || usual === null) return null;
  if (durationMs > usual.high) return 'longer';
  return durationMs < usual.low ? 'shorter' : null;
}

const FAILS: Partial<Record<Verdict, string>> = {
  failed: 'fails',
  timed_out: 'times out',
  cancelled: 'is cancelled',
  lost: 'is lost',
  never_started: 'never starts',
};

function tellStreak(streak: Streak): Told {
  const name = oneLine(streak.clientId, 40);
  const day = streak.since?.slice(0, 10) ?? streak.sinceRunId;
  const inARow = `(${plural(streak.runs, 'run')}${streak.kind === 'missing' ? '' : ' in a row'})`;
  const what = streak.kind === 'missing' ? 'is missing' : (FAILS[streak.verdict] ?? 'fails');
  const why = streak.kind === 'missing' || streak.errorType === '' ? '' : `: ${streak.errorType}`;
  const text = streak.isAll
    ? `client ${name} ${what} in each of its ${plural(streak.runs, 'run')}${why}`
    : `client ${name} ${what} since ${day} ${inARow}${why}`;
  return {
    weight: 'bad',
    subject: `client ${streak.clientId}`,
    sinceRunId: streak.sinceRunId,
    text,
    change: streak,
  };
}

/** The job itself, or the one client that was asked for: its own streak is among those of clients. */
function tellJob({ client, job, runs }: History): Told[] {
  if (client !== null) return [];
  const ended = runs.filter(({ verdict }) => verdict !== 'running');
  const lastWell = ended.findLastIndex(({ verdict }) => !WENT_WRONG.has(verdict));
  const bad = ended.slice(lastWell + 1);
  const [first] = bad;
  const latest = bad.at(-1);
  if (first === undefined || latest === undefined || bad.length < 2) return [];
  return [
    {
      weight: 'bad',
      subject: 'job',
      sinceRunId: first.runId,
      text: `${job} ${FAILS[latest.verdict] ?? 'fails'} since ${dayOf(first)} (${plural(bad.length, 'run')} in a row)`,
      change: { kind: 'job_not_ok', verdict: latest.verdict, runs: bad.length },
    },
  ];
}

function tellNumber(
  subject: string,
  points: readonly Point[],
  draw: (value: number) => string,
  runs: readonly HistoryRun[],
): Told[] {
  const steps = findSteps(points);
  const trend = findTrend(points, steps);
  const dayOfRun = (runId: string): string => {
    const run = runs.find((one) => one.runId === runId);
    return run === undefined ? runId : dayOf(run);
  };
  return [
    ...steps.map((step): Told => ({
      weight: 'notable',
      subject,
      sinceRunId: step.runId,
      text: `${oneLine(subject, 48)} ${describeChange(step.old, step.new)} on ${dayOfRun(step.runId)} (${draw(step.old)} → ${draw(step.new)})`,
      change: step,
    })),
    ...(trend === null
      ? []
      : [
          {
            weight: 'notable' as const,
            subject,
            sinceRunId: trend.fromRunId,
            text: `${oneLine(subject, 48)} ${trend.perRun > 0 ? 'grows' : 'shrinks'} ${drawPercent(Math.abs(trend.perRun))} a run (over ${plural(trend.runs, 'run')})`,
            change: trend,
          },
        ]),
  ];
}

function dayOf({ started, runId }: HistoryRun): string {
  return started?.slice(0, 10) ?? runId;
}

function drawPercent(part: number): string {
  const percent = part * 100;
  return `${percent < 10 ? Math.round(percent * 10) / 10 : Math.round(percent)} %`;
}
