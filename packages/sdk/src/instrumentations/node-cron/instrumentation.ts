/** Makes each execution of a node-cron task a job run. */
import { dirname, isAbsolute, resolve as resolvePath } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { getCallSites } from 'node:util';
import {
  ExecutionInstrumentation,
  type ExecutionConfig,
  type Patchable,
} from '../execution-instrumentation.ts';
import { cronSchedule, declareSchedule, runExecution, zoneOf, type Execution } from '../execution.ts';

/** What node-cron knows of an execution. */
export interface NodeCronWork {
  /** The cron expression, as it was given. */
  expression: string;
  /** Name of the task, where it has one. */
  name: string | undefined;
  /** Name of the function that it runs. */
  functionName: string | undefined;
  timeZone: string | undefined;
  /** Path of the file that a background task runs. */
  file: string | undefined;
  /** What node-cron hands to the task. */
  context: NodeCronContext;
}

interface NodeCronContext {
  date?: Date;
  triggeredAt?: Date;
  execution?: { id: string; reason: 'invoked' | 'scheduled'; error?: unknown };
}

interface Task {
  on(event: string, listener: (context: NodeCronContext) => void): void;
}

type TaskFunction = (context: NodeCronContext) => unknown;
type Plan = Omit<NodeCronWork, 'context'>;

/** For node-cron 4. */
export class NodeCronInstrumentation extends ExecutionInstrumentation<NodeCronWork> {
  constructor(config: ExecutionConfig<NodeCronWork> = {}) {
    super('node-cron', config);
  }

  protected init() {
    return this.module('node-cron', ['>=4 <5'], (moduleExports) => this.instrument(moduleExports));
  }

  instrument(moduleExports: unknown): void {
    const { default: main } = moduleExports as { default?: Patchable };
    for (const owner of [moduleExports as Patchable, main]) {
      for (const name of ['schedule', 'createTask']) {
        this.wrap(owner, name, (original) => {
          const track = (...given: Parameters<typeof this.track>) => this.track(...given);
          return function patched(this: unknown, expression, task, options) {
            const given = typeof task === 'string' ? locate(task) : task;
            const create = (wrapped: unknown) => original.call(this, expression, wrapped, options) as Task;
            return track(planOf(expression, given, options), given, create, name === 'schedule');
          };
        });
      }
    }
  }

  private track(
    plan: Plan,
    task: TaskFunction | string,
    create: (task: TaskFunction | string) => Task,
    isStarted: boolean,
  ): Task {
    const made =
      typeof task === 'function' ? create(this.wrapTask(plan, task)) : this.watch(create(task), plan);
    const work = { ...plan, context: {} };
    // What is only created waits for somebody to start it.
    if (isStarted && !this.isSkipped(work)) {
      const { jobName, schedule } = this.executionOf(work);
      declareSchedule(jobName, schedule);
    }
    return made;
  }

  private wrapTask(plan: Plan, task: TaskFunction): TaskFunction {
    return (context) => {
      const work = { ...plan, context };
      return this.isSkipped(work) ? task(context) : runExecution(this.executionOf(work), () => task(context));
    };
  }

  /** A background task runs in a process of node-cron's own; its events say when. */
  private watch(task: Task, plan: Plan): Task {
    const open = new Map<string, { resolve: () => void; reject: (error: unknown) => void }>();
    task.on('execution:started', (context) => {
      const work = { ...plan, context };
      if (context.execution === undefined || this.isSkipped(work)) return;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      open.set(context.execution.id, { resolve, reject });
      runExecution(this.executionOf(work), async () => promise).catch(() => undefined);
    });
    const settle = ({ execution }: NodeCronContext, isFailed: boolean) => {
      if (execution === undefined) return;
      const { resolve, reject } = open.get(execution.id) ?? {};
      open.delete(execution.id);
      if (isFailed) reject?.(execution.error ?? new Error('The background task failed'));
      else resolve?.();
    };
    task.on('execution:finished', (context) => settle(context, false));
    task.on('execution:failed', (context) => settle(context, true));
    return task;
  }

  private executionOf(work: NodeCronWork): Execution {
    const { expression, name, functionName, timeZone, context, file } = work;
    const fileName = file
      ?.split(/[\\/]/)
      .at(-1)
      ?.replace(/\.\w+$/, '');
    const isInvoked = context.execution?.reason === 'invoked';
    const dueAtMs = isInvoked ? undefined : context.date?.getTime();
    return {
      jobName: this.jobNameOf(work, name ?? fileName ?? functionName ?? `cron ${expression}`),
      clientId: this.clientIdOf(work),
      trigger: isInvoked ? 'manual' : 'schedule',
      schedule: cronSchedule(expression, zoneOf(timeZone)),
      delayMs: dueAtMs === undefined ? undefined : Date.now() - dueAtMs,
    };
  }
}

function planOf(
  expression: string,
  task: TaskFunction | string,
  options: { name?: string; timezone?: string } | undefined,
): Plan {
  return {
    expression,
    name: options?.name,
    functionName: typeof task === 'function' && task.name !== '' ? task.name : undefined,
    timeZone: options?.timezone,
    file: typeof task === 'string' ? task : undefined,
  };
}

/** A relative path is meant from the file of the caller, whom node-cron looks for on the stack: it would find this file. */
function locate(task: string): string {
  if (isAbsolute(task) || task.startsWith('file:')) return task;
  const callers = getCallSites().map(({ scriptName }) => scriptName);
  const caller = callers.find((name) => name !== '' && toPath(name) !== toPath(import.meta.url));
  return caller === undefined ? task : pathToFileURL(resolvePath(dirname(toPath(caller)), task)).href;
}

function toPath(name: string): string {
  return name.startsWith('file:') ? fileURLToPath(name) : name;
}
