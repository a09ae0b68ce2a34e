/** Runs what a scheduler or a queue starts: as a job run of its own, or as a part of the run that asked for it. */
import { trace, type Attributes } from '@opentelemetry/api';
import { ATTR, toIdentityText } from '@rollcall/semconv';
import { safely } from '../faults.ts';
import { injectRun, runIn, type Carrier } from '../run/handed-run.ts';
import type { Run, Schedule } from '../run/handles.ts';
import { scopeOf } from '../run/scope.ts';
import { job, joinRun, startRollcall } from '../start.ts';

/** Why a run began. */
type Trigger = 'schedule' | 'manual' | 'queue';

/** One execution of a scheduled function or of a queue's job, as an instrumentation sees it. */
export interface Execution {
  jobName: string;
  trigger: Trigger;
  schedule?: Schedule | undefined;
  /** How long after it was due it begins. */
  delayMs?: number | undefined;
  queue?: QueuedJob | undefined;
  /** The client that it is done for. */
  clientId?: string | undefined;
  /** The run that asked for it. */
  carrier?: Carrier | undefined;
  /** Aborting it cancels the run. */
  signal?: AbortSignal | undefined;
  /** Whether an error only says that the job was put back into the queue. */
  isPostponed?: (error: unknown) => boolean;
}

interface QueuedJob {
  /** `bullmq`, `pg-boss`, … */
  system: string;
  name: string;
  jobId: string;
  /** The n-th try; the first is 1. */
  attempt: number;
  /** Names the job for good, beyond this queue and its retries. */
  externalId: string;
}

/** The worker goes on to the next job, and its process does not end. */
const WITHOUT_WAITING = { waitForDelivery: false };

/** Returns what `work` returns and throws what it throws. */
export async function runExecution<T>(
  execution: Execution,
  work: (run: Run) => T | PromiseLike<T>,
): Promise<T> {
  const { carrier } = execution;
  // A worker that was set up inside a run still handles jobs of others.
  if (carrier !== undefined && runIn(carrier) !== undefined) return joinExecution(execution, carrier, work);
  return ownExecution(execution, work);
}

async function joinExecution<T>(
  execution: Execution,
  carrier: Carrier,
  work: (run: Run) => T | PromiseLike<T>,
): Promise<T> {
  const { clientId, queue, signal } = execution;
  const options = { ...WITHOUT_WAITING, ...(signal === undefined ? {} : { signal }) };
  return joinRun(
    async (run) => {
      if (clientId === undefined) return describing(execution, async () => work(run));
      return run.client(clientId, async () => describing(execution, async () => work(run)), attemptOf(queue));
    },
    { headers: carrier },
    options,
  );
}

async function ownExecution<T>(execution: Execution, work: (run: Run) => T | PromiseLike<T>): Promise<T> {
  const { jobName, clientId, queue, schedule, signal, isPostponed } = execution;
  let postponed: { error: unknown } | undefined;
  const guarded = async (run: Run): Promise<T | undefined> => {
    try {
      return await work(run);
    } catch (error) {
      if (isPostponed?.(error) !== true) throw error;
      run.skip('put back into the queue');
      postponed = { error };
      return undefined;
    }
  };
  const result = await job(
    toIdentityText(jobName),
    async (run) => {
      if (clientId === undefined) return guarded(run);
      run.expectClients([clientId]);
      return run.client(clientId, async () => guarded(run), attemptOf(queue));
    },
    {
      attributes: describe(execution),
      ...(schedule === undefined ? {} : { schedule }),
      ...WITHOUT_WAITING,
      ...attemptOf(queue),
      ...(queue === undefined ? {} : { externalId: queue.externalId }),
      ...(signal === undefined ? {} : { signal }),
    },
  );
  // Only the run sees this as no failure; the queue's library waits for its own error.
  if (postponed !== undefined) throw postponed.error;
  return result as T;
}

/** What the span of a job run says by itself, the span of a part of a run must be told. */
async function describing<T>(execution: Execution, work: () => Promise<T>): Promise<T> {
  safely('describe an execution', () => trace.getActiveSpan()?.setAttributes(describe(execution)));
  return work();
}

function attemptOf(queue: QueuedJob | undefined): { attempt?: number } {
  return queue === undefined ? {} : { attempt: queue.attempt };
}

function describe({ trigger, delayMs, queue }: Execution): Attributes {
  const attributes: Attributes = { [ATTR.TRIGGER]: trigger };
  if (delayMs !== undefined && Number.isFinite(delayMs)) {
    attributes[ATTR.QUEUE_DELAY_MS] = Math.max(0, Math.round(delayMs));
  }
  if (queue !== undefined) {
    attributes['messaging.system'] = queue.system;
    attributes['messaging.destination.name'] = queue.name;
    attributes['messaging.message.id'] = queue.jobId;
    attributes['messaging.operation.type'] = 'process';
  }
  return attributes;
}

/**
 * What a queue's job takes along so that its worker joins the run around the caller. Undefined outside any run.
 * A client that the job is for is expected from now on: should no worker ever take the job, that shows.
 */
export function carrierOfCaller(clientId: string | undefined): Carrier | undefined {
  const scope = scopeOf();
  if (scope === undefined) return undefined;
  if (clientId !== undefined) scope.run.expectClients([clientId]);
  return injectRun({}, clientId === undefined ? undefined : scope.run);
}

/** The key under which a queue's job carries the run, where its library has no place for such things. */
const CARRIER_KEY = '_rollcall';

/** Puts the carrier into a job's data. Data that is no plain object is left as it is. */
export function withCarrier(data: unknown, carrier: Carrier | undefined): unknown {
  if (carrier === undefined || !isPlain(data ?? {})) return data;
  return { ...(data as object), [CARRIER_KEY]: carrier };
}

/** Takes the carrier out of a job's data, so that the job's own code sees what was sent to it. */
export function takeCarrier(data: unknown): Carrier | undefined {
  if (!isPlain(data)) return undefined;
  const carrier = data[CARRIER_KEY];
  delete data[CARRIER_KEY];
  return isPlain(carrier) ? (carrier as Carrier) : undefined;
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Until then an application has set up its own OpenTelemetry, and whatever runs tells its schedule itself. */
const DECLARE_AFTER_MS = 1_000;

/** Says when a job is due, so that it is missed even if it never runs. `null`: no longer. */
export function declareSchedule(jobName: string, schedule: Schedule | null | undefined): void {
  if (schedule === undefined) return;
  const declare = () => startRollcall().declareSchedule(toIdentityText(jobName), schedule);
  setTimeout(() => safely('declare a schedule', declare), DECLARE_AFTER_MS).unref();
}

/** A cron expression with the time zone, where there is one. */
export function cronSchedule(cron: string, timeZone: string | undefined): Schedule {
  return timeZone === undefined ? { cron } : { cron, timeZone };
}

/** In-process schedulers read an expression in the machine's time zone unless told otherwise; Rollcall in UTC. */
export function zoneOf(timeZone: string | undefined): string {
  const isLocal = timeZone === undefined || timeZone === 'local' || timeZone === 'system';
  return isLocal ? Intl.DateTimeFormat().resolvedOptions().timeZone : timeZone;
}
