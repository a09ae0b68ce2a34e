/**
 * Finds the run that the calling code is in, so that deep code need not be handed it:
 * the one around it, else the one that the process was started under.
 */
import { describeValue } from '@rollcall/semconv';
import { sdkLog } from '../faults.ts';
import type { Client, Measured, Run, Step } from './handles.ts';
import { inheritedRun } from '../start.ts';
import { scopeOf } from './scope.ts';
import type { TrackedRun } from './tracked-run.ts';
import { untrackedStep } from './step.ts';

/** The job run around the calling code. */
export function currentRun(): Run | undefined {
  return scopeOf()?.run ?? inheritedRun();
}

/** The client run around the calling code. */
export function currentClient(): Client | undefined {
  const scope = scopeOf();
  return scope === undefined ? inheritedRun()?.joinedClient : scope.client;
}

/** Runs a step of the client run, or else of the job run, around the calling code. Outside any it just runs. */
export async function step<T>(name: string, fn: (step: Step) => T | PromiseLike<T>): Promise<T> {
  const tracked = innermost(name);
  return tracked === undefined ? fn(untrackedStep(name, neverAborted())) : tracked.step(name, fn);
}

/** Adds to a sum of the client run, or else of the job run, around the calling code. */
export const count: Measured['count'] = (metric, value) => innermost(metric)?.count(metric, value);
/** Keeps the smallest value. */
export const min: Measured['min'] = (metric, value) => innermost(metric)?.min(metric, value);
/** Keeps the largest value. */
export const max: Measured['max'] = (metric, value) => innermost(metric)?.max(metric, value);
/** Keeps the latest value. */
export const last: Measured['last'] = (metric, value) => innermost(metric)?.last(metric, value);

function innermost(what: unknown): TrackedRun | undefined {
  const scope = scopeOf();
  const around = scope === undefined ? inheritedRun()?.entrance : (scope.client ?? scope.run);
  if (around === undefined) sdkLog.warn(`Outside any run: ${describeValue(what)} is not tracked`);
  return around;
}

function neverAborted(): AbortSignal {
  return new AbortController().signal;
}
