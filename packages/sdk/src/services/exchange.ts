/** Makes one HTTP request to the tracking API and says what became of it. */
import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';

export interface ExchangeOptions {
  /** Base URL of ingest. */
  endpoint: URL;
  headers: Readonly<Record<string, string>>;
}

export interface TrackingRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH';
  path: string;
  body?: unknown;
  key?: string;
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

/**
 * `unavailable`: nothing is wrong with the request, so it is to be kept; `again` says whether asking soon may help.
 * `refused`: this request will never be accepted as it is.
 */
export type Exchanged =
  | { status: 'accepted'; record: Record<string, unknown>; created: boolean }
  | { status: 'refused'; code: string; detail: string; record?: unknown }
  | { status: 'unavailable'; again: boolean; reason: string; afterMs?: number; cause?: unknown };

/** Does not throw, except for `signal.reason` once the caller's own signal has aborted. */
export async function exchange(options: ExchangeOptions, request: TrackingRequest): Promise<Exchanged> {
  request.signal?.throwIfAborted();
  try {
    // Outside any run and untraced, so that tracking does not trace itself.
    const response = await context.with(suppressTracing(ROOT_CONTEXT), async () => send(options, request));
    return classify(response, await readBody(response));
  } catch (cause) {
    if (request.signal?.aborted === true) throw request.signal.reason;
    return { status: 'unavailable', again: true, reason: reasonOf(cause, request.timeoutMs), cause };
  }
}

async function send({ endpoint, headers }: ExchangeOptions, request: TrackingRequest): Promise<Response> {
  const { method, path, body, key, timeoutMs, signal } = request;
  // It takes whole milliseconds only, and Node fires a longer timer at once.
  const timeout = AbortSignal.timeout(Math.min(2_147_483_647, Math.ceil(timeoutMs)));
  return fetch(urlOf(endpoint, path), {
    method,
    // A redirect would carry the key to wherever it points.
    redirect: 'manual',
    signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    headers: {
      'user-agent': 'rollcall-sdk-node',
      ...headers,
      ...(key === undefined ? {} : { 'idempotency-key': key }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

function urlOf(endpoint: URL, path: string): string {
  return `${endpoint.origin}${endpoint.pathname.replace(/\/$/, '')}${path}`;
}

/** JSON objects only: whatever else answers on this port is not ingest. */
async function readBody(response: Response): Promise<Record<string, unknown> | undefined> {
  const text = await response.text();
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function classify(response: Response, body: Record<string, unknown> | undefined): Exchanged {
  const { status } = response;
  const code = typeof body?.['code'] === 'string' ? body['code'] : undefined;
  const detail = typeof body?.['detail'] === 'string' ? body['detail'] : `HTTP ${status}`;
  if (response.ok && body !== undefined) {
    const created = status === 201 && !response.headers.has('idempotent-replay');
    return { status: 'accepted', record: body, created };
  }
  const afterMs = readRetryAfter(response.headers.get('retry-after'));
  const after = afterMs === undefined ? {} : { afterMs };
  if (status === 408 || status === 429 || status >= 500) {
    return { status: 'unavailable', again: true, reason: `HTTP ${status}: ${detail}`, ...after };
  }
  // A wrong key, or something else than ingest on this port, can be put right while the data waits.
  if (status === 401 || status === 403 || code === undefined) {
    return { status: 'unavailable', again: false, reason: `HTTP ${status}: ${detail}` };
  }
  return { status: 'refused', code, detail, ...('record' in body! ? { record: body['record'] } : {}) };
}

/** Seconds, or a date (RFC 9110, section 10.2.3). */
function readRetryAfter(value: string | null): number | undefined {
  if (value === null) return undefined;
  const afterMs = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(afterMs) ? Math.max(0, afterMs) : undefined;
}

/** fetch hides what happened in the cause of a TypeError; several addresses are an AggregateError without a message. */
function reasonOf(thrown: unknown, timeoutMs: number): string {
  if (!(thrown instanceof Error)) return String(thrown);
  if (thrown.name === 'TimeoutError') return `No answer within ${timeoutMs} ms`;
  const { cause } = thrown;
  if (!(cause instanceof Error)) return thrown.message;
  if (cause.message !== '') return cause.message;
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : thrown.message;
}
