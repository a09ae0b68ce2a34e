/** Hands a run down to other processes, and takes one from them: by environment, headers or any carrier of texts. */
import { context, ROOT_CONTEXT, propagation, trace, TraceFlags, type Context } from '@opentelemetry/api';
import { W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { ATTR, checkClientId, isValidRunId } from '@rollcall/semconv';
import { safely, sdkLog } from '../faults.ts';
import type { Client, Run } from './handles.ts';
import { withBaggage } from './run-baggage.ts';
import { scopeOf } from './scope.ts';
import { TrackedRun } from './tracked-run.ts';

/** Enough to take part in a run: the record that a tracking service returned has it. */
export interface RunIdentity {
  /** `YYMMDD-HHMMSS` */
  runId: string;
  /** The job's name. */
  job: string;
  /** What tells the run apart from another with its ID, 32 hex digits; usually its trace ID. */
  origin: string;
  /** The client whose part of the run is meant. */
  clientId?: string | null | undefined;
  /** The try of that client. Default 1. */
  attempt?: number | null | undefined;
}

/** A run that came from elsewhere, and the context that its first span here hangs below. */
export interface HandedRun {
  identity: RunIdentity;
  parent: Context;
}

/** What a queue message or an HTTP request carries. */
export type Carrier = Record<string, string>;

/** Whatever holds headers: a `Headers`, the `headers` of a Node request, a plain object. */
export type HeadersLike =
  | { get(name: string): string | null | undefined }
  | Readonly<Record<string, string | readonly string[] | undefined>>;

const traceContext = new W3CTraceContextPropagator();
const baggageHeader = new W3CBaggagePropagator();
const ENV = {
  RUN_ID: 'ROLLCALL_RUN_ID',
  JOB_NAME: 'ROLLCALL_JOB_NAME',
  ORIGIN: 'ROLLCALL_RUN_ORIGIN',
  CLIENT_ID: 'ROLLCALL_CLIENT_ID',
} as const;

/**
 * Environment variables that let a child process join the run: the one around the caller unless given.
 * Empty outside any run.
 * @example
 * spawn('node', ['score.js'], { env: { ...process.env, ...runContextToEnv(run) } });
 */
export function runContextToEnv(run?: Run | Client | RunIdentity): Record<string, string> {
  const handed = safely('hand down a run', () => toHanded(run));
  if (handed === undefined) return {};
  const { traceparent, baggage } = toCarrier(handed.parent);
  const { runId, job, origin, clientId } = handed.identity;
  return {
    ...(traceparent === undefined ? {} : { TRACEPARENT: traceparent }),
    ...(baggage === undefined ? {} : { BAGGAGE: baggage }),
    [ENV.RUN_ID]: runId,
    [ENV.JOB_NAME]: job,
    [ENV.ORIGIN]: origin,
    ...(typeof clientId === 'string' ? { [ENV.CLIENT_ID]: clientId } : {}),
  };
}

/** Puts the run into HTTP headers or a queue message: `traceparent` and `baggage`. Returns the same carrier. */
export function injectRun<Given extends Carrier>(carrier: Given, run?: Run | Client | RunIdentity): Given {
  const handed = safely('hand down a run', () => toHanded(run));
  return handed === undefined ? carrier : Object.assign(carrier, toCarrier(handed.parent));
}

/** The run that came with headers or a message. Undefined where none did, or what came is none. */
export function runIn(headers: HeadersLike): HandedRun | undefined {
  return safely('read the run of a request', () => {
    const carrier = pickTexts({
      traceparent: headerOf(headers, 'traceparent'),
      tracestate: headerOf(headers, 'tracestate'),
      baggage: headerOf(headers, 'baggage'),
    });
    return fromCarrier(carrier, {});
  });
}

/** The run that this process was started under. */
export function runInEnvironment(env: NodeJS.ProcessEnv): HandedRun | undefined {
  const runId = env[ENV.RUN_ID];
  if (runId === undefined || runId === '') return undefined;
  return safely('read the run of the environment', () => {
    const carrier = pickTexts({ traceparent: env['TRACEPARENT'], baggage: env['BAGGAGE'] });
    const job = env[ENV.JOB_NAME];
    return fromCarrier(carrier, { runId, job, origin: env[ENV.ORIGIN], clientId: env[ENV.CLIENT_ID] });
  });
}

/** A run of which only the identity is known. */
export function runOf(identity: RunIdentity): HandedRun | undefined {
  return checked(identity, ROOT_CONTEXT);
}

function toHanded(run: Run | Client | RunIdentity | undefined): HandedRun | undefined {
  const scope = scopeOf();
  const tracked = run ?? scope?.client ?? scope?.run;
  if (tracked === undefined) return undefined;
  if (!(tracked instanceof TrackedRun)) {
    // The stand-in of a run that is not tracked has no identity to hand down.
    const handed = 'origin' in tracked ? runOf(tracked) : undefined;
    if (handed === undefined) return undefined;
    const { runId, job, origin, clientId, attempt } = handed.identity;
    const stamp = { [ATTR.RUN_ID]: runId, [ATTR.JOB_NAME]: job, [ATTR.RUN_ORIGIN]: origin };
    const client =
      typeof clientId === 'string' ? { [ATTR.CLIENT_ID]: clientId, [ATTR.ATTEMPT]: attempt ?? 1 } : {};
    return { identity: handed.identity, parent: withBaggage(ROOT_CONTEXT, { ...stamp, ...client }) };
  }
  const { attributes: stamp } = tracked.scope.stamp;
  // Where the caller is in a step of the run, its span is the parent of what the other process does.
  const isInside = scope !== undefined && (scope.client ?? scope.run) === tracked;
  const parent = isInside ? withBaggage(context.active(), stamp) : tracked.context;
  const clientId = stamp[ATTR.CLIENT_ID] as string | undefined;
  const identity = {
    runId: String(stamp[ATTR.RUN_ID]),
    job: String(stamp[ATTR.JOB_NAME]),
    origin: String(stamp[ATTR.RUN_ORIGIN]),
    clientId,
    attempt: tracked.attempt,
  };
  return { identity, parent };
}

function toCarrier(parent: Context): { traceparent?: string; baggage?: string } {
  const carrier: { traceparent?: string; baggage?: string } = {};
  const setter = {
    set: (into: typeof carrier, key: string, value: string) => Object.assign(into, { [key]: value }),
  };
  traceContext.inject(parent, carrier, setter);
  baggageHeader.inject(parent, carrier, setter);
  return carrier;
}

function fromCarrier(
  carrier: Carrier,
  known: { [Key in keyof RunIdentity]?: RunIdentity[Key] | undefined },
): HandedRun | undefined {
  const getter = { keys: (of: Carrier) => Object.keys(of), get: (of: Carrier, key: string) => of[key] };
  const remote = baggageHeader.extract(traceContext.extract(ROOT_CONTEXT, carrier, getter), carrier, getter);
  const baggage = propagation.getBaggage(remote);
  const carried = (key: string) => baggage?.getEntry(key)?.value;
  const runId = known.runId ?? carried(ATTR.RUN_ID);
  if (runId === undefined) return undefined;
  // The baggage of another run says nothing of this one.
  const isSame = carried(ATTR.RUN_ID) === runId;
  const spanContext = trace.getSpanContext(remote);
  return checked(
    {
      runId,
      job: known.job ?? (isSame ? carried(ATTR.JOB_NAME) : undefined) ?? '',
      origin: known.origin ?? (isSame ? carried(ATTR.RUN_ORIGIN) : undefined) ?? spanContext?.traceId ?? '',
      clientId: known.clientId ?? (isSame ? carried(ATTR.CLIENT_ID) : undefined),
      attempt: isSame ? Number(carried(ATTR.ATTEMPT) ?? 1) : 1,
    },
    remote,
  );
}

/** What comes from outside is looked at before it is put on everything that this process tells. */
function checked(given: RunIdentity, remote: Context): HandedRun | undefined {
  const { runId, job, origin, clientId } = given;
  const attempt = Number.isInteger(given.attempt) && Number(given.attempt) > 0 ? Number(given.attempt) : 1;
  const isClient = typeof clientId === 'string' && clientId !== '';
  const isSound =
    isValidRunId(runId) &&
    checkClientId(job).status === 'ok' &&
    /^(?!0{32})[\da-f]{32}$/.test(origin) &&
    (!isClient || checkClientId(clientId).status === 'ok');
  if (!isSound) {
    sdkLog.warn(`No run is joined: ${JSON.stringify({ runId, job, origin, clientId })} does not name one`);
    return undefined;
  }
  const identity = { runId, job, origin, attempt, ...(isClient ? { clientId } : {}) };
  return { identity, parent: sampled(remote) };
}

/** A run is recorded whatever the sampling around it. */
function sampled(remote: Context): Context {
  const spanContext = trace.getSpanContext(remote);
  if (spanContext === undefined) return remote;
  const traceFlags = spanContext.traceFlags | TraceFlags.SAMPLED;
  return trace.setSpanContext(remote, { ...spanContext, traceFlags });
}

function headerOf(headers: HeadersLike, name: string): string | undefined {
  if (typeof headers.get === 'function') return headers.get(name) ?? undefined;
  const found = Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1] as
    | string
    | string[]
    | undefined;
  return Array.isArray(found) ? found.join(',') : found;
}

function pickTexts(texts: Record<string, string | undefined>): Carrier {
  return Object.fromEntries(
    Object.entries(texts).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
