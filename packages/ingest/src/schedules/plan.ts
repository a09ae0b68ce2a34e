/** Makes of what is known of a job the schedule in force, and the times at which it is due. */

import type { LearntSchedule } from './learn-schedule.ts';
import { checkSchedule, dueTimes, type Schedule } from './schedule.ts';

/** The latest that a job, or somebody for it, has said of its schedule. Times are milliseconds since 1970. */
export interface Declaration {
  readonly at: number;
  /** Empty where only limits were declared. */
  readonly kind: 'cron' | 'interval' | 'none' | '';
  readonly cron: string;
  readonly timeZone: string;
  readonly everyMs: number;
  /** 0 where it was not given; so for `maxRuntimeMs`. */
  readonly lateAfterMs: number;
  readonly maxRuntimeMs: number;
}

/** What is known of a job. */
export interface JobFacts {
  readonly project: string;
  readonly job: string;
  readonly declaration: Declaration | undefined;
  readonly learnt: LearntSchedule | undefined;
  readonly lastStart: number | undefined;
}

export interface Plan {
  readonly source: 'declared' | 'learnt' | 'none';
  readonly schedule: Schedule | undefined;
  /** In words. */
  readonly expression: string;
  /** Why nothing can be worked out; empty where it can. */
  readonly problem: string;
  readonly lateAfterMs: number;
  readonly maxRuntimeMs: number;
  /** The start that an interval counts from. */
  readonly anchor: number | undefined;
  /** From when on it is in force. */
  readonly since: number;
}

export interface Due {
  readonly dueAt: number;
  /** A start from here on is the one that was due. */
  readonly earliestAt: number;
  readonly overdueAt: number;
}

const DEFAULT_LATE_AFTER_MS = 5 * 60_000;
const MOST_EARLY_MS = 60_000;

export function makePlan({ declaration, learnt, lastStart }: JobFacts): Plan {
  const { lateAfterMs = 0, maxRuntimeMs = 0, at: since = 0 } = declaration ?? {};
  const common = { maxRuntimeMs, since };
  const schedule = declaration === undefined ? undefined : declaredSchedule(declaration);
  if (schedule !== undefined) {
    const check = checkSchedule(schedule);
    const isSound = check.status === 'ok';
    return {
      ...common,
      source: 'declared',
      schedule: isSound ? schedule : undefined,
      expression: describeSchedule(schedule),
      problem: isSound ? '' : check.reason,
      lateAfterMs: lateAfterMs === 0 ? DEFAULT_LATE_AFTER_MS : lateAfterMs,
      // A schedule that is declared anew counts from there, not from a start long ago.
      anchor: schedule.kind === 'interval' ? Math.max(lastStart ?? 0, since) : undefined,
    };
  }
  if (declaration?.kind !== 'none' && learnt !== undefined && lastStart !== undefined) {
    const interval: Schedule = { kind: 'interval', everyMs: learnt.everyMs };
    return {
      ...common,
      source: 'learnt',
      schedule: interval,
      expression: describeSchedule(interval),
      problem: '',
      lateAfterMs: lateAfterMs === 0 ? learnt.lateAfterMs : lateAfterMs,
      anchor: lastStart,
    };
  }
  return {
    ...common,
    source: 'none',
    schedule: undefined,
    expression: '',
    problem: '',
    lateAfterMs,
    anchor: undefined,
  };
}

/** The runs that are due after one time and up to another, and the next one at least. */
export function duesOf(
  plan: Plan,
  { after, until, most }: { after: number; until: number; most: number },
): Due[] {
  const { schedule, anchor, lateAfterMs } = plan;
  if (schedule === undefined) return [];
  // One more, so that the distance to the next is known of each.
  const times = dueTimes(schedule, { after, until: Number.POSITIVE_INFINITY, most: most + 1, anchor });
  return times
    .map((dueAt, index) => {
      const gap = (times[index + 1] ?? dueAt + 2 * MOST_EARLY_MS) - dueAt;
      // What counts from the last start may come at any time after it.
      const early = schedule.kind === 'interval' ? schedule.everyMs / 2 : Math.min(MOST_EARLY_MS, gap / 2);
      return { dueAt, earliestAt: dueAt - Math.floor(early), overdueAt: dueAt + lateAfterMs };
    })
    .slice(0, most)
    .filter(({ dueAt }, index) => index === 0 || dueAt <= until);
}

/** `every 15 min`, `0 2 * * * (Europe/Berlin)`. */
function describeSchedule(schedule: Schedule): string {
  if (schedule.kind === 'cron') return `${schedule.cron} (${schedule.timeZone})`;
  for (const [unit, sizeMs] of UNITS) {
    if (schedule.everyMs % sizeMs === 0) return `every ${schedule.everyMs / sizeMs} ${unit}`;
  }
  return `every ${schedule.everyMs} ms`;
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const;

function declaredSchedule({ kind, cron, timeZone, everyMs }: Declaration): Schedule | undefined {
  if (kind === 'cron') return { kind, cron, timeZone: timeZone === '' ? 'UTC' : timeZone };
  return kind === 'interval' ? { kind, everyMs } : undefined;
}
