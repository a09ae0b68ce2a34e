/** Says in sentences what explains the change between two runs; the main cause first. */

import type { Verdict } from '@rollcall/semconv';
import { nameSome } from '../print/line.ts';
import { drawDuration, drawNumber, plural } from '../print/numbers.ts';
import type { RunDiff, TotalChange, VerdictChange } from './compare.ts';

/** Less than this is within what happens anyway. */
const MATERIAL = 0.1;
const LEAST_MS = 250;
/** One client has most of a change from here on. */
const MOST = 0.5;
const NAMES_WIDTH = 60;

/** Empty where nothing of weight changed. */
export function explain(diff: RunDiff): string[] {
  const { worse, sentence } = explainWorse(diff);
  const measured = [
    { weight: ratio(diff.duration.old, diff.duration.new), sentence: explainDuration(diff) },
    ...diff.totals.map((total) => ({
      weight: ratio(total.old, total.new),
      sentence: explainTotal(total, worse),
    })),
  ]
    .toSorted((a, b) => b.weight - a.weight)
    .map((one) => one.sentence);
  return [sentence, ...measured, explainBetter(diff), explainRoster(diff)].filter((one) => one !== null);
}

/** How the end of a client run is told of several clients, and of one. */
const ENDED: Partial<Record<Verdict, string>> = {
  failed: 'failed',
  timed_out: 'timed out',
  cancelled: 'was cancelled',
  lost: 'was lost',
  never_started: 'never started',
  completed_with_errors: 'completed with errors',
};

function explainWorse({ verdicts }: RunDiff): { worse: ReadonlySet<string>; sentence: string | null } {
  const worse = verdicts.filter(({ kind }) => kind === 'worse');
  if (worse.length === 0) return { worse: new Set(), sentence: null };
  const groups = [
    ...Map.groupBy(worse, (one) => `${one.new} ${one.errorType} ${one.step}`).values(),
  ].toSorted((a, b) => b.length - a.length);
  const parts = groups.slice(0, 3).map((group) => {
    const [first] = group as [VerdictChange];
    const ended = ENDED[first.new ?? 'failed'] ?? 'failed';
    const names = nameSome(
      group.map(({ clientId }) => clientId),
      NAMES_WIDTH,
    );
    const why = first.errorType === '' ? '' : ` with ${first.errorType}`;
    const where = first.step === '' ? '' : ` in step '${first.step}'`;
    return `${names} ${group.length > 1 ? ended.replace(/^was /, 'were ') : ended}${why}${where}`;
  });
  const rest = groups.length > parts.length ? ', and others in other ways' : '';
  return {
    worse: new Set(worse.map(({ clientId }) => clientId)),
    sentence: `New in this run: ${parts.join('; ')}${rest}.`,
  };
}

function explainDuration({ duration }: RunDiff): string | null {
  const { old, new: fresh, delta, clients, outside, steps } = duration;
  if (old === null || fresh === null || !isMaterial(old, fresh) || Math.abs(delta) < LEAST_MS) return null;
  const longer = delta > 0 ? 'longer' : 'shorter';
  const head = `The run took ${drawDuration(Math.abs(delta))} ${longer} (${drawDuration(old)} → ${drawDuration(fresh)})`;
  const [top] = clients;
  if (
    outside !== null &&
    outside.share !== null &&
    outside.share >= MOST &&
    outside.share >= (top?.share ?? 0)
  ) {
    return `${head}: ${percent(outside.share)} of it outside of any client.`;
  }
  if (top === undefined || top.share === null) return `${head}.`;
  const whole = duration.sharesOf === 'run' ? 'it' : 'the change in client time';
  const step = steps.find(
    ({ mostOf }) => mostOf?.clientId === top.clientId && Math.abs(mostOf.delta) >= MOST * Math.abs(top.delta),
  );
  const where = step === undefined ? '' : `, in step '${step.step}'`;
  if (top.share >= MOST) return `${head}: ${percent(top.share)} of ${whole} is ${top.clientId}${where}.`;
  const spread = steps.find(({ share }) => share !== null && share >= MOST);
  return spread === undefined
    ? `${head}, spread over ${plural(clients.length, 'client')}: the largest part, ${percent(top.share)}, is ${top.clientId}${where}.`
    : `${head}: ${percent(spread.share ?? 0)} of ${whole} is step '${spread.step}', spread over ${plural(clients.length, 'client')}.`;
}

function explainTotal(total: TotalChange, worse: ReadonlySet<string>): string | null {
  const { metric, aggregation, old, new: fresh, clients } = total;
  if (aggregation !== 'sum' || !isMaterial(old ?? 0, fresh ?? 0)) return null;
  const head = `${metric} ${describeChange(old, fresh)} (${drawNumber(old ?? 0)} → ${drawNumber(fresh ?? 0)})`;
  const lostShare = clients
    .filter(({ clientId }) => worse.has(clientId))
    .reduce((sum, { share }) => sum + (share ?? 0), 0);
  if (lostShare >= MOST) {
    const through = clients.map(({ clientId }) => clientId).filter((clientId) => worse.has(clientId));
    return `${head}: ${percent(lostShare)} of it through ${nameSome(through, NAMES_WIDTH)}.`;
  }
  const [top] = clients;
  if (top === undefined || top.share === null) return `${head}.`;
  return top.share >= MOST
    ? `${head}: ${percent(top.share)} of it is ${top.clientId}.`
    : `${head}, spread over ${plural(clients.length, 'client')}: the largest part, ${percent(top.share)}, is ${top.clientId}.`;
}

/** `halved`, `doubled`, `fell by 30 %`, `rose by 12 %`, `fell to nothing`, `is new`. */
export function describeChange(old: number | null, fresh: number | null): string {
  if (fresh === null) return 'is not reported any more';
  if (old === null) return 'is new';
  if (old === 0) return 'rose from nothing';
  if (fresh === 0) return 'fell to nothing';
  const times = fresh / old;
  if (times > 0.45 && times < 0.55) return 'halved';
  if (times > 1.9 && times < 2.1) return 'doubled';
  if (times >= 2.1) return `rose to ${drawNumber(Math.round(times * 10) / 10)} times as much`;
  return times > 1 ? `rose by ${percent(times - 1)}` : `fell by ${percent(1 - times)}`;
}

function explainBetter({ verdicts }: RunDiff): string | null {
  const better = verdicts.filter(({ kind }) => kind === 'better').map(({ clientId }) => clientId);
  if (better.length === 0) return null;
  return `${nameSome(better, NAMES_WIDTH)} ${better.length === 1 ? 'is' : 'are'} well again.`;
}

function explainRoster({ appeared, went }: RunDiff): string | null {
  const parts = [
    ...(appeared.length > 0
      ? [`${nameSome(appeared, NAMES_WIDTH)} ${appeared.length === 1 ? 'was' : 'were'} not there before`]
      : []),
    ...(went.length > 0 ? [`${nameSome(went, NAMES_WIDTH)} ${went.length === 1 ? 'is' : 'are'} gone`] : []),
  ];
  return parts.length === 0 ? null : `${parts.join('; ')}.`;
}

function isMaterial(old: number, fresh: number): boolean {
  return old === 0 ? fresh !== 0 : Math.abs(fresh - old) >= MATERIAL * Math.abs(old);
}

/** How much a number changed, whichever way: halving weighs as much as doubling. */
function ratio(old: number | null, fresh: number | null): number {
  if (old === fresh) return 0;
  if (old === null || fresh === null || old <= 0 || fresh <= 0) return Infinity;
  return Math.abs(Math.log(fresh / old));
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
