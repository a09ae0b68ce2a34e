/** Says what a `rollcall.config` file may hold: which functions of a program are jobs, client runs and steps. */
import type { RollcallOptions } from '../config.ts';
import type { InstrumentationConfigs } from '../instrumentations/index.ts';
import type { JobOptions } from '../run/handles.ts';

/** How a program that knows nothing of Rollcall is tracked. */
export interface RollcallConfig {
  /**
   * Whether the whole process is one job run, and the job's name. Default: named after its script, where no function is
   * named as a job.
   */
  process?: boolean | string;
  /** Functions of which each call is a job run. */
  jobs?: JobFunction[];
  /** Functions of which each call handles one client. */
  clientRuns?: ClientRunFunction[];
  /** Functions of which each call is a step of the run around it. */
  steps?: NamedFunction[];
  /** Functions that only report numbers, to the run around them. */
  metrics?: MeasuredFunction[];
  /** Hooks of the instrumented schedulers and queues; `false` instruments none. */
  instrumentations?: InstrumentationConfigs | false;
  /** Settings of the SDK, as for `startRollcall`. */
  options?: Omit<RollcallOptions, 'registerGlobals'>;
}

/** Names a function. */
interface NamedPlace {
  /** A file, relative to the config file, or a package. */
  module: string;
  /** What it is called there: `main`, `default`, `Scorer.score` (a method), `api.jobs.nightly`. It need not be exported. */
  export: string;
}

interface MeasuredFunction extends NamedPlace {
  /** The numbers that its result holds, by the metric's name. */
  metrics?: Record<string, MetricSource>;
}

interface NamedFunction extends MeasuredFunction {
  /** Name of the job or of the step. Default: the last part of `export`. */
  name?: string;
  /** Where its result says that it failed, though it throws nothing: a text or an error there is the reason. */
  failed?: ResultSource<unknown>;
}

interface JobFunction extends NamedFunction, Pick<JobOptions, 'schedule' | 'lateAfterMs' | 'maxRuntimeMs'> {
  /** The clients to expect: a list, or where the arguments hold it: `0`, `0[].id`. */
  expect?: string[] | number | string | ((...args: unknown[]) => Iterable<string>);
  /** Where its result says that there was nothing to do: a text there is the reason. */
  nothingToDo?: ResultSource<unknown>;
}

interface ClientRunFunction extends Omit<NamedFunction, 'name'> {
  /** Where its arguments name the client: `0`, `0.id`, `this.tenant`, or a function of them. */
  clientId: number | string | ((...args: unknown[]) => unknown);
  nothingToDo?: ResultSource<unknown>;
}

/** A path into a result (`stats.rows`, `length`, `.` for all of it), or a function of it. */
type ResultSource<Value> = string | ((result: never, ...args: never[]) => Value);

/** A path or a number is a sum. */
type MetricSource =
  | ResultSource<number | undefined>
  | number
  | { sum: ResultSource<number | undefined> | number }
  | { min: ResultSource<number | undefined> }
  | { max: ResultSource<number | undefined> }
  | { last: ResultSource<number | undefined> };

/** Lets an editor check a config file. */
export function defineConfig(config: RollcallConfig): RollcallConfig {
  return config;
}
