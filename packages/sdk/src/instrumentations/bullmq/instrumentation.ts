/** Makes each job that a BullMQ worker handles a job run, or a part of the run that queued it. */
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
  zoneOf,
  type Execution,
} from '../execution.ts';

/** A BullMQ job, as far as hooks and this instrumentation look at it. Before it is queued it has no more than name and data. */
export interface BullMqJob {
  name: string;
  data: unknown;
  queueName: string;
  id?: string | undefined;
  opts?: BullMqJobOptions | undefined;
}

interface BullMqJobOptions {
  delay?: number;
  prevMillis?: number;
  repeat?: { pattern?: string; tz?: string; every?: number | string };
  /** Where the run travels; BullMQ keeps options that it does not know. */
  rollcall?: Carrier;
}

interface ActiveJob extends BullMqJob {
  timestamp: number;
  attemptsStarted?: number;
  attemptsMade: number;
  repeatJobKey?: string;
  queueQualifiedName?: string;
}

interface FlowJob {
  name: string;
  queueName: string;
  data?: unknown;
  opts?: BullMqJobOptions;
  children?: FlowJob[];
}

/** For BullMQ 5 and 6. */
export class BullMqInstrumentation extends ExecutionInstrumentation<BullMqJob> {
  constructor(config: ExecutionConfig<BullMqJob> = {}) {
    super('bullmq', config);
  }

  protected init() {
    return this.module('bullmq', ['>=5 <7'], (moduleExports) => this.instrument(moduleExports));
  }

  instrument(moduleExports: unknown): void {
    const { Worker, Queue, FlowProducer } = moduleExports as Record<
      string,
      { prototype: Patchable } | undefined
    >;
    const process = async (job: ActiveJob, handle: () => unknown) =>
      this.isSkipped(job) ? handle() : runExecution(this.executionOf(job), handle);
    this.wrap(Worker?.prototype, 'callProcessJob', (original) => {
      return async function callProcessJob(this: unknown, job: ActiveJob, ...rest: unknown[]) {
        return process(job, () => original.call(this, job, ...rest) as unknown);
      };
    });
    const carry = <Job extends Omit<BullMqJob, 'queueName'>>(job: Job, queueName: string): Job =>
      this.carry(job, queueName);
    this.wrap(Queue?.prototype, 'add', (original) => {
      return async function add(
        this: { name: string },
        name: string,
        data: unknown,
        opts?: BullMqJobOptions,
      ) {
        return original.call(this, name, data, carry({ name, data, opts }, this.name).opts) as unknown;
      };
    });
    this.wrap(Queue?.prototype, 'addBulk', (original) => {
      return async function addBulk(this: { name: string }, jobs: BullMqJob[], ...rest: unknown[]) {
        return original.call(
          this,
          jobs.map((job) => carry(job, this.name)),
          ...rest,
        ) as unknown;
      };
    });
    const declare = (work: BullMqJob, repeat: BullMqJobOptions['repeat']) => {
      if (!this.isSkipped(work)) declareSchedule(this.jobNameOf(work, work.name), scheduleOf(repeat));
    };
    this.wrap(Queue?.prototype, 'upsertJobScheduler', (original) => {
      return async function upsertJobScheduler(
        this: { name: string },
        id: string,
        repeat: BullMqJobOptions['repeat'],
        template?: { name?: string; data?: unknown; opts?: BullMqJobOptions },
        ...rest: unknown[]
      ) {
        declare({ name: template?.name ?? id, data: template?.data, queueName: this.name }, repeat);
        return original.call(this, id, repeat, template, ...rest) as unknown;
      };
    });
    const carryFlow = (flow: FlowJob): FlowJob => this.carryFlow(flow);
    this.wrap(FlowProducer?.prototype, 'add', (original) => {
      return async function add(this: unknown, flow: FlowJob, ...rest: unknown[]) {
        return original.call(this, carryFlow(flow), ...rest) as unknown;
      };
    });
    this.wrap(FlowProducer?.prototype, 'addBulk', (original) => {
      return async function addBulk(this: unknown, flows: FlowJob[], ...rest: unknown[]) {
        return original.call(this, flows.map(carryFlow), ...rest) as unknown;
      };
    });
  }

  /** The job with the run around the caller in its options. */
  private carry<Job extends Omit<BullMqJob, 'queueName'>>(job: Job, queueName: string): Job {
    const work = { ...job, queueName };
    // What repeats goes on when the run is long over.
    if (job.opts?.repeat !== undefined || this.isSkipped(work)) return job;
    const rollcall = carrierOfCaller(this.clientIdOf(work));
    return rollcall === undefined ? job : { ...job, opts: { ...job.opts, rollcall } };
  }

  private carryFlow(flow: FlowJob): FlowJob {
    const carried = this.carry({ ...flow, data: flow.data }, flow.queueName);
    return flow.children === undefined
      ? carried
      : { ...carried, children: flow.children.map((child) => this.carryFlow(child)) };
  }

  private executionOf(job: ActiveJob): Execution {
    const { opts = {}, id = '', queueName } = job;
    const attempt = Math.max(job.attemptsStarted ?? 0, job.attemptsMade + 1);
    const { repeat } = opts;
    const dueAtMs = opts.prevMillis ?? job.timestamp + (opts.delay ?? 0);
    const queue = job.queueQualifiedName ?? queueName;
    // An ID that the application chose may be used again once the job is removed.
    const jobKey = /^\d+$|^repeat:/.test(id) ? id : `${id}@${job.timestamp}`;
    return {
      jobName: this.jobNameOf(job, job.name === '__default__' ? queueName : job.name),
      clientId: this.clientIdOf(job),
      carrier: opts.rollcall,
      trigger: repeat !== undefined || job.repeatJobKey !== undefined ? 'schedule' : 'queue',
      schedule: scheduleOf(repeat),
      // When a retry was due BullMQ does not keep.
      delayMs: attempt === 1 ? Date.now() - dueAtMs : undefined,
      queue: {
        system: 'bullmq',
        name: queueName,
        jobId: id,
        attempt,
        externalId: `bullmq:${queue}:${jobKey}`,
      },
      isPostponed,
    };
  }
}

function scheduleOf(repeat: BullMqJobOptions['repeat']): Execution['schedule'] {
  if (repeat?.pattern !== undefined) return cronSchedule(repeat.pattern, zoneOf(repeat.tz));
  const everyMs = Number(repeat?.every);
  return Number.isFinite(everyMs) && everyMs > 0 ? { everyMs } : undefined;
}

const POSTPONING = new Set(['DelayedError', 'WaitingError', 'WaitingChildrenError', 'RateLimitError']);

/** A job tells BullMQ by such an error that it has put itself back into the queue. */
function isPostponed(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return POSTPONING.has(error.name) || error.message === 'bullmq:rateLimitExceeded';
}
