/** Says what the running code is inside of: which job run, client run and step. */
import { context, propagation, trace, type Context, type Span } from '@opentelemetry/api';
import { isTracingSuppressed, unsuppressTracing } from '@opentelemetry/core';
import type { ClientRun } from './client-run.ts';
import type { Stamp } from '../otel/stamp.ts';
import type { JobRun } from './job-run.ts';
import { CARRIED } from './run-baggage.ts';
import { SCOPE_KEY } from './run-context.ts';

/** A place in a run. It travels in the OpenTelemetry context, through everything asynchronous. */
export interface Scope {
  readonly run: JobRun;
  readonly client?: ClientRun;
  readonly step?: string;
  /** Put on every span and log record that begins in here. */
  readonly stamp: Stamp;
  /** The scope around this one, within the same job run. */
  readonly outer?: Scope;
}

/** A context in which spans are made, whatever is around it. */
export function traced(parent: Context): Context {
  // To lift what is not there would copy the context all the same.
  return isTracingSuppressed(parent) ? unsuppressTracing(parent) : parent;
}

/** The context of a run that begins inside another: traced below it, but no part of it. */
export function withoutScope(parent: Context): Context {
  const baggage = propagation.getBaggage(parent)?.removeEntries(...CARRIED);
  const outside = parent.deleteValue(SCOPE_KEY);
  return baggage === undefined ? outside : propagation.setBaggage(outside, baggage);
}

/** A place in a run, with the span that is active there. */
export interface Place {
  scope: Scope;
  context: Context;
  span: Span;
}

/** Where in a run the calling code is, if in any. */
export function placeOf(): Place | undefined {
  const active = context.active();
  const scope = scopeOf(active);
  if (scope === undefined) return adoptedRun();
  const span = trace.getSpan(active) ?? (scope.client ?? scope.run).span;
  return { scope, context: active, span };
}

let adopted: JobRun | undefined;

/** Makes a run that of all code of the process which is in no other. */
export function adoptRun(run: JobRun): void {
  adopted = run;
}

export function adoptedRun(): JobRun | undefined {
  return adopted?.ended === false ? adopted : undefined;
}

export function scopeOf(of: Context = context.active()): Scope | undefined {
  return of.getValue(SCOPE_KEY) as Scope | undefined;
}

/**
 * The place where something that is called on a run begins: where the caller is, if that is inside this run,
 * else the run itself (a timer or an event of somebody else's may call it from anywhere).
 */
export function contextWithin(owner: { scope: Scope; context: Context }): {
  outer: Scope;
  context: Context;
} {
  const active = context.active();
  const scope = scopeOf(active);
  const isInside = scope?.run === owner.scope.run && scope.client === owner.scope.client;
  return isInside ? { outer: scope, context: active } : { outer: owner.scope, context: owner.context };
}
