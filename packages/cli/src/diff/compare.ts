/** Compares two runs: what changed, and whose share of it each client and each step has. */

import type { Verdict } from '@rollcall/semconv';
import type { Side, SideClient, SideFailure, SideMetric } from './read-side.ts';

/** A number of both runs; null where a run does not have it. */
interface Change {
  readonly old: number | null;
  readonly new: number | null;
  readonly delta: number;
}

/** `share` is the part of the whole change, 1 for all of it; null where the whole did not change. */
interface ClientTime extends Change {
  readonly clientId: string;
  readonly share: number | null;
}

interface StepTime extends Change {
  readonly step: string;
  readonly share: number | null;
  /** The client with most of it. */
  readonly mostOf: { readonly clientId: string; readonly delta: number } | null;
}

export interface TotalChange extends Change {
  readonly metric: string;
  readonly aggregation: string;
  readonly unit: string;
  /** Sums only: those with most of it first. */
  readonly clients: readonly {
    readonly clientId: string;
    readonly delta: number;
    readonly share: number | null;
  }[];
}

export interface VerdictChange {
  readonly clientId: string;
  readonly old: Verdict | null;
  readonly new: Verdict | null;
  readonly errorType: string;
  readonly errorMessage: string;
  readonly step: string;
  readonly kind: 'worse' | 'better' | 'other';
}

interface FailureChange {
  readonly fingerprint: string;
  readonly errorType: string;
  readonly message: string;
  readonly old: number;
  readonly new: number;
  readonly clients: readonly string[];
}

export interface RunDiff {
  readonly old: SideSummary;
  readonly new: SideSummary;
  readonly duration: Change & {
    /** `run`: clients took turns, so that their times and the rest add up to the run. `clients`: they overlapped, and shares are of the sum of their times. */
    readonly sharesOf: 'run' | 'clients';
    readonly clients: readonly ClientTime[];
    /** Of the run, outside of any client; null where clients overlapped. */
    readonly outside: (Change & { readonly share: number | null }) | null;
    readonly steps: readonly StepTime[];
  };
  readonly totals: readonly TotalChange[];
  readonly failures: readonly FailureChange[];
  readonly verdicts: readonly VerdictChange[];
  readonly appeared: readonly string[];
  readonly went: readonly string[];
}

interface SideSummary {
  readonly runId: string;
  readonly job: string;
  readonly verdict: Verdict;
  readonly started: string | null;
  readonly durationMs: number | null;
}

const NOT_OK: ReadonlySet<Verdict> = new Set([
  'failed',
  'timed_out',
  'cancelled',
  'lost',
  'never_started',
  'completed_with_errors',
]);
const OK: ReadonlySet<Verdict> = new Set(['completed', 'nothing_to_do']);
/** Clients take turns where their times together exceed the run by no more than what clocks and rounding make. */
const TURNS_SLACK = 1.02;

export function compareRuns(before: Side, after: Side): RunDiff {
  const oldClients = byId(before.clients);
  const newClients = byId(after.clients);
  const ids = [...new Set([...oldClients.keys(), ...newClients.keys()])];
  return {
    old: summaryOf(before),
    new: summaryOf(after),
    duration: compareDurations(before, after, ids),
    totals: compareTotals(before, after),
    failures: compareFailures(before.failures, after.failures),
    verdicts: compareVerdicts(oldClients, newClients, ids, after),
    appeared: ids.filter((id) => !oldClients.has(id)),
    went: ids.filter((id) => !newClients.has(id)),
  };
}

function summaryOf({ runId, job, verdict, started, durationMs }: Side): SideSummary {
  return { runId, job, verdict, started, durationMs };
}

function byId(clients: readonly SideClient[]): ReadonlyMap<string, SideClient> {
  return new Map(clients.map((client) => [client.clientId, client]));
}

function change(before: number | null | undefined, after: number | null | undefined): Change {
  return { old: before ?? null, new: after ?? null, delta: round((after ?? 0) - (before ?? 0)) };
}

function compareDurations(before: Side, after: Side, ids: readonly string[]): RunDiff['duration'] {
  const whole = change(before.durationMs, after.durationMs);
  const oldTimes = new Map(before.clients.map((client) => [client.clientId, client.durationMs]));
  const newTimes = new Map(after.clients.map((client) => [client.clientId, client.durationMs]));
  const oldSum = sum(oldTimes.values());
  const newSum = sum(newTimes.values());
  const takeTurns =
    before.durationMs !== null &&
    after.durationMs !== null &&
    oldSum <= before.durationMs * TURNS_SLACK &&
    newSum <= after.durationMs * TURNS_SLACK;
  const base = takeTurns ? whole.delta : newSum - oldSum;
  const share = shareOf(base, Math.max(oldSum, newSum, before.durationMs ?? 0));
  const outside = change((before.durationMs ?? 0) - oldSum, (after.durationMs ?? 0) - newSum);
  return {
    ...whole,
    sharesOf: takeTurns ? 'run' : 'clients',
    clients: ids
      .map((clientId) => change(oldTimes.get(clientId), newTimes.get(clientId)))
      .map((times, index) => ({ clientId: ids[index] ?? '', ...times, share: share(times.delta) }))
      .filter(({ old: o, new: n }) => o !== null || n !== null)
      .toSorted(byWeight),
    outside: takeTurns ? { ...outside, share: share(outside.delta) } : null,
    steps: compareSteps(before, after, share),
  };
}

function compareSteps(before: Side, after: Side, share: (delta: number) => number | null): StepTime[] {
  const names = [...new Set([...before.steps, ...after.steps].map(({ step }) => step))];
  return names
    .map((name): StepTime => {
      const old = before.steps.filter(({ step }) => step === name);
      const fresh = after.steps.filter(({ step }) => step === name);
      const times = change(timeOf(old), timeOf(fresh));
      const ofClients = [...new Set([...old, ...fresh].map(({ clientId }) => clientId))]
        .filter((clientId) => clientId !== '')
        .map((clientId) => ({
          clientId,
          delta: round(
            (timeOf(fresh.filter((one) => one.clientId === clientId)) ?? 0) -
              (timeOf(old.filter((one) => one.clientId === clientId)) ?? 0),
          ),
        }))
        .toSorted(byWeight);
      return { step: name, ...times, share: share(times.delta), mostOf: ofClients[0] ?? null };
    })
    .toSorted(byWeight);
}

function timeOf(steps: readonly { durationMs: number }[]): number | null {
  return steps.length === 0 ? null : round(sum(steps.map(({ durationMs }) => durationMs)));
}

function compareTotals(before: Side, after: Side): TotalChange[] {
  const keyOf = ({ metric, aggregation }: SideMetric): string => `${aggregation} ${metric}`;
  const keys = [...new Set([...before.totals, ...after.totals].map(keyOf))];
  return keys
    .flatMap((key) => {
      const old = before.totals.find((one) => keyOf(one) === key);
      const fresh = after.totals.find((one) => keyOf(one) === key);
      const known = fresh ?? old;
      if (known === undefined) return [];
      const values = change(old?.value, fresh?.value);
      return [
        {
          metric: known.metric,
          aggregation: known.aggregation,
          unit: known.unit,
          ...values,
          clients: known.aggregation === 'sum' ? compareParts(before, after, known.metric, values.delta) : [],
        },
      ];
    })
    .toSorted((a, b) => weightOf(b) - weightOf(a));
}

function compareParts(before: Side, after: Side, metric: string, delta: number): TotalChange['clients'] {
  const partsOf = (side: Side): Map<string, number> =>
    new Map(
      side.clientMetrics
        .filter((one) => one.metric === metric)
        .map(({ clientId, value }) => [clientId, value]),
    );
  const old = partsOf(before);
  const fresh = partsOf(after);
  const share = shareOf(delta, Math.max(sum(old.values()), sum(fresh.values())));
  return [...new Set([...old.keys(), ...fresh.keys()])]
    .map((clientId) => ({ clientId, delta: round((fresh.get(clientId) ?? 0) - (old.get(clientId) ?? 0)) }))
    .filter((part) => part.delta !== 0)
    .map((part) => ({ ...part, share: share(part.delta) }))
    .toSorted(byWeight);
}

function compareFailures(before: readonly SideFailure[], after: readonly SideFailure[]): FailureChange[] {
  const kinds = [...new Set([...after, ...before].map(({ fingerprint }) => fingerprint))];
  return kinds
    .flatMap((fingerprint) => {
      const old = before.find((one) => one.fingerprint === fingerprint);
      const fresh = after.find((one) => one.fingerprint === fingerprint);
      const known = fresh ?? old;
      if (known === undefined) return [];
      const { errorType, message, clients } = known;
      return [
        {
          fingerprint,
          errorType,
          message,
          clients,
          old: old?.occurrences ?? 0,
          new: fresh?.occurrences ?? 0,
        },
      ];
    })
    .toSorted((a, b) => Math.abs(b.new - b.old) - Math.abs(a.new - a.old));
}

function compareVerdicts(
  before: ReadonlyMap<string, SideClient>,
  after: ReadonlyMap<string, SideClient>,
  ids: readonly string[],
  side: Side,
): VerdictChange[] {
  return ids.flatMap((clientId) => {
    const old = before.get(clientId)?.verdict ?? null;
    const known = after.get(clientId);
    const fresh = known?.verdict ?? null;
    if (old === fresh || fresh === null || (old === null && !NOT_OK.has(fresh))) return [];
    const { errorType, errorMessage } = known ?? { errorType: '', errorMessage: '' };
    const failure = side.failures.find(
      (one) => one.clients.includes(clientId) && one.errorType === errorType,
    );
    return [
      {
        clientId,
        old,
        new: fresh,
        errorType,
        errorMessage,
        step: failure?.step ?? '',
        kind: kindOf(old, fresh),
      },
    ];
  });
}

function kindOf(old: Verdict | null, fresh: Verdict): VerdictChange['kind'] {
  if (NOT_OK.has(fresh) && (old === null || !NOT_OK.has(old))) return 'worse';
  return OK.has(fresh) && old !== null && NOT_OK.has(old) ? 'better' : 'other';
}

/** A change of less than a thousandth of the whole has no shares: they would be large, and mean nothing. */
function shareOf(whole: number, size: number): (delta: number) => number | null {
  if (Math.abs(whole) <= size / 1_000) return () => null;
  return (delta) => Math.round((delta / whole) * 1_000) / 1_000;
}

function weightOf({ old, delta }: Change): number {
  if (delta === 0) return 0;
  return old === null || old === 0 ? Infinity : Math.abs(delta / old);
}

function byWeight(a: { readonly delta: number }, b: { readonly delta: number }): number {
  return Math.abs(b.delta) - Math.abs(a.delta);
}

function sum(values: Iterable<number | null>): number {
  let total = 0;
  for (const value of values) total += value ?? 0;
  return total;
}

/** Sums of many parts carry the dust of binary fractions. */
function round(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
