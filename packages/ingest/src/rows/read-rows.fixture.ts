/** Reads transcoded rows back, for tests. */
import type { OtelTable } from './tables.ts';
import { readBlocks, type TestRow } from '../native/read-block.fixture.ts';
import type { Encoding } from './transcode.ts';
import { transcode, type TranscodedBlocks } from './transcode.fixture.ts';
import { encodeProtobuf, type JsonRequest } from '../otlp/protobuf-request.fixture.ts';
import type { Signal } from '../otlp/records.ts';

export const CONTEXT = { projectId: 'acme', receivedAtMs: Date.UTC(2026, 0, 2, 3, 4, 5, 678) };
export const RECEIVED_AT = 1_767_323_045;

export const TRACE_ID = '5b8efff798038103d269b633813fc60c';
export const SPAN_ID = 'eee19b7ec3c1b174';

export type { TestRow };

/** The rows for one table; integers that a double can not hold come as their digits. */
export function rowsOf(result: TranscodedBlocks, table: OtelTable): TestRow[] {
  if (result.status !== 'ok') throw new Error(result.message);
  const block = result.blocks.find((candidate) => candidate.table === table);
  return block === undefined ? [] : readBlocks(block.bytes);
}

/** Transcodes a request written as an object, in the encoding asked for. */
export function transcodeRequest(
  signal: Signal,
  request: JsonRequest,
  encoding: Encoding = 'json',
): TranscodedBlocks {
  const body = encoding === 'json' ? Buffer.from(JSON.stringify(request)) : encodeProtobuf(signal, request);
  return transcode(signal, encoding, body, CONTEXT);
}

/** A request with these spans. */
export function spansRequest(
  spans: readonly unknown[],
  resourceAttributes: readonly unknown[] = [],
): JsonRequest {
  return { resourceSpans: [{ resource: { attributes: resourceAttributes }, scopeSpans: [{ spans }] }] };
}

/** A request with these log records. */
export function logsRequest(
  logRecords: readonly unknown[],
  resourceAttributes: readonly unknown[] = [],
): JsonRequest {
  return { resourceLogs: [{ resource: { attributes: resourceAttributes }, scopeLogs: [{ logRecords }] }] };
}

/** A request with these metrics. */
export function metricsRequest(
  metrics: readonly unknown[],
  resourceAttributes: readonly unknown[] = [],
): JsonRequest {
  return { resourceMetrics: [{ resource: { attributes: resourceAttributes }, scopeMetrics: [{ metrics }] }] };
}

/** A span that is accepted, changed by `changes`. */
export function span(changes: JsonRequest = {}): JsonRequest {
  return {
    traceId: TRACE_ID,
    spanId: SPAN_ID,
    name: 'score',
    startTimeUnixNano: '1544712660000000001',
    endTimeUnixNano: '1544712661000000000',
    ...changes,
  };
}

/** An attribute with a text. */
export function text(key: string, stringValue: string): JsonRequest {
  return { key, value: { stringValue } };
}
