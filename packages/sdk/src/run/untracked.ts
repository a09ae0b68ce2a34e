/** Handles that do nothing, for work that must go on although it cannot be tracked. */
import { listClients, runClients } from './clients.ts';
import type { Client, Run, Step, Tracked } from './handles.ts';
import { untrackedStep } from './step.ts';

/** Stands in for a client whose ID is none. Its steps belong to the job run; its numbers to nobody. */
export function untrackedClient(clientId: unknown, run: Tracked, signal: AbortSignal): Client {
  return {
    ...untracked(signal),
    clientId: clientId as string,
    clientRunId: '',
    step: async (name, fn) => run.step(name, fn),
  };
}

/** Stands in for a job run that could not be started. */
export function untrackedRun(jobName: unknown, given?: AbortSignal): Run {
  const signal = given ?? new AbortController().signal;
  const run: Run = {
    ...untracked(signal),
    runId: '',
    jobName: jobName as string,
    expectClients: nothing,
    client: async (clientId, fn) => fn(untrackedClient(clientId, run, signal)),
    clients: async (clientIds, fn, options) => runClients(run, listClients(clientIds), fn, options ?? {}),
  };
  return run;
}

function untracked(signal: AbortSignal): Tracked {
  return {
    attempt: 1,
    signal,
    count: nothing,
    min: nothing,
    max: nothing,
    last: nothing,
    progress: nothing,
    skip: nothing,
    note: nothing,
    step: async <T>(name: string, fn: (step: Step) => T | PromiseLike<T>) => fn(untrackedStep(name, signal)),
  };
}

function nothing(): void {}
