/** Makes each job that Graphile Worker handles a job run, or a part of the run that added it. */
import type { Carrier } from '../../run/handed-run.ts';
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
import { CronItems, type CronItem } from './cron-items.ts';

/** A job, as far as hooks and this instrumentation look at it. Before it is added it has no more than task and payload. */
export interface GraphileWorkerJob {
  /** Identifier of the task. */
  task: string;
  payload: unknown;
  id?: string | undefined;
}

interface ActiveJob {
  id: string;
  attempts: number;
  run_at: Date;
  key: string | null;
  payload: unknown;
}

type Task = (payload: unknown, helpers: { job: ActiveJob }) => unknown;

interface JobSpec {
  identifier: string;
  payload?: unknown;
}

const VERSIONS = ['>=0.16 <1'];

/** For Graphile Worker 0.16 to 0.18. */
export class GraphileWorkerInstrumentation extends ExecutionInstrumentation<GraphileWorkerJob> {
  // Not initialised here: the base class patches before the fields of this one exist.
  declare private cronItems: CronItems | undefined;

  constructor(config: ExecutionConfig<GraphileWorkerJob> = {}) {
    super('graphile-worker', config);
  }

  protected init() {
    const file = (name: string) =>
      this.file(`graphile-worker/dist/${name}.js`, VERSIONS, (moduleExports) =>
        this.instrument(moduleExports),
      );
    return this.module('graphile-worker', VERSIONS, undefined, ['worker', 'helpers', 'crontab'].map(file));
  }

  /** Takes the exports of the library's files `worker`, `helpers` and `crontab`; its main module is a façade of them. */
  instrument(moduleExports: unknown): void {
    const owner = moduleExports as Patchable;
    const track = (tasks: Record<string, unknown>) => this.track(tasks);
    this.wrap(owner, 'makeNewWorker', (original) => {
      return function makeNewWorker(shared: unknown, params: { tasks: Record<string, unknown> }) {
        return original(shared, { ...params, tasks: track(params.tasks) }) as unknown;
      };
    });
    const carry = (task: string, payload: unknown) => this.carry(task, payload);
    this.wrap(owner, 'makeAddJob', (original) => {
      return function makeAddJob(...args: unknown[]) {
        const addJob = original(...args) as (task: string, payload: unknown, spec?: unknown) => unknown;
        return (task: string, payload: unknown, spec?: unknown) => addJob(task, carry(task, payload), spec);
      };
    });
    this.wrap(owner, 'makeAddJobs', (original) => {
      return function makeAddJobs(...args: unknown[]) {
        const addJobs = original(...args) as (specs: JobSpec[], ...rest: unknown[]) => unknown;
        return (specs: JobSpec[], ...rest: unknown[]) =>
          addJobs(
            specs.map((spec) => ({ ...spec, payload: carry(spec.identifier, spec.payload) })),
            ...rest,
          );
      };
    });
    this.cronItems ??= new CronItems((task, cron) => {
      const work = { task, payload: undefined };
      if (!this.isSkipped(work)) declareSchedule(this.jobNameOf(work, task), cronSchedule(cron, 'UTC'));
    });
    const { cronItems } = this;
    this.wrap(owner, 'parseCrontab', (original) => {
      return (crontab: string) => cronItems.ofCrontab(crontab, original(crontab) as CronItem[]);
    });
    this.wrap(owner, 'parseCronItems', (original) => {
      return (items: { match: unknown }[]) => cronItems.ofItems(items, original(items) as CronItem[]);
    });
    this.wrap(owner, 'parseCronItem', (original) => {
      return (item: { match: unknown }, ...rest: unknown[]) =>
        cronItems.ofItems([item], [original(item, ...rest) as CronItem])[0];
    });
  }

  private carry(task: string, payload: unknown): unknown {
    const work = { task, payload };
    return this.isSkipped(work) ? payload : withCarrier(payload, carrierOfCaller(this.clientIdOf(work)));
  }

  /** The same tasks, looked up when they are needed: in watch mode they change. */
  private track(tasks: Record<string, unknown>): Record<string, unknown> {
    return new Proxy(tasks, {
      get: (target, name, receiver): unknown => {
        const task: unknown = Reflect.get(target, name, receiver);
        if (typeof task !== 'function' || typeof name !== 'string') return task;
        return async (payload: unknown, helpers: { job: ActiveJob }) => {
          const carrier = takeCarrier(payload);
          const work = { task: name, payload, id: helpers.job.id };
          const handle = () => (task as Task).call(target, payload, helpers);
          return this.isSkipped(work)
            ? handle()
            : runExecution(this.executionOf(work, helpers.job, carrier), handle);
        };
      },
    });
  }

  private executionOf(work: GraphileWorkerJob, job: ActiveJob, carrier: Carrier | undefined): Execution {
    const schedule = this.cronItems?.scheduleOf(work.task, work.payload);
    return {
      jobName: this.jobNameOf(work, work.task),
      clientId: this.clientIdOf(work),
      carrier,
      trigger: schedule === undefined ? 'queue' : 'schedule',
      schedule: schedule?.cron === undefined ? undefined : cronSchedule(schedule.cron, 'UTC'),
      delayMs: Date.now() - new Date(job.run_at).getTime(),
      queue: {
        system: 'graphile-worker',
        name: work.task,
        jobId: job.id,
        attempt: job.attempts,
        externalId: `graphile-worker:${work.task}:${job.id}`,
      },
    };
  }
}
