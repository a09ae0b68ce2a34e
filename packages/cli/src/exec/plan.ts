/** Reads the options of `rollcall exec`. */

import { basename } from 'node:path';
import type { JobOptions } from '@rollcall/sdk';
import { checkClientId, isValidRunId, toIdentityText } from '@rollcall/semconv';
import { UsageError } from '../print/failure.ts';
import type { GlobalOptions } from '../reader/reader.ts';
import { readDuration } from './duration.ts';

/** The options as they were typed. */
export interface ExecOptions extends GlobalOptions {
  readonly job?: string;
  readonly client?: string;
  readonly expect?: string;
  readonly timeout?: string;
  readonly grace: string;
  readonly retries: string;
  readonly retryDelay: string;
  readonly runId?: string;
  readonly quietLines?: boolean;
  readonly capture: boolean;
  readonly schedule?: string;
  readonly tz?: string;
  readonly every?: string;
  readonly lateAfter?: string;
  readonly maxRuntime?: string;
}

/** What is to be done. */
export interface ExecPlan {
  readonly command: readonly string[];
  /** The command's own name, for people: `python3`. */
  readonly program: string;
  readonly job: string;
  readonly client: string | undefined;
  readonly rosterFile: string | undefined;
  readonly runId: string | undefined;
  readonly timeoutMs: number | undefined;
  readonly graceMs: number;
  readonly retries: number;
  readonly retryDelayMs: number;
  readonly isQuiet: boolean;
  readonly isCapturing: boolean;
  /** What the job is to say of its schedule. */
  readonly declared: Pick<JobOptions, 'schedule' | 'lateAfterMs' | 'maxRuntimeMs'>;
}

/** As for timeout(1) and its like: `rollcall exec` itself could not do what it was told. */
const EXEC_FAILED = 125;
const MOST_RETRIES = 100;

/** @throws UsageError with exit code 125 */
export function readPlan(command: readonly string[], options: ExecOptions, env: NodeJS.ProcessEnv): ExecPlan {
  const { job = env['ROLLCALL_JOB_NAME'] ?? '', client, retries } = options;
  const runId: string | undefined = options.runId;
  if (command[0] === undefined || command[0] === '')
    throw refuse("There is no command; put it behind '--': rollcall exec --job NAME -- COMMAND");
  if (toIdentityText(job) === '') throw refuse('A job needs a name: rollcall exec --job NAME -- COMMAND');
  if (client !== undefined) {
    const check = checkClientId(client);
    if (check.status !== 'ok') throw refuse(`Unusable --client: ${check.reason}`);
  }
  if (!isRunId(runId))
    throw refuse(`Unusable --run-id '${runId}'; use YYMMDD-HHMMSS, such as 'rollcall id new' prints.`);
  if (!/^\d{1,3}$/.test(retries) || Number(retries) > MOST_RETRIES)
    throw refuse(`Unusable --retries '${retries}'; use a number from 0 to ${MOST_RETRIES}.`);
  const duration = (name: string, text: string): number => readDuration(name, text, EXEC_FAILED);
  return {
    command,
    program: basename(command[0]),
    job,
    client,
    rosterFile: options.expect,
    runId,
    timeoutMs: options.timeout === undefined ? undefined : nonZero(duration('--timeout', options.timeout)),
    graceMs: duration('--grace', options.grace),
    retries: Number(retries),
    retryDelayMs: duration('--retry-delay', options.retryDelay),
    isQuiet: options.quietLines ?? false,
    isCapturing: options.capture,
    declared: readDeclared(options, duration),
  };
}

/** `--schedule none` takes a schedule away. */
function readDeclared(
  { schedule, tz, every, lateAfter, maxRuntime }: ExecOptions,
  duration: (name: string, text: string) => number,
): ExecPlan['declared'] {
  if (schedule !== undefined && every !== undefined)
    throw refuse('A job has --schedule or --every, not both.');
  if (tz !== undefined && schedule === undefined)
    throw refuse('--tz says where the times of --schedule are; give that too.');
  const cron =
    schedule === undefined
      ? {}
      : {
          schedule:
            schedule.trim() === 'none'
              ? null
              : { cron: schedule, ...(tz === undefined ? {} : { timeZone: tz }) },
        };
  return {
    ...cron,
    ...(every === undefined ? {} : { schedule: { everyMs: duration('--every', every) } }),
    ...(lateAfter === undefined ? {} : { lateAfterMs: duration('--late-after', lateAfter) }),
    ...(maxRuntime === undefined ? {} : { maxRuntimeMs: duration('--max-runtime', maxRuntime) }),
  };
}

function isRunId(text: string | undefined): boolean {
  return text === undefined || isValidRunId(text);
}

/** As for timeout(1), 0 is no timeout. */
function nonZero(ms: number): number | undefined {
  return ms === 0 ? undefined : ms;
}

function refuse(message: string): UsageError {
  return new UsageError(message, { exitCode: EXEC_FAILED });
}
