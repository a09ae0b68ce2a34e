/** Runs a named part of a run as a span. */
import { context, SpanStatusCode, type Attributes, type Context, type Span } from '@opentelemetry/api';
import { ATTR, shortenName, SPAN_KIND } from '@rollcall/semconv';
import { laterOf, now } from '../clock.ts';
import { safely } from '../faults.ts';
import { addToStamp } from '../otel/stamp.ts';
import { describeError } from './describe-error.ts';
import { isCancellation } from './ending.ts';
import type { Settled } from './cancellation.ts';
import type { Step } from './handles.ts';
import { observe } from './observe.ts';
import { RunContext } from './run-context.ts';
import { contextWithin, traced, type Scope } from './scope.ts';
import type { TrackedRun } from './tracked-run.ts';

/** Returns what `fn` returns and throws what it throws. */
export async function runStep<T>(
  owner: TrackedRun,
  name: string,
  fn: (step: Step) => T | PromiseLike<T>,
): Promise<T> {
  const step = startStep(owner, name);
  if (step === undefined) return fn(untrackedStep(name, owner.signal));
  try {
    return await context.with(step.context, fn, undefined, step);
  } catch (error) {
    failStep(step, error);
    throw error;
  } finally {
    endStep(step);
  }
}

// Apart, since a closure makes all variables of an asynchronous function around it outlive the call.
function startStep(owner: TrackedRun, name: string): TrackedStep | undefined {
  return safely('start a step', () => new TrackedStep(owner, name));
}

function failStep(step: TrackedStep, error: unknown): void {
  safely('report a failed step', () => step.fail(error));
}

function endStep(step: TrackedStep): void {
  safely('end a step', () => step.end());
}

/** The same for work that may be synchronous: its result comes back as it came. */
export function runStepNow<T>(
  owner: TrackedRun,
  name: string,
  fn: () => T,
  conclude: (settled: Settled<unknown>) => Settled<unknown>,
): T {
  const step = startStep(owner, name);
  if (step === undefined) return fn();
  return observe(
    () => context.with(step.context, fn),
    (settled) => {
      const concluded = conclude(settled);
      if (concluded.how === 'threw') step.fail(concluded.error);
      step.end();
    },
  );
}

/** A step that nobody watches. */
export function untrackedStep(name: string, signal: AbortSignal): Step {
  return {
    name,
    signal,
    set: () => undefined,
    step: async (innerName, fn) => fn(untrackedStep(innerName, signal)),
  };
}

const KIND = { [ATTR.SPAN_KIND]: SPAN_KIND.STEP };

export class TrackedStep implements Step {
  readonly name: string;
  readonly context: Context;
  readonly span: Span;
  readonly scope: Scope;
  readonly #owner: TrackedRun;
  readonly #startTime = now();
  #isOver = false;

  constructor(owner: TrackedRun, name: string) {
    this.#owner = owner;
    this.name = typeof name === 'string' && name.trim() !== '' ? shortenName(name.trim()) : 'unnamed step';
    const { outer, context: parent } = contextWithin(owner);
    const { run, client } = outer;
    const stamp = outer.stamp.atStep(this.name);
    this.scope = { run, ...(client === undefined ? {} : { client }), step: this.name, stamp, outer };
    const place = new RunContext(parent, this.scope);
    this.span = owner.core.tracer.startSpan(this.name, { startTime: this.#startTime }, traced(place));
    addToStamp(this.span, KIND);
    place.activate(this.span);
    this.context = place;
    owner.openSteps.add(this);
  }

  get signal(): AbortSignal {
    return this.#owner.signal;
  }

  set(attributes: Attributes): void {
    safely('set attributes of a step', () => this.span.setAttributes(attributes));
  }

  step<T>(name: string, fn: (step: Step) => T | PromiseLike<T>): Promise<T> {
    return runStep(this.#owner, name, fn);
  }

  fail(thrown: unknown): void {
    this.#owner.reportFailure(thrown, this);
    if (isCancellation(thrown, this.signal)) return;
    const { type, message } = describeError(thrown);
    this.span.setAttribute('error.type', type);
    this.span.setStatus({ code: SpanStatusCode.ERROR, message });
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#owner.openSteps.delete(this);
    this.span.end(laterOf(now(), this.#startTime));
  }

  /** Ends it with its process: it was under way, and did not come to its end. */
  interrupt(reason: string): void {
    this.span.setStatus({ code: SpanStatusCode.ERROR, message: reason });
    this.end();
  }
}
