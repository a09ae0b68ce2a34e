/** Makes each execution of a croner job a job run. */
import {
  ExecutionInstrumentation,
  type ExecutionConfig,
  type Patchable,
} from '../execution-instrumentation.ts';
import { cronSchedule, declareSchedule, runExecution, zoneOf, type Execution } from '../execution.ts';

/** The croner job that runs. */
export interface CronerJob {
  name?: string | undefined;
  options: { timezone?: string | undefined };
  fn?: unknown;
  getPattern(): string | undefined;
}

type JobFunction = (job: CronerJob, context: unknown) => unknown;

/** For croner 9 to 11. */
export class CronerInstrumentation extends ExecutionInstrumentation<CronerJob> {
  constructor(config: ExecutionConfig<CronerJob> = {}) {
    super('croner', config);
  }

  protected init() {
    return this.module('croner', ['>=9 <12'], (moduleExports) => this.instrument(moduleExports));
  }

  instrument(moduleExports: unknown): void {
    const { Cron } = moduleExports as { Cron?: { prototype: Patchable } };
    const due = new WeakMap<CronerJob, number>();
    const begun = new WeakMap<CronerJob, Execution>();
    const tracked = new WeakSet<object>();
    this.wrap(Cron?.prototype, '_checkTrigger', (original) => {
      return function checkTrigger(this: CronerJob, target: { getTime?: () => number }) {
        due.set(this, target?.getTime?.() ?? Date.now());
        return original.call(this, target) as unknown;
      };
    });
    const declare = (job: CronerJob) => this.announce(job);
    this.wrap(Cron?.prototype, 'schedule', (original) => {
      return function schedule(this: CronerJob, ...args: unknown[]) {
        const result: unknown = original.apply(this, args);
        declare(this);
        return result;
      };
    });
    const begin = (job: CronerJob, isScheduled: boolean) => {
      begun.set(job, this.executionOf(job, isScheduled ? due.get(job) : undefined, isScheduled));
      const { fn } = job;
      if (typeof fn !== 'function' || tracked.has(fn)) return;
      job.fn = this.track(fn as JobFunction, begun);
      tracked.add(job.fn as object);
    };
    this.wrap(Cron?.prototype, '_trigger', (original) => {
      return function trigger(this: CronerJob, ...args: unknown[]) {
        // Its timer passes the time; a call of `trigger()` does not.
        begin(this, args[0] !== undefined);
        return original.apply(this, args) as unknown;
      };
    });
  }

  private announce(job: CronerJob): void {
    if (typeof job.fn !== 'function' || this.isSkipped(job)) return;
    declareSchedule(
      this.jobNameOf(job, defaultNameOf(job, job.fn.name)),
      this.executionOf(job, undefined, true).schedule,
    );
  }

  private track(fn: JobFunction, begun: WeakMap<CronerJob, Execution>): JobFunction {
    return (job, context) => {
      // Croner calls the function before it lets anything else happen, so this is the execution that just began.
      const execution = begun.get(job);
      if (execution === undefined || this.isSkipped(job)) return fn(job, context);
      const jobName = this.jobNameOf(job, defaultNameOf(job, fn.name));
      return runExecution({ ...execution, jobName }, () => fn(job, context));
    };
  }

  private executionOf(job: CronerJob, dueAtMs: number | undefined, isScheduled: boolean): Execution {
    const cron = job.getPattern();
    return {
      jobName: '',
      clientId: this.clientIdOf(job),
      trigger: isScheduled ? 'schedule' : 'manual',
      schedule: cron === undefined ? undefined : cronSchedule(cron, zoneOf(job.options.timezone)),
      delayMs: dueAtMs === undefined ? undefined : Date.now() - dueAtMs,
    };
  }
}

function defaultNameOf(job: CronerJob, functionName: string): string {
  return job.name ?? (functionName || `cron ${job.getPattern()}`);
}
