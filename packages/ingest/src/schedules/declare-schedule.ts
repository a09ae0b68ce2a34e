/** Takes the schedule of a job from outside any run: for jobs that can not declare it themselves. */

import { setTimeout as sleep } from 'node:timers/promises';
import { ATTR, EVENT, isIdentityText, SCHEDULE_KIND } from '@rollcall/semconv';
import type { SpoolBlock } from '../spool/spool.ts';
import { evidenceOf } from '../tracking/evidence.ts';
import { TrackingError } from '../tracking/tracking-error.ts';
import { checkSchedule, type Schedule } from './schedule.ts';

/** What the API takes; `schedule: null` takes a schedule away. */
interface GivenSchedule {
  readonly schedule: { cron: string; timeZone?: string | undefined } | { everyMs: number } | null;
  readonly lateAfterMs?: number | undefined;
  readonly maxRuntimeMs?: number | undefined;
}

export interface DeclareOptions {
  /** Resolves when the rows are on disk; `inserted` does when they are in ClickHouse. */
  readonly persist: (blocks: readonly SpoolBlock[]) => Promise<{ readonly inserted: Promise<unknown> }>;
  /** Works out anew what is due. */
  readonly replan: () => Promise<void>;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}

const PATIENCE_MS = 10_000;

export type DeclareSchedule = (project: string, job: string, given: GivenSchedule) => Promise<void>;

/** The function it makes throws a TrackingError `invalid_request` or `invalid_schedule`. */
export function createDeclareSchedule({ persist, replan, clock }: DeclareOptions): DeclareSchedule {
  return async (project, job, given) => {
    if (!isIdentityText(job))
      throw new TrackingError('invalid_request', 'A job has 1 to 128 printable characters.');
    const schedule = toSchedule(given.schedule);
    const check = schedule === undefined ? { status: 'ok' as const } : checkSchedule(schedule);
    if (check.status === 'invalid') throw new TrackingError('invalid_schedule', check.reason);
    const nowMs = clock();
    const fact = {
      event: EVENT.JOB_SCHEDULED,
      atNs: BigInt(nowMs) * 1_000_000n,
      attributes: attributesOf(schedule, given),
    };
    const blocks = evidenceOf({ project, job, runId: '', origin: '' }, { events: [fact] }, nowMs);
    const { inserted } = await persist(blocks);
    const outcome = await Promise.race([inserted, sleep(PATIENCE_MS, 'late' as const, { ref: false })]);
    if (outcome === 'late')
      throw new TrackingError(
        'busy',
        'It is kept on disk, but ClickHouse does not take it at present. Ask again in a while.',
      );
    await replan();
  };
}

function toSchedule(given: GivenSchedule['schedule']): Schedule | undefined {
  if (given === null) return undefined;
  return 'cron' in given
    ? { kind: 'cron', cron: given.cron.trim(), timeZone: given.timeZone ?? 'UTC' }
    : { kind: 'interval', everyMs: given.everyMs };
}

function attributesOf(
  schedule: Schedule | undefined,
  { lateAfterMs, maxRuntimeMs }: GivenSchedule,
): Record<string, string> {
  const when =
    schedule === undefined
      ? { [ATTR.SCHEDULE_KIND]: SCHEDULE_KIND.NONE }
      : schedule.kind === 'cron'
        ? {
            [ATTR.SCHEDULE_KIND]: SCHEDULE_KIND.CRON,
            [ATTR.SCHEDULE_CRON]: schedule.cron,
            [ATTR.SCHEDULE_TIME_ZONE]: schedule.timeZone,
          }
        : {
            [ATTR.SCHEDULE_KIND]: SCHEDULE_KIND.INTERVAL,
            [ATTR.SCHEDULE_EVERY_MS]: String(schedule.everyMs),
          };
  return {
    ...when,
    ...(lateAfterMs === undefined ? {} : { [ATTR.SCHEDULE_LATE_AFTER_MS]: String(lateAfterMs) }),
    ...(maxRuntimeMs === undefined ? {} : { [ATTR.SCHEDULE_MAX_RUNTIME_MS]: String(maxRuntimeMs) }),
  };
}
