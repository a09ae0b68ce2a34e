/** Receives OTLP/HTTP 1.x on /v1/traces, /v1/metrics and /v1/logs. */
import { type Context, Hono } from 'hono';
import {
  type Block,
  type Encoding,
  type Refusal,
  type Signal,
  type TableRows,
  Transcoder,
} from '../rows/transcode.ts';
import type { Repeats } from '../spool/repeats.ts';
import { BodyMemory } from './body-memory.ts';
import type { RefusalReason } from './fault.ts';
import { isNameable, requestKeyOf } from './request-key.ts';
import { type Body, type BodyLimits, readRequestBody } from './request-body.ts';
import {
  CONTENT_TYPES,
  encodingOf,
  errorResponse,
  exportResponse,
  type PartialSuccess,
} from './responses.ts';

/** Answered with 503, or the given status, and `Retry-After`: what the stock exporters try again. */
interface Retry {
  readonly status: 'retry';
  readonly afterMs: number;
  readonly reason: string;
  readonly httpStatus?: 429 | 503;
}

/** The rows of one request, which wait beside those of others to be taken. */
interface Rows {
  readonly projectId: string;
  readonly tables: readonly TableRows[];
  readonly sizeBytes: number;
}

export interface OtlpRoutesOptions {
  /**
   * Keeps rows for good; the sender is answered only then. `take` gives the blocks of all requests that wait: it is
   * called when they can be written, and those that have come meanwhile are in the same blocks.
   */
  accept: (take: () => Block[], rows: Rows) => Promise<void>;
  /** Why nothing is taken now, or null. What is decoded after that is to be accepted. */
  refusal?: () => Retry | null;
  /** Lets a request of about this size in, or says when to come back. */
  enter?: (projectId: string, sizeBytes: number) => { status: 'in'; leave: () => void } | Retry;
  /** Which requests were kept before: their rows are not kept again. Not given: every request is a new one. */
  repeats?: Pick<Repeats, 'alone' | 'tablesOf'>;
  /** Called for each request that was sent again after it had been kept. */
  onRepeated?: (request: { signal: Signal; projectId: string }) => void;
  /** The project of a request that was let in. */
  projectOf: (c: Context) => string;
  limits?: Partial<BodyLimits>;
  /** Milliseconds since 1970. */
  clock?: () => number;
  /** Called for each reason for which records of a request were refused. */
  onRefused?: (reason: RefusalReason, count: number, request: { signal: Signal; projectId: string }) => void;
  /** Given: hears what `accept` threw, and the sender is told to retry. Not given: the error goes on. */
  onError?: (error: unknown) => void;
}

const SIGNALS: readonly Signal[] = ['traces', 'metrics', 'logs'];
const RETRY_AFTER_ERROR_MS = 5_000;
/** Rows that wait for the disk, at most: it is slower than the senders. */
const MAX_WAITING_BYTES = 96 * 1024 * 1024;
/** What a compressed body is taken for before it is inflated. */
const ASSUMED_COMPRESSION = 6;

/**
 * The three OTLP paths. Whoever mounts them authenticates first.
 *
 * @example
 * app.use('/v1/*', authenticate);
 * app.route('/', createOtlpRoutes({ accept: async (take) => { await spool.append(take); }, projectOf: (c) => c.get('project') }));
 */
export function createOtlpRoutes({
  accept,
  refusal = () => null,
  enter = () => ({ status: 'in', leave: () => undefined }),
  projectOf,
  limits: { maxBodyBytes = 16 * 1024 * 1024, maxInflatedBytes = 64 * 1024 * 1024 } = {},
  clock = Date.now,
  onRefused = () => {},
  onRepeated = () => {},
  repeats,
  onError,
}: OtlpRoutesOptions): Hono {
  const app = new Hono();
  const limits = { maxBodyBytes, maxInflatedBytes };
  const transcoder = new Transcoder();
  const memory = new BodyMemory();
  for (const signal of SIGNALS) {
    app.post(`/v1/${signal}`, (c) =>
      receive(c, signal, {
        transcoder,
        memory,
        accept,
        refusal,
        enter,
        projectOf,
        limits,
        clock,
        onRefused,
        onRepeated,
        repeats,
        onError,
      }),
    );
    app.all(`/v1/${signal}`, refuseMethod);
  }
  return app;
}

type Receiver = Required<Omit<OtlpRoutesOptions, 'limits' | 'onError' | 'repeats'>> & {
  transcoder: Transcoder;
  memory: BodyMemory;
  limits: BodyLimits;
  onError: OtlpRoutesOptions['onError'];
  repeats: OtlpRoutesOptions['repeats'];
};

async function receive(c: Context, signal: Signal, receiver: Receiver): Promise<Response> {
  const encoding = encodingOf(c.req.header('content-type'));
  if (!encoding) return refuseContentType(c);
  const projectId = receiver.projectOf(c);
  const entry = receiver.enter(projectId, expectedBytes(c, receiver.limits));
  if (entry.status === 'retry') return retryLater(entry, encoding);
  try {
    const read = await readRequestBody(c, receiver.limits, receiver.memory);
    if (read.status === 'refused') return errorResponse(read.httpStatus, encoding, read.message);
    const { body } = read;
    try {
      return await keepOnce({ signal, encoding, body, projectId }, receiver);
    } finally {
      body.release();
    }
  } finally {
    entry.leave();
  }
}

/** About what the body will take in memory. */
function expectedBytes(c: Context, { maxBodyBytes, maxInflatedBytes }: BodyLimits): number {
  const announced = Number(c.req.header('content-length') ?? maxBodyBytes);
  const sizeBytes = announced <= maxBodyBytes ? announced : 0;
  const isCompressed = c.req.header('content-encoding') !== undefined;
  return isCompressed ? Math.min(sizeBytes * ASSUMED_COMPRESSION, maxInflatedBytes) : sizeBytes;
}

interface Received {
  readonly signal: Signal;
  readonly encoding: Encoding;
  readonly body: Body;
  readonly projectId: string;
}

async function keepOnce(received: Received, receiver: Receiver): Promise<Response> {
  const { repeats, transcoder } = receiver;
  const { projectId, signal, encoding, body } = received;
  if (repeats === undefined || !isNameable(signal, encoding, body.bytes)) return keep(received, receiver);
  const name = requestKeyOf(projectId, signal, body.bytes, (bytes) => transcoder.checksum(bytes));
  return repeats.alone(name, async () => keep(received, receiver, { name, kept: repeats.tablesOf(name) }));
}

async function keep(
  { signal, encoding, body, projectId }: Received,
  { transcoder, accept, refusal, clock, onRefused, onRepeated, onError }: Receiver,
  named?: { name: string; kept: readonly string[] },
): Promise<Response> {
  const refused = transcoder.sizeBytes > MAX_WAITING_BYTES ? DISK_IS_BEHIND : refusal();
  if (refused !== null) return retryLater(refused, encoding);
  // From here to `accept` nothing may wait: the rows are among those of others, and whoever takes these takes them all.
  const result = transcoder.add(signal, encoding, body.bytes, { projectId, receivedAtMs: clock() }, named);
  body.release();
  if (result.status === 'malformed') return errorResponse(400, encoding, result.message);
  const { rows: tables, sizeBytes } = result;
  try {
    if (tables.length > 0) await accept(() => transcoder.take(), { projectId, tables, sizeBytes });
  } catch (error) {
    if (!onError) throw error;
    onError(error);
    return retryLater(NOT_KEPT, encoding);
  }
  const answer = exportResponse(signal, encoding, partialSuccess(result.refused));
  if (named !== undefined && named.kept.length > 0) {
    onRepeated({ signal, projectId });
    return answer;
  }
  // Counted only once the rest is kept: a batch that comes again would count again.
  for (const { reason, count } of result.refused) onRefused(reason, count, { signal, projectId });
  return answer;
}

const DISK_IS_BEHIND: Retry = {
  status: 'retry',
  afterMs: 1_000,
  reason: 'The disk does not keep up; send it again in a while.',
};
const NOT_KEPT: Retry = {
  status: 'retry',
  afterMs: RETRY_AFTER_ERROR_MS,
  reason: 'The service could not keep the batch.',
};

function retryLater({ afterMs, reason, httpStatus = 503 }: Retry, encoding: Encoding): Response {
  const seconds = Math.max(1, Math.ceil(afterMs / 1_000));
  return errorResponse(httpStatus, encoding, reason, { 'Retry-After': String(seconds) });
}

function partialSuccess(refused: readonly Refusal[]): PartialSuccess | undefined {
  if (refused.length === 0) return undefined;
  return {
    rejected: refused.reduce((sum, refusal) => sum + refusal.count, 0),
    errorMessage: refused.map(({ reason, count, message }) => `${count} × ${reason}: ${message}`).join(' | '),
  };
}

function refuseContentType(c: Context): Response {
  const seen = JSON.stringify((c.req.header('content-type') ?? '').slice(0, 100));
  return errorResponse(
    415,
    'json',
    `Unknown content type ${seen}; use ${CONTENT_TYPES.protobuf} or ${CONTENT_TYPES.json}.`,
  );
}

function refuseMethod(c: Context): Response {
  return errorResponse(
    405,
    encodingOf(c.req.header('content-type')) ?? 'json',
    `OTLP is sent with POST, not ${c.req.method}.`,
    {
      Allow: 'POST',
    },
  );
}
