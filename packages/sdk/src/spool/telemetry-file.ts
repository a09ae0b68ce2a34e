/** One OTLP request as a file: what it is on the first line, then the compressed body. */

import { crc32, gzipSync } from 'node:zlib';

/** A request that waits for ingest. */
export interface KeptRequest {
  /** `v1/logs` */
  path: string;
  contentType: string;
  /** Compressed with gzip. */
  body: Uint8Array;
}

interface Header {
  rollcall: 1;
  path: string;
  contentType: string;
  sizeBytes: number;
  crc32: number;
}

const LINE_FEED = 10;
// The fastest level already shrinks OTLP about tenfold.
const GZIP_LEVEL = 1;
const PATHS = new Set(['v1/traces', 'v1/logs', 'v1/metrics']);

export function writeTelemetryFile(path: string, contentType: string, payload: Uint8Array): Buffer {
  const body = gzipSync(payload, { level: GZIP_LEVEL });
  const header: Header = { rollcall: 1, path, contentType, sizeBytes: body.length, crc32: crc32(body) };
  return Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), body]);
}

/** `torn`: a crash or a full disk cut it, or somebody else wrote it. */
export function readTelemetryFile(
  file: Buffer,
): { status: 'whole'; request: KeptRequest } | { status: 'torn'; reason: string } {
  const end = file.indexOf(LINE_FEED);
  if (end === -1) return { status: 'torn', reason: 'it has no header' };
  const header = parseHeader(file.subarray(0, end).toString());
  if (header === undefined) return { status: 'torn', reason: 'its header cannot be read' };
  const body = file.subarray(end + 1);
  if (body.length !== header.sizeBytes) {
    return { status: 'torn', reason: `it holds ${body.length} of ${header.sizeBytes} bytes` };
  }
  if (crc32(body) !== header.crc32) return { status: 'torn', reason: 'its checksum is wrong' };
  const { path, contentType } = header;
  return { status: 'whole', request: { path, contentType, body } };
}

function parseHeader(line: string): Header | undefined {
  try {
    const header = JSON.parse(line) as Partial<Header>;
    const { rollcall, path, contentType, sizeBytes, crc32: sum } = header;
    const isSound =
      rollcall === 1 &&
      PATHS.has(path ?? '') &&
      typeof contentType === 'string' &&
      typeof sizeBytes === 'number' &&
      typeof sum === 'number';
    return isSound ? (header as Header) : undefined;
  } catch {
    return undefined;
  }
}
