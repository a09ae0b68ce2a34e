/** Makes each job that a pg-boss worker handles a job run, or a part of the run that sent it. */
import { runIn, type Carrier } from '../../run/handed-run.ts';
import type { Schedule } from '../../run/handles.ts';
import {
  ExecutionInstrumentation,
  type ExecutionConfig,
  type Patchable,
} from '../execution-instrumentation.ts';
import {
  carrierOfCaller,
  cronSchedule,
  declareSchedule,
  runExecution,
  takeCarrier,
  withCarrier,
  type Execution,
} from '../execution.ts';
import { trace } from '@opentelemetry/api';
import { safely, sdkLog } from '../../faults.ts';

/** A pg-boss job, as far as hooks and this instrumentation look at it. Before it is sent it has no more than name and data. */
export interface PgBossJob {
  /** Name of the queue. */
  name: string;
  data: unknown;
  id?: string | undefined;
}

interface ActiveJob extends PgBossJob {
  id: string;
  retryCount?: number;
  createdOn?: Date;
  startAfter?: Date;
  startedOn?: Date;
}

interface Boss {
  getSchedules(name: string): Promise<{ cron: string; timezone: string; lastJobId?: string | null }[]>;
}

type Handler = (jobs: ActiveJob[], ...rest: unknown[]) => unknown;

interface Request {
  name: string;
  data?: unknown;
}

const RECURRENCE_RULE = /^\s*(?:RRULE|DTSTART|FREQ)/i;
/** A queue without a schedule is not asked about again for so long. */
const SCHEDULES_REST_MS = 60_000;

/** For pg-boss 11 and 12. */
export class PgBossInstrumentation extends ExecutionInstrumentation<PgBossJob> {
  constructor(config: ExecutionConfig<PgBossJob> = {}) {
    super('pg-boss', config);
  }

  protected init() {
    return this.module('pg-boss', ['>=11 <13'], (moduleExports) => this.instrument(moduleExports));
  }

  instrument(moduleExports: unknown): void {
    const { PgBoss, default: main } = moduleExports as Record<string, { prototype?: Patchable } | undefined>;
    const boss = (PgBoss ?? main)?.prototype;
    const track = (given: Boss, handler: Handler) => this.track(given, handler);
    this.wrap(boss, 'work', (original) => {
      return async function work(this: Boss, name: string, ...rest: unknown[]) {
        const handler = rest.pop();
        if (typeof handler !== 'function') return original.call(this, name, ...rest, handler) as unknown;
        // When a job was due, only its metadata says.
        const options = { ...(rest[0] as object | undefined), includeMetadata: true };
        return original.call(this, name, options, track(this, handler as Handler)) as unknown;
      };
    });
    // pg-boss counts its arguments, so they are handed on as they came.
    const carry = (args: unknown[]) => {
      const [first, data, ...rest] = args as [string | Request, unknown];
      if (typeof first === 'object' && first !== null) {
        return [{ ...first, data: this.carry(first.name, first.data) }, ...args.slice(1)];
      }
      const carried = this.carry(first, data);
      return carried === data ? args : [first, carried, ...rest];
    };
    for (const method of ['send', 'sendAfter', 'sendThrottled', 'sendDebounced']) {
      this.wrap(boss, method, (original) => {
        return async function send(this: unknown, ...args: unknown[]) {
          return original.apply(this, carry(args)) as unknown;
        };
      });
    }
    const declare = (name: string, data: unknown, schedule: Schedule | null) => {
      const work = { name, data };
      if (!this.isSkipped(work)) declareSchedule(this.jobNameOf(work, name), schedule);
    };
    this.wrap(boss, 'schedule', (original) => {
      return async function schedule(this: unknown, ...args: unknown[]) {
        const [name, cron, data, options] = args as [string, string, unknown, { tz?: string } | undefined];
        // Rollcall knows cron expressions; pg-boss recurrence rules as well.
        if (!RECURRENCE_RULE.test(cron)) declare(name, data, cronSchedule(cron, options?.tz));
        return original.apply(this, args) as unknown;
      };
    });
    this.wrap(boss, 'unschedule', (original) => {
      return async function unschedule(this: unknown, ...args: unknown[]) {
        const [name, key] = args as [string, string | undefined];
        // Of several schedules of a queue the others stay.
        if (key === undefined) declare(name, undefined, null);
        return original.apply(this, args) as unknown;
      };
    });
    const carryAll = (name: string, jobs: unknown) =>
      Array.isArray(jobs)
        ? jobs.map((job: { data?: unknown }) => ({ ...job, data: this.carry(name, job.data) }))
        : jobs;
    this.wrap(boss, 'insert', (original) => {
      return async function insert(this: unknown, name: string, jobs: unknown, ...rest: unknown[]) {
        return original.call(this, name, carryAll(name, jobs), ...rest) as unknown;
      };
    });
  }

  private carry(name: string, data: unknown): unknown {
    const work = { name, data };
    return this.isSkipped(work) ? data : withCarrier(data, carrierOfCaller(this.clientIdOf(work)));
  }

  private track(boss: Boss, handler: Handler): Handler {
    const schedules = new Schedules(boss);
    return async (jobs, ...rest) => {
      const carriers = Array.isArray(jobs) ? jobs.map(({ data }) => takeCarrier(data)) : [];
      const [job] = Array.isArray(jobs) ? jobs : [];
      if (job === undefined || this.isSkipped(job)) return handler(jobs, ...rest);
      if (jobs.length > 1) {
        return this.runBatch(jobs, job, carriers, async () => handler(jobs, ...rest));
      }
      const schedule = await schedules.of(job);
      return runExecution(this.executionOf(job, carriers[0], schedule), () => handler(jobs, ...rest));
    };
  }

  /** A batch is one call for many jobs, which pg-boss puts together anew at each retry: one run, without attempts. */
  private async runBatch(
    jobs: ActiveJob[],
    first: ActiveJob,
    carriers: (Carrier | undefined)[],
    handle: () => Promise<unknown>,
  ): Promise<unknown> {
    const jobName = this.jobNameOf(first, first.name);
    const clientIds = new Set(jobs.map((job) => this.clientIdOf(job)).filter((id) => id !== undefined));
    const carrier = sharedCarrier(carriers);
    return runExecution({ jobName, trigger: 'queue', delayMs: delayOf(first), carrier }, async (run) => {
      safely('describe a batch', () =>
        trace.getActiveSpan()?.setAttributes({
          'messaging.system': 'pg-boss',
          'messaging.destination.name': first.name,
          'messaging.batch.message_count': jobs.length,
        }),
      );
      const handling = handle();
      // pg-boss completes or fails all jobs of a batch together, so what becomes of it becomes of each client.
      await Promise.allSettled(
        Array.from(clientIds, async (clientId) => run.client(clientId, () => handling)),
      );
      return handling;
    });
  }

  private executionOf(
    job: ActiveJob,
    carrier: Carrier | undefined,
    schedule: Execution['schedule'],
  ): Execution {
    return {
      jobName: this.jobNameOf(job, job.name),
      clientId: this.clientIdOf(job),
      carrier,
      trigger: schedule === undefined ? 'queue' : 'schedule',
      schedule,
      delayMs: delayOf(job),
      queue: {
        system: 'pg-boss',
        name: job.name,
        jobId: job.id,
        attempt: (job.retryCount ?? 0) + 1,
        externalId: `pg-boss:${job.name}:${job.id}`,
      },
    };
  }
}

/** The run that asked for all of a batch, if it is one. */
function sharedCarrier([first, ...others]: (Carrier | undefined)[]): Carrier | undefined {
  const runOf = (carrier: Carrier | undefined) => {
    const identity = carrier === undefined ? undefined : runIn(carrier)?.identity;
    return identity === undefined ? undefined : `${identity.runId} ${identity.origin}`;
  };
  const run = runOf(first);
  return run !== undefined && others.every((other) => runOf(other) === run) ? first : undefined;
}

/** Since it was due: its first time, or its retry. */
function delayOf({ createdOn, startAfter, startedOn }: ActiveJob): number | undefined {
  if (startedOn === undefined) return undefined;
  return startedOn.getTime() - Math.max(createdOn?.getTime() ?? 0, startAfter?.getTime() ?? 0);
}

/** Finds out whether a job came of a schedule of its queue; pg-boss notes with the schedule which job it made last. */
class Schedules {
  readonly #boss: Boss;
  #noneUntilMs = 0;

  constructor(boss: Boss) {
    this.#boss = boss;
  }

  async of({ name, id }: ActiveJob): Promise<Execution['schedule']> {
    if (performance.now() < this.#noneUntilMs) return undefined;
    try {
      const schedules = await this.#boss.getSchedules(name);
      if (schedules.length === 0) this.#noneUntilMs = performance.now() + SCHEDULES_REST_MS;
      const found = schedules.find(({ lastJobId }) => lastJobId === id);
      return found === undefined || RECURRENCE_RULE.test(found.cron)
        ? undefined
        : cronSchedule(found.cron, found.timezone);
    } catch (fault) {
      sdkLog.warn(`The schedules of ${name} are not known`, fault);
      return undefined;
    }
  }
}
