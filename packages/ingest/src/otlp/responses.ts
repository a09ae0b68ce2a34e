/** Writes the answers of OTLP/HTTP, in the encoding of the request. */
import type { Encoding } from '../rows/transcode.ts';
import type { Signal } from './records.ts';

export const CONTENT_TYPES: Readonly<Record<Encoding, string>> = {
  protobuf: 'application/x-protobuf',
  json: 'application/json',
};

/** `google.rpc.Code` of each HTTP status that we send. */
const RPC_CODES = { 400: 3, 401: 16, 403: 7, 405: 12, 413: 8, 415: 3, 429: 8, 503: 14 } as const;
export type ErrorStatus = keyof typeof RPC_CODES;

/** What was refused of a request that was otherwise accepted. */
export interface PartialSuccess {
  rejected: number;
  errorMessage: string;
}

const REJECTED_FIELDS: Readonly<Record<Signal, string>> = {
  traces: 'rejectedSpans',
  metrics: 'rejectedDataPoints',
  logs: 'rejectedLogRecords',
};

/** An `ExportTraceServiceResponse` or its siblings, which differ in one JSON name only. */
export function exportResponse(signal: Signal, encoding: Encoding, partial?: PartialSuccess): Response {
  if (encoding === 'protobuf') {
    return answer(200, encoding, partial ? lengthDelimited(1, partialSuccess(partial)) : Buffer.alloc(0));
  }
  if (!partial) return answer(200, encoding, '{}');
  const { rejected, errorMessage } = partial;
  // Protobuf's JSON writes a 64-bit integer as text.
  const body = { partialSuccess: { [REJECTED_FIELDS[signal]]: String(rejected), errorMessage } };
  return answer(200, encoding, JSON.stringify(body));
}

/** How a body is written, by its content type; undefined where that is neither of OTLP's two. */
export function encodingOf(contentType: string | undefined): Encoding | undefined {
  const bare = contentType?.split(';', 1)[0]?.trim().toLowerCase();
  if (bare === CONTENT_TYPES.protobuf) return 'protobuf';
  return bare === CONTENT_TYPES.json ? 'json' : undefined;
}

/** A `google.rpc.Status`. */
export function errorResponse(
  httpStatus: ErrorStatus,
  encoding: Encoding,
  message: string,
  headers: Record<string, string> = {},
): Response {
  const code = RPC_CODES[httpStatus];
  const body =
    encoding === 'json'
      ? JSON.stringify({ code, message })
      : Buffer.concat([varintField(1, code), lengthDelimited(2, Buffer.from(message))]);
  return answer(httpStatus, encoding, body, headers);
}

function answer(
  status: number,
  encoding: Encoding,
  body: Buffer<ArrayBuffer> | string,
  headers: Record<string, string> = {},
): Response {
  return new Response(body, { status, headers: { 'Content-Type': CONTENT_TYPES[encoding], ...headers } });
}

function partialSuccess({ rejected, errorMessage }: PartialSuccess): Buffer<ArrayBuffer> {
  return Buffer.concat([varintField(1, rejected), lengthDelimited(2, Buffer.from(errorMessage))]);
}

function varintField(fieldNumber: number, value: number): Buffer<ArrayBuffer> {
  return Buffer.from([fieldNumber << 3, ...varint(value)]);
}

function lengthDelimited(fieldNumber: number, bytes: Buffer<ArrayBuffer>): Buffer<ArrayBuffer> {
  return Buffer.concat([Buffer.from([(fieldNumber << 3) | 2, ...varint(bytes.length)]), bytes]);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return [...bytes, rest];
}
