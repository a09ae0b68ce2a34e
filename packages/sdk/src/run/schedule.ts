/** Says on the start of a run when its job is due. */
import { ROOT_CONTEXT, type Attributes } from '@opentelemetry/api';
import { ATTR, describeValue, EVENT, SCHEDULE_KIND } from '@rollcall/semconv';
import { now } from '../clock.ts';
import { safely, sdkLog } from '../faults.ts';
import type { Core } from './core.ts';
import type { JobOptions, Schedule } from './handles.ts';
import { nameOfJob } from './job-name.ts';

export interface DescribedSchedule {
  attributes: Attributes;
  /** What was given and can not be meant. */
  problems: { field: string; text: string }[];
}

/**
 * Whether a cron expression is one, ingest finds out, and shows it with the job: the SDK need not know cron.
 * Never throws.
 */
export function describeSchedule(options: JobOptions): DescribedSchedule {
  const described: DescribedSchedule = { attributes: {}, problems: [] };
  safely('read a schedule', () => {
    const { attributes } = described;
    Object.assign(attributes, describeKind(options.schedule, described));
    for (const [field, key] of DURATIONS) {
      const value: unknown = options[field];
      if (value === undefined || value === null) continue;
      if (isDuration(value)) attributes[key] = Math.round(value);
      else
        described.problems.push({
          field,
          text: `${field} is a number of milliseconds above 0, not ${describeValue(value)}`,
        });
    }
  });
  return described;
}

/** Says it of a job that has no run yet, or none any more. */
export function emitSchedule(core: Core, jobName: unknown, schedule: Schedule | null): void {
  const { attributes, problems } = describeSchedule({ schedule });
  for (const { text } of problems) sdkLog.warn(text);
  if (attributes[ATTR.SCHEDULE_KIND] === undefined) return;
  const timestamp = now();
  core.logger.emit({
    eventName: EVENT.JOB_SCHEDULED,
    timestamp,
    observedTimestamp: timestamp,
    // Of no run, whichever the caller is in.
    context: ROOT_CONTEXT,
    attributes: { ...attributes, [ATTR.JOB_NAME]: nameOfJob(jobName) },
  });
}

const DURATIONS = [
  ['lateAfterMs', ATTR.SCHEDULE_LATE_AFTER_MS],
  ['maxRuntimeMs', ATTR.SCHEDULE_MAX_RUNTIME_MS],
] as const;

function describeKind(schedule: unknown, { problems }: DescribedSchedule): Attributes {
  if (schedule === undefined) return {};
  if (schedule === null) return { [ATTR.SCHEDULE_KIND]: SCHEDULE_KIND.NONE };
  const { cron, timeZone, everyMs } = schedule as Record<string, unknown>;
  if (isDuration(everyMs) && cron === undefined) {
    return { [ATTR.SCHEDULE_KIND]: SCHEDULE_KIND.INTERVAL, [ATTR.SCHEDULE_EVERY_MS]: Math.round(everyMs) };
  }
  if (
    typeof cron === 'string' &&
    cron.trim() !== '' &&
    (timeZone === undefined || typeof timeZone === 'string')
  ) {
    return {
      [ATTR.SCHEDULE_KIND]: SCHEDULE_KIND.CRON,
      [ATTR.SCHEDULE_CRON]: cron.trim().slice(0, 256),
      ...(timeZone === undefined ? {} : { [ATTR.SCHEDULE_TIME_ZONE]: timeZone.trim().slice(0, 64) }),
    };
  }
  problems.push({
    field: 'schedule',
    text: `A schedule is { cron, timeZone } or { everyMs } or null, not ${describeValue(schedule)}`,
  });
  return {};
}

function isDuration(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 1;
}
