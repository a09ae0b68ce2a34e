/** Makes of a function one whose calls are runs, steps or numbers. Its results and errors stay its own. */
import { describeValue } from '@rollcall/semconv';
import { safely, sdkLog } from '../faults.ts';
import type { Settled } from '../run/cancellation.ts';
import { inheritedRun, internalsOf, startRollcall, type Rollcall } from '../start.ts';
import { runJobNow } from '../run/job.ts';
import type { Client, Measured, Tracked } from '../run/handles.ts';
import type { JobRun } from '../run/job-run.ts';
import { observe } from '../run/observe.ts';
import { scopeOf } from '../run/scope.ts';
import { runStepNow } from '../run/step.ts';
import type { Call, Entry } from './entries.ts';

type AnyFunction = (...args: unknown[]) => unknown;

/** Several entries may name one function; a job is outermost then. */
export function trackFunction(
  fn: AnyFunction,
  entry: Entry,
  noteMissing: (run: Tracked) => void,
): AnyFunction {
  const track = TRACK[entry.role];
  return new Proxy(fn, {
    apply(target, self: unknown, args: unknown[]): unknown {
      const call = { args, self };
      const work = (): unknown => Reflect.apply(target, self, args);
      return track(entry, call, work, { isAsync: isAsync(fn), noteMissing });
    },
  });
}

interface How {
  /** Whether its result is a promise, whatever happens; only then it can be begun a little later. */
  isAsync: boolean;
  noteMissing: (run: Tracked) => void;
}

type Track = (entry: Entry, call: Call, work: () => unknown, how: How) => unknown;

const TRACK: Record<Entry['role'], Track> = {
  jobs: trackJob,
  clientRuns: trackClientRun,
  steps: trackStep,
  metrics: trackMetrics,
};

/** Which runs each job function has begun: one that calls itself is still the same run. */
const begun = new WeakMap<object, Entry>();

function trackJob(entry: Entry, call: Call, work: () => unknown, how: How): unknown {
  const around = scopeOf()?.run;
  if (around !== undefined && begun.get(around) === entry) return work();
  const rollcall = safely('start', () => startRollcall());
  if (rollcall === undefined) return work();
  const options = { ...entry.options, ...expectedOf(entry, call) };
  if (how.isAsync) return trackAsyncJob(rollcall, { entry, call, work, how, options });
  const internals = internalsOf(rollcall);
  internals.register();
  return runJobNow(
    internals.core,
    entry.name,
    (run) => {
      if (run !== undefined) begun.set(run, entry);
      return work();
    },
    options,
    (run, settled) => {
      how.noteMissing(run);
      return conclude(entry, call, run, settled);
    },
  );
}

interface AsyncJob {
  entry: Entry;
  call: Call;
  work: () => unknown;
  how: How;
  options: object;
}

async function trackAsyncJob(
  rollcall: Rollcall,
  { entry, call, work, how, options }: AsyncJob,
): Promise<unknown> {
  let returned: { value: unknown } | undefined;
  try {
    return await rollcall.job(
      entry.name,
      async (run) => {
        begun.set(run, entry);
        const value = await work();
        how.noteMissing(run);
        const concluded = conclude(entry, call, run, { how: 'returned', value });
        if (concluded.how === 'threw') {
          returned = { value };
          throw concluded.error;
        }
        return value;
      },
      options,
    );
  } catch (error) {
    // It only returned that it failed: the caller gets what it returned.
    if (returned !== undefined) return returned.value;
    throw error;
  }
}

function trackClientRun(entry: Entry, call: Call, work: () => unknown): unknown {
  const scope = scopeOf();
  const run = scope?.run ?? inheritedRun();
  if (run === undefined) {
    sdkLog.warn(`${entry.place}: a call of ${entry.path.join('.')} outside any run is not tracked`);
    return work();
  }
  const clientId = clientIdOf(entry, call, run);
  // One that calls itself for the same client is still the same client run.
  if (scope?.client !== undefined && scope.client.clientId === clientId) return work();
  return run.clientNow(clientId as string, work, (client, settled) => conclude(entry, call, client, settled));
}

/** Numbers are IDs too; what else is no text, the run refuses and notes. */
function clientIdOf(entry: Entry, call: Call, run: JobRun): unknown {
  const given = safely(`find the client (${entry.place}.clientId)`, () => entry.clientId?.(call));
  if (typeof given === 'number' || typeof given === 'bigint') return String(given);
  if (typeof given !== 'string') {
    const text = `${entry.place}.clientId found ${describeValue(given)} in a call of ${entry.path.join('.')}`;
    run.note('client_not_found', entry.place, text);
  }
  return given;
}

function trackStep(entry: Entry, call: Call, work: () => unknown): unknown {
  const scope = scopeOf();
  const owner = scope?.client ?? scope?.run ?? inheritedRun();
  if (owner === undefined || scope?.step === entry.name) return work();
  return runStepNow(owner, entry.name, work, (settled) => conclude(entry, call, owner, settled));
}

function trackMetrics(entry: Entry, call: Call, work: () => unknown): unknown {
  const scope = scopeOf();
  const owner = scope?.client ?? scope?.run ?? inheritedRun();
  if (owner === undefined) return work();
  return observe(work, (settled) => conclude(entry, call, owner, settled));
}

/** Reports what the result says: its numbers, that there was nothing to do, that it failed after all. */
function conclude(
  entry: Entry,
  call: Call,
  owner: Tracked | Client,
  settled: Settled<unknown>,
): Settled<unknown> {
  if (settled.how !== 'returned') return settled;
  const { value } = settled;
  for (const { metric, aggregation, read } of entry.metrics) {
    const number = safely(`read '${metric}' (${entry.place})`, () => read(value, call));
    // What this result does not have is no number; what is no number, the run refuses and notes.
    if (number === undefined || number === null) continue;
    record(owner, aggregation, metric, typeof number === 'boolean' ? Number(number) : number);
  }
  const reason = safely(`read ${entry.place}.nothingToDo`, () => entry.nothingToDo?.(value, call));
  if (isSaid(reason)) owner.skip(typeof reason === 'string' ? reason : 'nothing to do');
  const failure = safely(`read ${entry.place}.failed`, () => entry.failed?.(value, call));
  if (!isSaid(failure)) return settled;
  return { how: 'threw', error: failure instanceof Error ? failure : new FailedResult(textOf(failure)) };
}

const METHODS = { sum: 'count', min: 'min', max: 'max', last: 'last' } as const;

function record(owner: Measured, aggregation: keyof typeof METHODS, metric: string, value: unknown): void {
  owner[METHODS[aggregation]](metric, value as number);
}

function isSaid(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false && value !== '' && value !== 0;
}

function textOf(failure: unknown): string {
  if (typeof failure === 'string') return failure;
  const { message } = failure as { message?: unknown };
  return typeof message === 'string' ? message : 'The result says that it failed';
}

/** What a function returned instead of throwing it. */
class FailedResult extends Error {
  override readonly name = 'FailedResult';
}

function expectedOf(entry: Entry, call: Call): { expect?: Iterable<string> } {
  const given = safely(`find the expected clients (${entry.place}.expect)`, () => entry.expect?.(call));
  if (given === undefined || given === null) return {};
  if (typeof given === 'string') return { expect: [given] };
  if (typeof given === 'object' && Symbol.iterator in given) {
    return {
      expect: Array.from(
        given as Iterable<unknown>,
        (one) => (typeof one === 'number' ? String(one) : one) as string,
      ),
    };
  }
  sdkLog.warn(`${entry.place}.expect found ${describeValue(given)}, which is no list of clients`);
  return {};
}

function isAsync(fn: AnyFunction): boolean {
  return Object.prototype.toString.call(fn) === '[object AsyncFunction]';
}
