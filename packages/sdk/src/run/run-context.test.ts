import {
  createContextKey,
  propagation,
  ROOT_CONTEXT,
  trace,
  TraceFlags,
  type Baggage,
  type Context,
} from '@opentelemetry/api';
import { W3CBaggagePropagator } from '@opentelemetry/core';
import { ATTR } from '@rollcall/semconv';
import { expect, test } from 'vitest';
import { RunBaggage } from './run-baggage.ts';
import { RunContext } from './run-context.ts';
import { scopeOf, type Scope } from './scope.ts';

const KEY = createContextKey('of an application');
// What is in a scope is nothing to a context.
const scope = { step: 'fetch' } as Scope;
const span = trace.wrapSpanContext({
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  traceFlags: TraceFlags.SAMPLED,
});

function placeIn(parent: Context, baggage?: Baggage): RunContext {
  const place = new RunContext(parent, scope, baggage);
  place.activate(span);
  return place;
}

test('what was set around it is still there, and what is set in it leaves it as it was', () => {
  const place = placeIn(ROOT_CONTEXT.setValue(KEY, 'around'));
  const inside = place.setValue(KEY, 'inside');

  expect(place.getValue(KEY)).toBe('around');
  expect(inside.getValue(KEY)).toBe('inside');
  expect(place.deleteValue(KEY).getValue(KEY)).toBeUndefined();
  expect(place.getValue(KEY)).toBe('around');
  expect(scopeOf(inside)).toBe(scope);
  expect(trace.getSpan(inside)).toBe(span);
});

test('another span and other baggage take the place of its own', () => {
  const other = trace.wrapSpanContext({ ...span.spanContext(), spanId: '00f067aa0ba902b7' });
  const place = placeIn(ROOT_CONTEXT, propagation.createBaggage({ tenant: { value: 'acme' } }));

  expect(trace.getSpan(trace.setSpan(place, other))).toBe(other);
  expect(trace.getSpan(trace.deleteSpan(place))).toBeUndefined();
  expect(propagation.getBaggage(propagation.deleteBaggage(place))).toBeUndefined();
  expect(propagation.getBaggage(place)?.getEntry('tenant')?.value).toBe('acme');
});

test('a span is made in a place that is not its own yet', () => {
  const place = new RunContext(trace.setSpan(ROOT_CONTEXT, span), scope);
  const inner = trace.wrapSpanContext({ ...span.spanContext(), spanId: '00f067aa0ba902b7' });

  expect(trace.getSpan(place.setValue(KEY, 'while it is made'))).toBe(span);
  place.activate(inner);
  expect(trace.getSpan(place)).toBe(inner);
  expect(trace.getSpan(place.setValue(KEY, 'after'))).toBe(inner);
});

test('its baggage tells the run beside what the application put there', () => {
  const parent = propagation.setBaggage(
    ROOT_CONTEXT,
    propagation.createBaggage({ tenant: { value: 'acme' }, [ATTR.CLIENT_ID]: { value: 'outer' } }),
  );
  const stamp = { [ATTR.RUN_ID]: '261127-120000', [ATTR.ATTEMPT]: 2, [ATTR.CLIENT_ID]: 'c1' };
  const baggage = new RunBaggage(parent, stamp);
  const carrier: { baggage?: string } = {};
  new W3CBaggagePropagator().inject(placeIn(parent, baggage), carrier, {
    set: (into: typeof carrier, key, value) => Object.assign(into, { [key]: value }),
  });

  expect(carrier.baggage?.split(',').toSorted()).toEqual([
    'rollcall.attempt=2',
    'rollcall.client.id=c1',
    'rollcall.run.id=261127-120000',
    'tenant=acme',
  ]);
  expect(
    baggage
      .setEntry('also', { value: 'this' })
      .removeEntry('tenant')
      .getAllEntries()
      .map(([key]) => key)
      .toSorted(),
  ).toEqual(['also', ATTR.ATTEMPT, ATTR.CLIENT_ID, ATTR.RUN_ID].toSorted());
  expect(baggage.removeEntries('tenant', ATTR.RUN_ID).getEntry('tenant')).toBeUndefined();
  expect(baggage.getEntry('tenant')).toEqual({ value: 'acme' });
  expect(baggage.clear().getAllEntries()).toEqual([]);
});
