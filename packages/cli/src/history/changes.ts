/** Finds where a series of runs changed: by medians and their deviations, which a single odd run does not move. */

import { median, medianAbsoluteDeviation } from 'simple-statistics';

/** A number of one run. */
export interface Point {
  readonly runId: string;
  readonly value: number;
}

/** What is usual, told from the runs before. */
export interface Band {
  readonly low: number;
  readonly median: number;
  readonly high: number;
}

/** From a run on, the number is another one. */
export interface Step {
  readonly kind: 'step';
  readonly runId: string;
  readonly old: number;
  readonly new: number;
}

/** From run to run it grows or shrinks by about this part of itself: 0.03 is 3 %. */
export interface Trend {
  readonly kind: 'trend';
  readonly perRun: number;
  readonly fromRunId: string;
  readonly runs: number;
}

/** As many runs before tell what is usual; fewer than the fewest tell nothing. */
const BEFORE = 20;
const FEWEST_BEFORE = 5;
/** Makes a median absolute deviation the standard deviation that it would be of normal noise. */
const TO_SIGMA = 1.4826;
const BAND_SIGMAS = 3;
/** A series that never differed may still differ by so much without being odd. */
const LEAST_SPREAD = 0.02;

/** The band of what came before, or null where that is too little. */
export function usualBand(before: readonly number[]): Band | null {
  const recent = before.slice(-BEFORE);
  if (recent.length < FEWEST_BEFORE) return null;
  const middle = median([...recent]);
  const reach = BAND_SIGMAS * spreadOf(recent, middle);
  return { low: Math.max(0, middle - reach), median: middle, high: middle + reach };
}

function spreadOf(values: readonly number[], middle: number): number {
  return Math.max(TO_SIGMA * medianAbsoluteDeviation([...values]), LEAST_SPREAD * Math.abs(middle));
}

const FEWEST_AFTER = 3;
const STEP_SIGMAS = 4;
const STEP_PART = 0.15;

/** Steps, the earliest first: the largest is found, then those on either side of it. Values come the oldest first. */
export function findSteps(points: readonly Point[]): Step[] {
  let best: { index: number; score: number; step: Step } | undefined;
  for (let index = FEWEST_BEFORE; index <= points.length - FEWEST_AFTER; index++) {
    const found = stepAt(points, index);
    if (found !== null && found.score > (best?.score ?? 0)) best = { index, ...found };
  }
  if (best === undefined) return [];
  return [...findSteps(points.slice(0, best.index)), best.step, ...findSteps(points.slice(best.index))];
}

function stepAt(points: readonly Point[], index: number): { score: number; step: Step } | null {
  const before = points.slice(Math.max(0, index - BEFORE), index).map(({ value }) => value);
  const after = points.slice(index, index + BEFORE).map(({ value }) => value);
  const [old, fresh] = [median(before), median(after)];
  const change = Math.abs(fresh - old);
  if (change < STEP_PART * Math.abs(old) || change === 0) return null;
  if (change <= STEP_SIGMAS * Math.max(spreadOf(before, old), spreadOf(after, fresh))) return null;
  // The step is where the values cross over: the run before is one of the old kind, this one of the new.
  const [last = 0] = before.slice(-1);
  const [first = 0] = after;
  const isCrossing = Math.abs(first - fresh) < change / 2 && Math.abs(last - old) < change / 2;
  if (!isCrossing) return null;
  // Of two neighbours the one that fits better: what is left over on both sides is least.
  const left = [
    ...before.map((value) => Math.abs(value - old)),
    ...after.map((value) => Math.abs(value - fresh)),
  ];
  const score = change / (left.reduce((sum, one) => sum + one, 0) / left.length + LEAST_SPREAD * change);
  // It is told by the runs next to it: later ones may have changed again.
  const near = median(after.slice(0, FEWEST_AFTER));
  return { score, step: { kind: 'step', runId: points[index]?.runId ?? '', old, new: near } };
}

const FEWEST_OF_TREND = 8;
const TREND_RUNS = 30;
const LEAST_PER_RUN = 0.01;
/** Kendall's tau: how many of all pairs of runs agree on the direction. */
const LEAST_AGREEMENT = 0.6;
/** So many runs went on in the direction of the trend from the run before. */
const LEAST_ONWARD = 0.5;

/** Growth since the last step, or null: the median of all slopes between two runs (Theil and Sen), of the logarithm. */
export function findTrend(points: readonly Point[], steps: readonly Step[]): Trend | null {
  const lastStep = points.findLastIndex(({ runId }) => runId === steps.at(-1)?.runId);
  const recent = points.slice(Math.max(lastStep, 0)).slice(-TREND_RUNS);
  if (recent.length < FEWEST_OF_TREND || recent.some(({ value }) => value <= 0)) return null;
  const slopes: number[] = [];
  let agreeing = 0;
  for (const [i, one] of recent.entries()) {
    for (const [ahead, other] of recent.slice(i + 1).entries()) {
      const slope = Math.log(other.value / one.value) / (ahead + 1);
      slopes.push(slope);
      agreeing += Math.sign(slope);
    }
  }
  const perRun = Math.expm1(median(slopes));
  // Plateaus are no growth.
  const onward = recent.filter(
    ({ value }, index) => Math.sign(value - (recent[index - 1]?.value ?? value)) === Math.sign(perRun),
  );
  if (onward.length < LEAST_ONWARD * (recent.length - 1)) return null;
  if (Math.abs(perRun) < LEAST_PER_RUN || Math.abs(agreeing / slopes.length) < LEAST_AGREEMENT) return null;
  return { kind: 'trend', perRun, fromRunId: recent[0]?.runId ?? '', runs: recent.length };
}
