/** Reads and inflates the body of a request, within bounds. */
import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { gunzip, gunzipSync, inflate, inflateSync } from 'node:zlib';
import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import { viewOf } from '../native/region.ts';
import type { BodyMemory } from './body-memory.ts';

export interface BodyLimits {
  /** Bytes of the body as sent. */
  maxBodyBytes: number;
  /** Bytes of the body once inflated. */
  maxInflatedBytes: number;
}

export type RequestBody =
  | { status: 'ok'; body: Body }
  | { status: 'refused'; httpStatus: 400 | 413 | 415; message: string };

/**
 * The bytes of a body, until they are released. Whoever waits for the disk holds the body alone: bytes that outlive two
 * small collections of garbage would lie about until the next large one.
 */
export class Body {
  #bytes: Uint8Array;
  #giveBack: () => void;

  constructor(bytes: Uint8Array, giveBack = nothing) {
    this.#bytes = bytes;
    this.#giveBack = giveBack;
  }

  /** None once they are released. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Gives the memory back. Nobody may look at bytes that he was given before. */
  release(): void {
    this.#bytes = NO_BYTES;
    this.#giveBack();
    this.#giveBack = nothing;
  }
}

const NO_BYTES = new Uint8Array(0);

/** The body of the request, inflated. Stops reading, and inflating, as soon as a bound is passed. */
export async function readRequestBody(
  c: Context,
  limits: BodyLimits,
  memory: BodyMemory,
): Promise<RequestBody> {
  const encoding = (c.req.header('content-encoding') ?? 'identity').trim().toLowerCase();
  const inflater = INFLATERS.get(encoding);
  if (!inflater && encoding !== 'identity' && encoding !== '') {
    return refused(
      415,
      `Unknown content encoding ${JSON.stringify(encoding)}; use gzip, deflate or identity.`,
    );
  }
  const announcedBytes = Number(c.req.header('content-length') ?? 0);
  if (announcedBytes > limits.maxBodyBytes) return bodyTooLarge(limits);
  const { incoming }: Partial<HttpBindings> = c.env ?? {};
  const read =
    announcedBytes > ONE_CHUNK_BYTES && incoming
      ? await readAnnounced(incoming, announcedBytes, memory)
      : await readBounded(bodyChunks(c), limits);
  if (read.status !== 'ok' || !inflater) return read;
  try {
    return await inflateBounded(read.body.bytes, inflater, limits);
  } finally {
    read.body.release();
  }
}

interface Inflater {
  /** Bytes of each piece of memory that the result is written to. */
  pieceBytes: (bytes: Uint8Array) => number;
  now: typeof gunzipSync;
  later: (bytes: Uint8Array, options: { maxOutputLength: number; chunkSize: number }) => Promise<Uint8Array>;
}

const INFLATERS = new Map<string, Inflater>([
  ['gzip', { pieceBytes: announcedSize, now: gunzipSync, later: promisify(gunzip) }],
  ['deflate', { pieceBytes: () => CHUNK_BYTES, now: inflateSync, later: promisify(inflate) }],
]);
/** What is small before and after is inflated at once, which is fastest; it takes some 10 ms at most. */
const MAX_SYNC_BYTES = 512 * 1024;
const MAX_SYNC_INFLATED_BYTES = 4 * 1024 * 1024;
/** Where the size is not known: measured as the fastest. */
const CHUNK_BYTES = 64 * 1024;

/**
 * Node's own stream where there is one: reading it takes a third less time than through a web stream.
 * It is left open when reading stops early, so that the answer can still be sent.
 */
function bodyChunks(c: Context): AsyncIterable<Uint8Array> | null {
  const { incoming }: Partial<HttpBindings> = c.env ?? {};
  return incoming ? incoming.iterator({ destroyOnReturn: false }) : c.req.raw.body;
}

/** Node reads so much at once. */
const ONE_CHUNK_BYTES = 64 * 1024;

/** Reads a body whose length is known into memory that is lent. */
async function readAnnounced(
  incoming: IncomingMessage,
  announcedBytes: number,
  memory: BodyMemory,
): Promise<RequestBody> {
  const lent = memory.take(announcedBytes);
  const sizeBytes = await readInto(incoming, lent);
  if (sizeBytes === announcedBytes) {
    return { status: 'ok', body: new Body(lent.subarray(0, sizeBytes), () => memory.give(lent)) };
  }
  memory.give(lent);
  return refused(400, `The request body broke off after ${sizeBytes} bytes; send it again.`);
}

/** Resolves with the number of bytes that came. Listening takes less than an iterator, which awaits each chunk. */
function readInto(incoming: IncomingMessage, target: Buffer): Promise<number> {
  return new Promise((resolve) => {
    let sizeBytes = 0;
    incoming.on('data', (chunk: Buffer) => {
      // Node ends a request behind the bytes that it announced.
      target.set(chunk, sizeBytes);
      sizeBytes += chunk.length;
    });
    // One that broke off before now says nothing any more.
    if (incoming.destroyed) resolve(0);
    for (const event of ['end', 'error', 'close']) incoming.once(event, () => resolve(sizeBytes));
  });
}

async function readBounded(
  chunks: AsyncIterable<Uint8Array> | null,
  limits: BodyLimits,
): Promise<RequestBody> {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  try {
    for await (const chunk of chunks ?? []) {
      sizeBytes += chunk.byteLength;
      if (sizeBytes > limits.maxBodyBytes) return bodyTooLarge(limits);
      parts.push(chunk);
    }
  } catch {
    return refused(400, `The request body broke off after ${sizeBytes} bytes; send it again.`);
  }
  const bytes = parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
  return { status: 'ok', body: new Body(bytes) };
}

async function inflateBounded(
  bytes: Uint8Array,
  inflater: Inflater,
  { maxInflatedBytes }: BodyLimits,
): Promise<RequestBody> {
  try {
    const inflated = inflateNow(bytes, inflater, maxInflatedBytes) ?? (await inflateLater());
    return { status: 'ok', body: new Body(inflated, () => free(inflated)) };
  } catch (error) {
    if (isTooLarge(error)) {
      return refused(413, `The body inflates to more than ${maxInflatedBytes} bytes; send smaller batches.`);
    }
    const why = error instanceof Error ? error.message : String(error);
    return refused(400, `The body can not be inflated: ${why}; check its content encoding.`);
  }

  function inflateLater(): Promise<Uint8Array> {
    const chunkSize = Math.min(inflater.pieceBytes(bytes), maxInflatedBytes);
    return inflater.later(bytes, { maxOutputLength: maxInflatedBytes, chunkSize });
  }
}

/** Null where it is too large to be done on the event loop. */
function inflateNow(
  bytes: Uint8Array,
  { now, pieceBytes }: Inflater,
  maxInflatedBytes: number,
): Uint8Array | null {
  if (bytes.length > MAX_SYNC_BYTES) return null;
  const maxOutputLength = Math.min(MAX_SYNC_INFLATED_BYTES, maxInflatedBytes);
  try {
    return now(bytes, { maxOutputLength, chunkSize: Math.min(pieceBytes(bytes), maxOutputLength) });
  } catch (error) {
    if (isTooLarge(error) && maxOutputLength < maxInflatedBytes) return null;
    throw error;
  }
}

/** Of a member of no bytes at all. */
const SHORTEST_GZIP_BYTES = 20;
/** Bytes that a byte can become. */
const HIGHEST_COMPRESSION = 1_032;

/**
 * Gives the memory of an inflated body back at once. What zlib made it with lives on until the next large collection of
 * garbage, and holds it.
 */
function free({ buffer }: Uint8Array): void {
  // Less than a piece may lie in memory that small buffers share.
  if (buffer instanceof ArrayBuffer && buffer.byteLength >= CHUNK_BYTES) buffer.transfer(0);
}

function nothing(): void {
  // The memory is nobody else's.
}

/**
 * What gzip says at its end that it inflates to, rounded up: in one piece of memory there is nothing to put together,
 * which takes a quarter less time. It may be a lie, or be said of the last of several members: then there are more pieces.
 */
function announcedSize(gzip: Uint8Array): number {
  if (gzip.length < SHORTEST_GZIP_BYTES) return CHUNK_BYTES;
  const announcedBytes = viewOf(gzip).getUint32(gzip.length - 4, true);
  const sizeBytes = Math.min(announcedBytes, gzip.length * HIGHEST_COMPRESSION);
  return Math.ceil((sizeBytes + 1) / CHUNK_BYTES) * CHUNK_BYTES;
}

function isTooLarge(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
}

function bodyTooLarge({ maxBodyBytes }: BodyLimits): RequestBody {
  return refused(
    413,
    `The body has more than ${maxBodyBytes} bytes; send smaller batches, or compress them.`,
  );
}

function refused(httpStatus: 400 | 413 | 415, message: string): RequestBody {
  return { status: 'refused', httpStatus, message };
}
