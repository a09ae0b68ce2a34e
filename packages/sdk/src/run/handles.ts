/** What a job's code holds in its hands: a run, a client, a step. */
import type { Attributes } from '@opentelemetry/api';

/** Reports numbers. A value that is no finite number is refused and noted on the run; nothing here throws. */
export interface Measured {
  /** Adds to a sum. Zero counts: it says that there was nothing, rather than nothing known. */
  count(metric: string, value?: number): void;
  /** Keeps the smallest. */
  min(metric: string, value: number): void;
  /** Keeps the largest. */
  max(metric: string, value: number): void;
  /** Keeps the latest. */
  last(metric: string, value: number): void;
}

/** What a job run and a client run have in common. */
export interface Tracked extends Measured {
  /** The n-th try; the first is 1. */
  readonly attempt: number;
  /** Aborts when the run times out or is cancelled. Hand it to whatever can be interrupted. */
  readonly signal: AbortSignal;
  /** Says how far the work is; sent with the next sign of life and at the end. */
  progress(done: number, total?: number): void;
  /** Declares that there was nothing to do, and why. The run ends as `nothing_to_do` unless it fails. */
  skip(reason: string): void;
  /**
   * Remarks on the quality of the run's data, and is shown with the run. `code` and `subject` tell notes apart;
   * the same again only counts.
   */
  note(code: string, subject: string, text: string): void;
  /** Runs a named part of the work as a span. */
  step<T>(name: string, fn: (step: Step) => T | PromiseLike<T>): Promise<T>;
}

/** One execution of a job. */
export interface Run extends Tracked {
  /** `YYMMDD-HHMMSS`, UTC. */
  readonly runId: string;
  readonly jobName: string;
  /**
   * Calls the roll: those that do not answer end up as `never_started`. May be called more than once.
   * A single string is one client.
   */
  expectClients(clientIds: Iterable<string>): void;
  /**
   * Runs the part of the job that handles one client. Returns what `fn` returns and throws what it throws.
   * The same client again is its next attempt.
   */
  client<T>(
    clientId: string,
    fn: (client: Client) => T | PromiseLike<T>,
    options?: ClientOptions,
  ): Promise<T>;
  /**
   * Expects all clients and runs them, some at a time. Never throws; results come in the order of the IDs.
   * A single string is one client.
   */
  clients<T>(
    clientIds: Iterable<string>,
    fn: (client: Client) => T | PromiseLike<T>,
    options?: ClientsOptions,
  ): Promise<ClientResult<T>[]>;
}

/** The part of a job run done for one client. */
export interface Client extends Tracked {
  readonly clientId: string;
  /** `<run id>-<client id>` */
  readonly clientRunId: string;
}

/** A named part of a run. */
export interface Step {
  readonly name: string;
  readonly signal: AbortSignal;
  /** Adds attributes to the step's span. */
  set(attributes: Attributes): void;
  step<T>(name: string, fn: (step: Step) => T | PromiseLike<T>): Promise<T>;
}

export interface Limits {
  /**
   * After so long the signal aborts with a TimeoutError and the run ends as `timed_out`.
   * Work that has not stopped `graceMs` later is left behind.
   */
  timeoutMs?: number;
  /** How long work may take to stop after a timeout. Default 1 s. */
  graceMs?: number;
}

/** A cron expression, read in a time zone (UTC unless given), or the time from one start to the next. */
export type Schedule = { cron: string; timeZone?: string } | { everyMs: number };

export interface JobOptions extends Limits {
  /** Aborting it cancels the run. */
  signal?: AbortSignal;
  /** The ID of this run, where it is already known. Otherwise one is made. */
  runId?: string;
  /** The same as calling `run.expectClients` first. */
  expect?: Iterable<string>;
  /**
   * Whether to join the run that the process was started under, if it is one of this job. Default true.
   * If not, this is a run of its own.
   */
  join?: boolean;
  /** When the job is due. `null`: it has no schedule any more, and none is learnt from its history. */
  schedule?: Schedule | null;
  /** How long after it was due a start may come; later it is late. */
  lateAfterMs?: number;
  /** A run that takes longer is shown as running too long; nothing stops it. */
  maxRuntimeMs?: number;
  /** A run of this process that has ended: this is its next attempt, under the same run ID. */
  retryOf?: Run;
  /**
   * The ID that another system gave this execution: a queue's job ID. Whoever runs it again under the same one
   * makes the next attempt of the same run, in any process; the run is also found by it.
   */
  externalId?: string;
  /** The n-th try, where the caller counts them. */
  attempt?: number;
  /** Whether to wait, 1 s at most, until the telemetry has left; for a process that does not end with the job, no. Default true. */
  waitForDelivery?: boolean;
  /** More facts about this run, told with its start and on its span. */
  attributes?: Attributes;
}

/** How to take part in a run that began elsewhere. */
export interface JoinOptions extends Limits {
  signal?: AbortSignal;
  /** As in {@link JobOptions}. */
  waitForDelivery?: boolean;
}

export interface ClientOptions extends Limits {
  /** Aborting it cancels the client run alone. */
  signal?: AbortSignal;
  /** The n-th try, where the caller counts them. Otherwise they are counted here. */
  attempt?: number;
}

export interface ClientsOptions extends ClientOptions {
  /** How many clients at a time. Default 1. */
  concurrency?: number;
  /** Whether to go on to the next client after one has failed. Default true. */
  continueOnError?: boolean;
}

/** What became of one client. `not_started`: the run was cancelled, or another client failed, before its turn. */
export type ClientResult<T> = { clientId: string } & (PromiseSettledResult<T> | { status: 'not_started' });
