/** Makes each worker that bree starts a job run, which the worker thread can join. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { EventEmitter } from 'node:events';
import { SHARE_ENV, type Worker, type WorkerOptions } from 'node:worker_threads';
import { runContextToEnv } from '../../run/handed-run.ts';
import {
  ExecutionInstrumentation,
  type ExecutionConfig,
  type Patchable,
} from '../execution-instrumentation.ts';
import { cronSchedule, declareSchedule, runExecution, zoneOf, type Execution } from '../execution.ts';

/** A job of bree's configuration. */
export interface BreeJob {
  name: string;
  path?: string | undefined;
  cron?: unknown;
  interval?: unknown;
  timezone?: string | undefined;
}

interface Bree extends EventEmitter {
  config: { jobs: BreeJob[]; timezone?: string };
  workers: Map<string, Worker>;
}

/** Not OpenTelemetry's context: bree may start before that has a manager. */
const scheduled = new AsyncLocalStorage<true>();

/** For bree 9. */
export class BreeInstrumentation extends ExecutionInstrumentation<BreeJob> {
  constructor(config: ExecutionConfig<BreeJob> = {}) {
    super('bree', config);
  }

  protected init() {
    return this.module('bree', ['>=9 <10'], (moduleExports) => this.instrument(moduleExports));
  }

  instrument(moduleExports: unknown): void {
    const { default: main } = moduleExports as { default?: unknown };
    const bree = ((typeof moduleExports === 'function' ? moduleExports : main) as { prototype?: Patchable })
      ?.prototype;
    const declare = (given: Bree, name: string | undefined) => this.announce(given, name);
    this.wrap(bree, 'start', (original) => {
      return async function start(this: Bree, ...args: unknown[]) {
        declare(this, args[0] as string | undefined);
        // The timers that it sets remember who set them; a call of `run` from elsewhere is one by hand.
        return scheduled.run(true, async () => original.apply(this, args) as unknown);
      };
    });
    const open = new WeakMap<Bree, Map<string, AbortController>>();
    const track = async (given: Bree, name: string, run: () => Promise<unknown>) => {
      const controllers = open.get(given) ?? new Map<string, AbortController>();
      open.set(given, controllers);
      return this.track(given, name, run, controllers);
    };
    this.wrap(bree, 'stop', (original) => {
      return async function stop(this: Bree, name?: string) {
        for (const [running, controller] of open.get(this) ?? []) {
          const isMeant = name === undefined || name === running;
          if (isMeant && this.workers.has(running)) controller.abort(new Error('Stopped by bree.stop()'));
        }
        return original.call(this, name) as unknown;
      };
    });
    this.wrap(bree, 'run', (original) => {
      return async function run(this: Bree, name?: string) {
        const start = async () => original.call(this, name) as Promise<unknown>;
        return name === undefined || this.workers.has(name) ? start() : track(this, name, start);
      };
    });
    this.wrap(bree, 'createWorker', (original) => {
      return function createWorker(this: unknown, filename: string, options: WorkerOptions = {}) {
        const run = runContextToEnv();
        const isJoinable = run['ROLLCALL_RUN_ID'] !== undefined && options.env !== SHARE_ENV;
        const env = {
          ...(isJoinable ? ((options.env as NodeJS.Dict<string> | undefined) ?? process.env) : {}),
          ...run,
        };
        return original.call(this, filename, isJoinable ? { ...options, env } : options) as unknown;
      };
    });
  }

  private announce(bree: Bree, name: string | undefined): void {
    for (const job of bree.config.jobs) {
      if (job.name !== name || this.isSkipped(job)) continue;
      declareSchedule(this.jobNameOf(job, job.name), scheduleOf(job, bree));
    }
  }

  /** The run lasts as long as the worker; the caller waits, as it would otherwise, until the worker is made. */
  private async track(
    bree: Bree,
    name: string,
    start: () => Promise<unknown>,
    open: Map<string, AbortController>,
  ): Promise<unknown> {
    const job = bree.config.jobs.find((one) => one.name === name);
    if (job === undefined || this.isSkipped(job)) return start();
    const stopped = new AbortController();
    open.set(name, stopped);
    const made = Promise.withResolvers<unknown>();
    const execution = { ...this.executionOf(job, bree), signal: stopped.signal };
    const lasting = runExecution(execution, async () => {
      try {
        made.resolve(await start());
      } catch (error) {
        made.reject(error);
        throw error;
      }
      const failure = await failureOf(bree, name);
      // Of a worker that was stopped the exit code says nothing.
      stopped.signal.throwIfAborted();
      if (failure !== undefined) throw failure.error;
    });
    // Bree reports what goes wrong in a worker in its own way.
    const over = () => open.delete(name);
    lasting.then(over, over);
    return made.promise;
  }

  private executionOf(job: BreeJob, bree: Bree): Execution {
    return {
      jobName: this.jobNameOf(job, job.name),
      clientId: this.clientIdOf(job),
      trigger: scheduled.getStore() === true ? 'schedule' : 'manual',
      schedule: scheduleOf(job, bree),
    };
  }
}

function scheduleOf({ cron, interval, timezone }: BreeJob, bree: Bree): Execution['schedule'] {
  const zone = timezone ?? bree.config.timezone;
  if (typeof cron === 'string') return cronSchedule(cron, zoneOf(zone));
  return typeof interval === 'number' && interval > 0 ? { everyMs: interval } : undefined;
}

/** Resolves when the worker has ended: to its error, or to what its exit code says. */
async function failureOf(bree: Bree, name: string): Promise<{ error: unknown } | undefined> {
  const worker = bree.workers.get(name);
  if (worker === undefined) return undefined;
  let failure: { error: unknown } | undefined;
  worker.on('error', (error: unknown) => {
    failure = { error };
  });
  worker.on('exit', (code) => {
    if (code !== 0) failure ??= { error: new Error(`The worker exited with code ${code}`) };
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  const onDeleted = (deleted: string) => {
    if (deleted !== name) return;
    bree.off('worker deleted', onDeleted);
    // Bree says so before the listeners above hear of the same exit.
    setImmediate(resolve);
  };
  bree.on('worker deleted', onDeleted);
  await promise;
  return failure;
}
