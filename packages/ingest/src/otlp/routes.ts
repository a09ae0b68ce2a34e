/** Receives OTLP/HTTP 1.x on /v1/traces, /v1/metrics and /v1/logs. */
import { type Context, Hono } from 'hono';
import { type Block, type Encoding, type Refusal, type Signal, transcode } from '../rows/transcode.ts';
import type { RefusalReason } from './fault.ts';
import { type BodyLimits, readRequestBody } from './request-body.ts';
import {
  CONTENT_TYPES,
  encodingOf,
  errorResponse,
  exportResponse,
  type PartialSuccess,
} from './responses.ts';

/** `retry` is answered with 503, or the given status, and `Retry-After`: what the stock exporters try again. */
export type Acceptance =
  | { status: 'accepted' }
  | { status: 'retry'; afterMs: number; reason: string; httpStatus?: 429 | 503 };

export interface OtlpRoutesOptions {
  /** Keeps the blocks for good, or says when to come back; the sender is answered only then. */
  accept: (blocks: Block[], projectId: string) => Promise<Acceptance>;
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

/**
 * The three OTLP paths. Whoever mounts them authenticates first.
 *
 * @example
 * app.use('/v1/*', authenticate);
 * app.route('/', createOtlpRoutes({ accept: (blocks) => spool.append(blocks), projectOf: (c) => c.get('project') }));
 */
export function createOtlpRoutes({
  accept,
  projectOf,
  limits: { maxBodyBytes = 16 * 1024 * 1024, maxInflatedBytes = 64 * 1024 * 1024 } = {},
  clock = Date.now,
  onRefused = () => {},
  onError,
}: OtlpRoutesOptions): Hono {
  const app = new Hono();
  const limits = { maxBodyBytes, maxInflatedBytes };
  for (const signal of SIGNALS) {
    app.post(`/v1/${signal}`, (c) =>
      receive(c, signal, { accept, projectOf, limits, clock, onRefused, onError }),
    );
    app.all(`/v1/${signal}`, refuseMethod);
  }
  return app;
}

type Receiver = Required<Omit<OtlpRoutesOptions, 'limits' | 'onError'>> & {
  limits: BodyLimits;
  onError: OtlpRoutesOptions['onError'];
};

async function receive(c: Context, signal: Signal, receiver: Receiver): Promise<Response> {
  const encoding = encodingOf(c.req.header('content-type'));
  if (!encoding) return refuseContentType(c);
  const body = await readRequestBody(c, receiver.limits);
  if (body.status === 'refused') return errorResponse(body.httpStatus, encoding, body.message);

  const projectId = receiver.projectOf(c);
  const result = transcode(signal, encoding, body.bytes, { projectId, receivedAtMs: receiver.clock() });
  if (result.status === 'malformed') return errorResponse(400, encoding, result.message);

  const acceptance = await keep(result.blocks, projectId, receiver);
  if (acceptance.status === 'retry') return retryLater(acceptance, encoding);
  // Counted only once the rest is kept: a batch that comes again would count again.
  for (const { reason, count } of result.refused) receiver.onRefused(reason, count, { signal, projectId });
  return exportResponse(signal, encoding, partialSuccess(result.refused));
}

async function keep(blocks: Block[], projectId: string, { accept, onError }: Receiver): Promise<Acceptance> {
  if (blocks.length === 0) return { status: 'accepted' };
  try {
    return await accept(blocks, projectId);
  } catch (error) {
    if (!onError) throw error;
    onError(error);
    return {
      status: 'retry',
      afterMs: RETRY_AFTER_ERROR_MS,
      reason: 'The service could not keep the batch.',
    };
  }
}

function retryLater(
  { afterMs, reason, httpStatus = 503 }: Acceptance & { status: 'retry' },
  encoding: Encoding,
): Response {
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
