/** Says what a schedule is, and when its runs are due. */

import { Cron } from 'croner';

/** When the runs of a job are due. Times are milliseconds since 1970. */
export type Schedule =
  | { readonly kind: 'cron'; readonly cron: string; readonly timeZone: string }
  | { readonly kind: 'interval'; readonly everyMs: number };

export type ScheduleCheck = { status: 'ok' } | { status: 'invalid'; reason: string };

const SHORTEST_INTERVAL_MS = 1_000;
const LONGEST_INTERVAL_MS = 366 * 86_400_000;

/**
 * Whether times can be worked out of it.
 * @example
 * checkSchedule({ kind: 'cron', cron: '61 * * * *', timeZone: 'UTC' }).status // => 'invalid'
 */
export function checkSchedule(schedule: Schedule): ScheduleCheck {
  if (schedule.kind === 'interval') {
    const { everyMs } = schedule;
    if (everyMs >= SHORTEST_INTERVAL_MS && everyMs <= LONGEST_INTERVAL_MS) return { status: 'ok' };
    return { status: 'invalid', reason: `An interval is from 1 second to 366 days, not ${everyMs} ms.` };
  }
  try {
    openCron(schedule).nextRun(new Date(0));
    return { status: 'ok' };
  } catch (error) {
    const { cron, timeZone } = schedule;
    return {
      status: 'invalid',
      reason: `'${cron}' in '${timeZone}' is no schedule: ${(error as Error).message.replace(/^Cron\w+: /, '')}`,
    };
  }
}

export interface DueTimesOptions {
  /** Later than this. */
  readonly after: number;
  /** Up to this one; the first that is due is given even where it is later. */
  readonly until: number;
  readonly most: number;
  /** The start that an interval counts from; without one nothing is due. */
  readonly anchor: number | undefined;
}

/**
 * The times at which runs are due, in order. In a night in which the clock is put forward, what falls into the missing hour
 * is due when it ends; in one in which it is put back, a fixed hour is due once, and `*` in every hour that passes.
 */
export function dueTimes(schedule: Schedule, options: DueTimesOptions): number[] {
  return schedule.kind === 'cron' ? cronTimes(schedule, options) : intervalTimes(schedule, options);
}

function cronTimes(schedule: Schedule & { kind: 'cron' }, { after, until, most }: DueTimesOptions): number[] {
  const cron = openCron(schedule);
  const times: number[] = [];
  let from = after;
  while (times.length < most) {
    const next = cron.nextRun(new Date(from))?.getTime();
    // What never comes again (29 February of a year that is over) ends it.
    if (next === undefined || next <= from || (next > until && times.length > 0)) break;
    times.push(next);
    from = next;
  }
  return times;
}

function intervalTimes(
  { everyMs }: Schedule & { kind: 'interval' },
  { after, until, most, anchor }: DueTimesOptions,
): number[] {
  if (anchor === undefined) return [];
  const first = Math.max(1, Math.floor((after - anchor) / everyMs) + 1);
  const times: number[] = [];
  for (let step = first; times.length < most; step++) {
    const next = anchor + step * everyMs;
    if (next > until && times.length > 0) break;
    times.push(next);
  }
  return times;
}

function openCron({ cron, timeZone }: Schedule & { kind: 'cron' }): Cron {
  // The library also takes a date, which is no schedule.
  if (!/^@\w+$|\s/.test(cron.trim())) throw new TypeError('it has five fields, or six with seconds');
  return new Cron(cron.trim(), { timezone: timeZone, paused: true });
}
