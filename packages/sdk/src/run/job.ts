/** Runs a function as a job run. */
import { context } from '@opentelemetry/api';
import { safely, sdkLog } from '../faults.ts';
import { resultOf, supervise, type Settled } from './cancellation.ts';
import { observe } from './observe.ts';
import type { Core } from './core.ts';
import type { HandedRun } from './handed-run.ts';
import type { JobOptions, JoinOptions, Run } from './handles.ts';
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
  const waits = scopeOf() === undefined && options.waitForDelivery !== false;
  const run = await startOrNot(async () => JobRun.start(core, name, options));
  if (run === undefined) return fn(untrackedRun(name, options.signal));
  const work = () => context.with(run.context, fn, undefined, run);
  const settled = await supervise(work, run.cancellation, () => run.settledLate());
  safely('end a job run', () => run.finish(settled));
  if (waits) await core.delivery.flush(JOB_FLUSH_MS);
  return resultOf(settled, run.cancellation);
}

/** The same for work that may be synchronous: its result comes back as it came. */
export function runJobNow<T>(
  core: Core,
  name: string,
  fn: (run: JobRun | undefined) => T,
  options: JobOptions,
  conclude: (run: JobRun, settled: Settled<unknown>) => Settled<unknown>,
): T {
  const run = safely('start a job run', () => JobRun.startNow(core, name, options));
  if (run === undefined) return fn(undefined);
  return observe(
    () => context.with(run.context, fn, undefined, run),
    (settled) => run.finish(conclude(run, settled)),
  );
}

/** Runs a function as a part of a run that began elsewhere. Without one it just runs. */
export async function runJoined<T>(
  core: Core,
  handed: HandedRun | undefined,
  fn: (run: Run) => T | PromiseLike<T>,
  given?: JoinOptions,
): Promise<T> {
  const options = given ?? {};
  const waits = scopeOf() === undefined && options.waitForDelivery !== false;
  const run = await startOrNot(async () =>
    handed === undefined ? undefined : JobRun.join(core, handed, options),
  );
  if (run === undefined) return fn(untrackedRun(handed?.identity.job ?? '', options.signal));
  const work = () => context.with(run.entrance.context, fn, undefined, run);
  const settled = await supervise(work, run.cancellation, () => run.settledLate());
  safely('leave a job run', () => {
    // The innermost that saw an error reports it.
    run.joinedClient?.finish(settled);
    run.finish(settled);
  });
  if (waits) await core.delivery.flush(JOB_FLUSH_MS);
  return resultOf(settled, run.cancellation);
}

async function startOrNot(start: () => Promise<JobRun | undefined>): Promise<JobRun | undefined> {
  try {
    return await start();
  } catch (fault) {
    sdkLog.error('Could not start a job run', fault);
    return undefined;
  }
}
