/** Puts what the live feed tells into the answers that the pages show. */

import type { QueryClient } from '@tanstack/preact-query';
import type { Answer, JobRun, JobRunSummary, Now, RollCall } from '../api/types.ts';
import { nameOf, namedByOrigin } from '../parts/run-name.ts';
import type { ServerEvent } from './read-events.ts';

/** Parts of a run that are read again when it changes, and how often at most. */
const READ_AGAIN_MS = 3_000;

/** Made once for each page that is open; what it put off is dropped with it. */
export function createApply(client: QueryClient): { apply: (event: ServerEvent) => void; stop: () => void } {
  const due = new Map<string, ReturnType<typeof setTimeout>>();
  const readAgain = (key: readonly string[]): void => {
    const name = key.join(' ');
    if (due.has(name)) return;
    void client.invalidateQueries({ queryKey: key });
    due.set(
      name,
      setTimeout(() => {
        due.delete(name);
        if (again.delete(name)) readAgain(key);
      }, READ_AGAIN_MS),
    );
  };
  const again = new Set<string>();
  const readSoon = (key: readonly string[]): void => {
    if (due.has(key.join(' '))) again.add(key.join(' '));
    else readAgain(key);
  };

  return {
    apply: (event) => {
      if (event.type === 'reset') void client.invalidateQueries();
      else if (event.type === 'run') applyRun(JSON.parse(event.data) as JobRunSummary);
      else if (event.type === 'client_runs')
        applyClients(JSON.parse(event.data) as { runId: string; origin: string; clients: Answer[] });
    },
    stop: () => {
      for (const timer of due.values()) clearTimeout(timer);
    },
  };

  function applyRun(run: JobRunSummary): void {
    client.setQueryData<Now>(['now'], (now) => now && placeRun(now, run));
    const name = nameOf(run);
    const before = client.getQueryData<JobRun>(['run', name, 'self']);
    if (before !== undefined && before.origin === run.origin) {
      client.setQueryData<JobRun>(['run', name, 'self'], { ...before, ...run });
      // When it ends or is lost, its clients' verdicts may change without a word from them.
      if (before.verdict !== run.verdict) readSoon(['run', name]);
      for (const part of ['metrics', 'failures', 'logs', 'steps']) readSoon(['run', name, part]);
    }
    if (run.verdict !== 'running') readSoon(['job', run.job]);
  }

  function applyClients({
    runId,
    origin,
    clients,
  }: {
    runId: string;
    origin: string;
    clients: Answer[];
  }): void {
    const whose = client.getQueryData<JobRun>(['run', runId, 'self']);
    const name = whose?.origin === origin ? runId : namedByOrigin(runId, origin);
    client.setQueryData<RollCall>(['run', name, 'roll-call'], (rollCall) => {
      if (rollCall === undefined) return rollCall;
      const changed = new Map(clients.map((one) => [one.clientId, one]));
      const known = rollCall.clients.map((one) => {
        const news = changed.get(one.clientId);
        changed.delete(one.clientId);
        return news ?? one;
      });
      return { ...rollCall, clients: [...known, ...changed.values()] };
    });
    for (const part of ['metrics', 'failures', 'logs', 'steps']) readSoon(['run', name, part]);
    for (const { clientId } of clients)
      void client.invalidateQueries({ queryKey: ['run', name, 'client', clientId] });
  }
}

const KEPT_LATEST = 60;

/** A run stands either among those that run or among the latest, the newest first. */
function placeRun(now: Now, run: JobRunSummary): Now {
  const isSame = (one: JobRunSummary): boolean => one.runId === run.runId && one.origin === run.origin;
  const place = (runs: JobRunSummary[]): JobRunSummary[] =>
    runs.some(isSame)
      ? runs.map((one) => (isSame(one) ? run : one))
      : [...runs, run].toSorted((a, b) => (a.runId < b.runId ? 1 : -1));
  if (run.verdict === 'running') {
    return { ...now, running: place(now.running), latest: now.latest.filter((one) => !isSame(one)) };
  }
  const oldest = now.latest.at(-1);
  const isRecent = oldest === undefined || run.runId >= oldest.runId || now.running.some(isSame);
  return {
    ...now,
    running: now.running.filter((one) => !isSame(one)),
    latest: isRecent ? place(now.latest).slice(0, KEPT_LATEST) : now.latest,
  };
}
