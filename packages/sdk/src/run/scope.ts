/** Says what the running code is inside of: which job run, client run and step. */
import {
  context,
  createContextKey,
  propagation,
  trace,
  type Attributes,
  type BaggageEntry,
  type Context,
  type Span,
} from '@opentelemetry/api';
import { isTracingSuppressed, unsuppressTracing } from '@opentelemetry/core';
import { ATTR } from '@rollcall/semconv';
import type { ClientRun } from './client-run.ts';
import type { JobRun } from './job-run.ts';

/** A place in a run. It travels in the OpenTelemetry context, through everything asynchronous. */
export interface Scope {
  readonly run: JobRun;
  readonly client?: ClientRun;
  readonly step?: string;
  /** Put on every span and log record that begins in here. */
  readonly stamp: Attributes;
  /** The scope around this one, within the same job run. */
  readonly outer?: Scope;
}

const KEY = createContextKey('rollcall.scope');

export function withScope(parent: Context, scope: Scope): Context {
  return parent.setValue(KEY, scope);
}

/** A context in which spans are made, whatever is around it. */
export function traced(parent: Context): Context {
  // To lift what is not there would copy the context all the same.
  return isTracingSuppressed(parent) ? unsuppressTracing(parent) : parent;
}

/** The context of a run that begins inside another: traced below it, but no part of it. */
export function withoutScope(parent: Context): Context {
  const baggage = propagation.getBaggage(parent)?.removeEntries(...CARRIED);
  const outside = parent.deleteValue(KEY);
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
  return of.getValue(KEY) as Scope | undefined;
}

/** What other processes need in order to join a run. */
const CARRIED = [ATTR.RUN_ID, ATTR.RUN_ORIGIN, ATTR.JOB_NAME, ATTR.CLIENT_ID, ATTR.ATTEMPT];

/** Adds the run to the baggage, and leaves what else is in there. */
export function withBaggage(parent: Context, stamp: Attributes): Context {
  const entries: Record<string, BaggageEntry> = {};
  for (const [key, entry] of propagation.getBaggage(parent)?.getAllEntries() ?? []) entries[key] = entry;
  for (const key of CARRIED) {
    const value = stamp[key];
    if (typeof value === 'string' || typeof value === 'number') entries[key] = { value: String(value) };
  }
  // All at once: each entry that is set by itself copies the others.
  return propagation.setBaggage(parent, propagation.createBaggage(entries));
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
