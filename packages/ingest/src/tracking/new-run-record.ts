/** Makes the record of a run that has just been created, before it can be read. */

import { ATTR, EVENT } from '@rollcall/semconv';
import type { EventFact, RunIdentity } from './evidence.ts';
import type { JobRunRecord } from './records.ts';
import type { NewRun } from './tracker.ts';

const SOON_MS = 60_000;

/** Whether the record follows from what was said alone: the run starts about now, and says nothing of an end. */
export function isPlainStart({ status = 'running', startedAt }: NewRun, nowMs: number): boolean {
  if (status !== 'running') return false;
  return startedAt === undefined || Math.abs(Date.parse(startedAt) - nowMs) < SOON_MS;
}

/** The record as it will be read: a test holds the two against each other. */
export function newRunRecord(
  { project, job, runId, origin }: RunIdentity,
  { attempt = 1, progress, recovered = false }: NewRun,
  events: readonly EventFact[],
): JobRunRecord {
  const startedAt = isoOf(events.find(({ event }) => event === EVENT.RUN_STARTED)?.atNs ?? 0n);
  return {
    project,
    job,
    runId,
    attempt,
    verdict: 'running',
    declaredStatus: null,
    reason: null,
    startedAt,
    endedAt: null,
    durationMs: null,
    lastSeenAt: startedAt,
    telemetry: 'complete',
    origin,
    traceId: origin,
    notes: [],
    progress: progress === undefined ? null : { done: progress.done, total: progress.total ?? null },
    error: null,
    recovered,
    clients: { ...NO_CLIENTS, expected: expectedBy(events).size },
    conflicts: 0,
    metrics: [],
    aliases: aliasesIn(events),
  };
}

const NO_CLIENTS = {
  expected: 0,
  started: 0,
  running: 0,
  completed: 0,
  completedWithErrors: 0,
  nothingToDo: 0,
  failed: 0,
  timedOut: 0,
  cancelled: 0,
  lost: 0,
  neverStarted: 0,
  unexpected: 0,
};

function expectedBy(events: readonly EventFact[]): Set<string> {
  return new Set(
    events.flatMap(
      ({ attributes = {} }) => JSON.parse(attributes[ATTR.CLIENTS_EXPECTED] ?? '[]') as string[],
    ),
  );
}

function aliasesIn(events: readonly EventFact[]): JobRunRecord['aliases'] {
  return events
    .filter(
      ({ event, attributes = {} }) =>
        event === EVENT.RUN_ALIAS && attributes[ATTR.ALIAS_KIND] !== 'idempotency',
    )
    .map(({ attributes = {}, clientId = null }) => ({
      alias: attributes[ATTR.ALIAS] ?? '',
      clientId,
      kind: attributes[ATTR.ALIAS_KIND] ?? '',
    }))
    .toSorted((one, other) => (one.alias < other.alias ? -1 : 1));
}

/** ISO 8601 with microseconds, UTC. */
function isoOf(atNs: bigint): string {
  const seconds = new Date(Number(atNs / 1_000_000_000n) * 1000).toISOString().slice(0, 19);
  return `${seconds}.${String((atNs % 1_000_000_000n) / 1_000n).padStart(6, '0')}Z`;
}
