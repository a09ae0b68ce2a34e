/** Runs a function as a job run. */
import { context } from '@opentelemetry/api';
import { safely } from '../faults.ts';
import { resultOf, supervise } from './cancellation.ts';
import type { Core } from './core.ts';
import type { JobOptions, Run } from './handles.ts';
import { JobRun } from './job-run.ts';
import { scopeOf } from './scope.ts';
import { untrackedRun } from './untracked.ts';

/** How long the outermost job may wait for its telemetry to leave, since many programs exit right after it. */
const JOB_FLUSH_MS = 1_000;

/** Returns what `fn` returns and throws what it throws, or the TimeoutError of `timeoutMs`. */
export async function runJob<T>(
  core: Core,
  name: string,
  fn: (run: Run) => T | PromiseLike<T>,
  given?: JobOptions,
): Promise<T> {
  const options = given ?? {};
  const isOutermost = scopeOf() === undefined;
  const run = safely('start a job run', () => JobRun.start(core, name, options));
  if (run === undefined) return fn(untrackedRun(name, options.signal));
  const work = () => context.with(run.context, fn, undefined, run);
  const settled = await supervise(work, run.cancellation, () => run.settledLate());
  safely('end a job run', () => run.finish(settled));
  if (isOutermost) await core.delivery.flush(JOB_FLUSH_MS);
  return resultOf(settled, run.cancellation);
}
