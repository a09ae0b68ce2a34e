/** Facts about OTLP over HTTP. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync, gzipSync } from 'node:zlib';
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { serve } from '@hono/node-server';
import { describe, expect, test } from 'vitest';
import { readBlocks } from '../native/read-block.fixture.ts';
import { logsRequest, metricsRequest, span, spansRequest } from '../rows/read-rows.fixture.ts';
import type { Block } from '../rows/table-writer.ts';
import { encodeProtobuf } from './protobuf-request.fixture.ts';
import { Repeats } from '../spool/repeats.ts';
import { createOtlpRoutes, type OtlpRoutesOptions } from './routes.ts';

const PROTOBUF = 'application/x-protobuf';
const JSON_TYPE = 'application/json';

/** Routes that remember what they were asked to keep. */
function receiver(options: Partial<OtlpRoutesOptions> = {}) {
  const kept: { blocks: Block[]; projectId: string }[] = [];
  const refused: unknown[] = [];
  const app = createOtlpRoutes({
    projectOf: () => 'acme',
    accept: async (take, { projectId }) => {
      kept.push({ blocks: take(), projectId });
    },
    onRefused: (...call) => refused.push(call),
    ...options,
  });
  const post = (path: string, body: Uint8Array | string, headers: Record<string, string>) =>
    app.request(path, { method: 'POST', body: body as Uint8Array<ArrayBuffer> | string, headers });
  return { app, post, kept, refused };
}

const json = (request: unknown) => JSON.stringify(request);

describe('a request that is accepted', () => {
  test('protobuf is answered in protobuf, with an empty message', async () => {
    const { post, kept } = receiver();
    const body = encodeProtobuf('traces', spansRequest([span()]));

    const response = await post('/v1/traces', body, { 'content-type': PROTOBUF });

    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe(PROTOBUF);
    expect((await response.arrayBuffer()).byteLength).toBe(0);
    expect(kept).toMatchObject([{ projectId: 'acme', blocks: [{ table: 'otel_traces', rows: 1 }] }]);
  });

  test.each([
    ['/v1/traces', spansRequest([span()]), 'otel_traces'],
    ['/v1/logs', logsRequest([{}]), 'otel_logs'],
    [
      '/v1/metrics',
      metricsRequest([{ name: 'm', sum: { dataPoints: [{ timeUnixNano: '5', asInt: '1' }] } }]),
      'otel_metrics_sum',
    ],
  ])('JSON to %s is answered in JSON, with an empty object', async (path, request, table) => {
    const { post, kept } = receiver();

    const response = await post(path, json(request), { 'content-type': 'Application/JSON; charset=utf-8' });

    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe(JSON_TYPE);
    expect(await response.json()).toEqual({});
    expect(kept).toMatchObject([{ blocks: [{ table, rows: 1 }] }]);
  });

  test.each([
    ['gzip', 'one piece', gzipSync],
    ['gzip', 'two members', gzipInTwo],
    ['deflate', 'one piece', deflateSync],
    ['identity', 'one piece', (bytes: string) => bytes],
  ])('a body in %s is read: %s', async (encoding, _pieces, compress) => {
    const { post, kept } = receiver();
    const headers = { 'content-type': JSON_TYPE, 'content-encoding': encoding };

    const response = await post('/v1/traces', compress(json(spansRequest([span()]))), headers);

    expect(response.status).toBe(200);
    expect(kept).toHaveLength(1);
  });

  test('an empty protobuf message is an empty request: nothing to keep', async () => {
    const { post, kept } = receiver();
    const response = await post('/v1/logs', Buffer.alloc(0), { 'content-type': PROTOBUF });
    expect(response.status).toBe(200);
    expect(kept).toEqual([]);
  });

  test('rows carry the time of arrival', async () => {
    const { post, kept } = receiver({ clock: () => 1_767_323_045_999 });
    await post('/v1/logs', json(logsRequest([{}])), { 'content-type': JSON_TYPE });
    const [row] = readBlocks(kept[0]?.blocks[0]?.bytes ?? Buffer.alloc(0));
    expect(row).toMatchObject({ ReceivedAt: 1_767_323_045 });
  });
});

describe('a request with records to refuse', () => {
  const request = spansRequest([span(), span({ traceId: '' }), span({ spanId: '' }), span({ traceId: '' })]);

  test('keeps the rest, and the JSON answer says how many and why', async () => {
    const { post, kept, refused } = receiver();

    const response = await post('/v1/traces', json(request), { 'content-type': JSON_TYPE });

    expect(response.status).toBe(200);
    const answer = JsonTraceSerializer.deserializeResponse(new Uint8Array(await response.arrayBuffer()));
    expect(Number(answer.partialSuccess?.rejectedSpans)).toBe(3);
    expect(answer.partialSuccess?.errorMessage).toMatch(/^2 × invalid_trace_id: .* \| 1 × invalid_span_id: /);
    expect(kept).toMatchObject([{ blocks: [{ rows: 1 }] }]);
    expect(refused).toEqual([
      ['invalid_trace_id', 2, { signal: 'traces', projectId: 'acme' }],
      ['invalid_span_id', 1, { signal: 'traces', projectId: 'acme' }],
    ]);
  });

  test('says the same in protobuf, as the stock exporter reads it', async () => {
    const { post } = receiver();

    const response = await post('/v1/traces', encodeProtobuf('traces', request), {
      'content-type': PROTOBUF,
    });

    const answer = ProtobufTraceSerializer.deserializeResponse(new Uint8Array(await response.arrayBuffer()));
    expect(Number(answer.partialSuccess?.rejectedSpans)).toBe(3);
    expect(answer.partialSuccess?.errorMessage).toContain('2 × invalid_trace_id');
  });

  test.each([
    ['/v1/logs', logsRequest([{ severityNumber: 99 }]), 'rejectedLogRecords'],
    ['/v1/metrics', metricsRequest([{ name: 'm' }]), 'rejectedDataPoints'],
  ])('%s counts them under its own name', async (path, body, name) => {
    const { post, kept } = receiver();
    const response = await post(path, json(body), { 'content-type': JSON_TYPE });
    expect(await response.json()).toMatchObject({ partialSuccess: { [name]: '1' } });
    expect(kept).toEqual([]);
  });
});

describe('a request that fails', () => {
  const limits = { maxBodyBytes: 1_000, maxInflatedBytes: 5_000 };

  test.each([
    ['a body that is not OTLP', 400, 3, '{"resourceSpans":', {}],
    [
      'a compressed body that is cut',
      400,
      3,
      gzipSync(json(spansRequest([span()]))).subarray(0, -9),
      gzipped(),
    ],
    ['a body that is not compressed as it says', 400, 3, '{}', gzipped()],
    ['a compressed body that says it is larger than it is', 400, 3, boastful(), gzipped()],
    ['a body that is too long', 413, 8, 'x'.repeat(1_001), {}],
    ['a body that inflates beyond bounds', 413, 8, gzipSync(Buffer.alloc(500_000)), gzipped()],
    ['an unknown content encoding', 415, 3, '{}', { 'content-encoding': 'br' }],
  ])('%s: %i', async (_what, status, code, body, headers) => {
    for (const contentType of [JSON_TYPE, PROTOBUF]) {
      const { post, kept } = receiver({ limits });

      const response = await post('/v1/traces', body, { 'content-type': contentType, ...headers });

      expect(response.status).toBe(status);
      expect(response.headers.get('content-type')).toBe(contentType);
      expect(await readStatus(response)).toEqual({ code, message: expect.stringMatching(/\w+/) as string });
      expect(kept).toEqual([]);
    }
  });

  test('a large bomb is inflated off the event loop, and stopped', async () => {
    const { post } = receiver({ limits: { maxBodyBytes: 1_000_000, maxInflatedBytes: 1_000_000 } });
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
    expect(bomb.length).toBeGreaterThan(16 * 1024);

    const response = await post('/v1/traces', bomb, { 'content-type': PROTOBUF, ...gzipped() });

    expect(response.status).toBe(413);
  });

  test.each([['text/plain'], ['application/grpc'], ['']])(
    'the content type "%s" is answered with 415',
    async (type) => {
      const { post } = receiver();
      const response = await post('/v1/traces', Buffer.from('{}'), { 'content-type': type });
      expect(response.status).toBe(415);
      expect(await response.json()).toMatchObject({
        code: 3,
        message: expect.stringContaining(PROTOBUF) as string,
      });
    },
  );

  test.each([['GET'], ['PUT'], ['DELETE'], ['PATCH']])('%s is answered with 405', async (method) => {
    const { app } = receiver();
    const response = await app.request('/v1/metrics', { method });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('POST');
    expect(await response.json()).toMatchObject({ code: 12 });
  });
});

describe('a request that can not be kept now', () => {
  test.each([
    [503, 14, { status: 'retry', afterMs: 1_200, reason: 'The spool is full.' }],
    [429, 8, { status: 'retry', afterMs: 1_200, reason: 'The spool is full.', httpStatus: 429 }],
  ] as const)(
    'is answered with %i and the seconds to wait, and nothing is counted',
    async (status, code, answer) => {
      const { post, kept, refused } = receiver({ refusal: () => answer });
      const body = encodeProtobuf('traces', spansRequest([span(), span({ traceId: '' })]));

      const response = await post('/v1/traces', body, { 'content-type': PROTOBUF });

      expect(response.status).toBe(status);
      expect(response.headers.get('retry-after')).toBe('2');
      expect(await readStatus(response)).toEqual({ code, message: 'The spool is full.' });
      expect(refused).toEqual([]);
      expect(kept).toEqual([]);
    },
  );

  test('a project that may not send now is told so before its body is read', async () => {
    const answer = { status: 'retry', afterMs: 3_000, reason: 'too much at once', httpStatus: 429 } as const;
    const { post } = receiver({ enter: () => answer });

    const response = await post('/v1/traces', 'not even a body', { 'content-type': JSON_TYPE });

    expect(response.status).toBe(429);
    expect(response.headers.get('retry-after')).toBe('3');
  });

  test('whoever was let in leaves, whatever became of the request', async () => {
    let inside = 0;
    const enter = () => {
      inside++;
      return { status: 'in' as const, leave: () => void inside-- };
    };
    const { post } = receiver({ enter });
    const { post: postInVain } = receiver({
      enter,
      accept: () => Promise.reject(new Error('disk gone')),
      onError: () => undefined,
    });

    await post('/v1/logs', json(logsRequest([{}])), { 'content-type': JSON_TYPE });
    await post('/v1/logs', 'no JSON', { 'content-type': JSON_TYPE });
    await postInVain('/v1/logs', json(logsRequest([{}])), { 'content-type': JSON_TYPE });

    expect(inside).toBe(0);
  });

  test('requests that arrive together are written as one block', async () => {
    const blocks: Block[][] = [];
    const { promise: written, resolve } = Promise.withResolvers<void>();
    const { post } = receiver({
      accept: async (take) => {
        await written;
        blocks.push(take());
      },
    });
    const body = encodeProtobuf('traces', spansRequest([span(), span()]));

    const answers = Array.from({ length: 3 }, async () =>
      post('/v1/traces', body, { 'content-type': PROTOBUF }),
    );
    const malformed = await post('/v1/traces', body.subarray(0, -1), { 'content-type': PROTOBUF });
    resolve();
    const statuses = (await Promise.all(answers)).map(({ status }) => status);

    expect(statuses).toEqual([200, 200, 200]);
    expect(malformed.status).toBe(400);
    expect(blocks.map((taken) => taken.map(({ rows }) => rows))).toEqual([[6], [], []]);
  });

  test('lines without any time are new each time they are sent; with a time they are kept once', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rollcall-repeats-'));
    const repeats = await Repeats.open(folder);
    const rows: number[] = [];
    const { post } = receiver({
      repeats,
      accept: async (take) => {
        for (const block of take()) {
          rows.push(block.rows);
          repeats.note(block.table, block.requests ?? []);
        }
      },
    });
    const alive = { body: { stringValue: 'the nightly backup is done' } };
    const send = async (record: object): Promise<unknown> =>
      post('/v1/logs', json(logsRequest([record])), { 'content-type': JSON_TYPE });

    for (let night = 0; night < 3; night++) await send(alive);
    expect(rows).toEqual([1, 1, 1]);
    for (let tries = 0; tries < 3; tries++) await send({ ...alive, timeUnixNano: '1764028800000000000' });
    for (let tries = 0; tries < 3; tries++)
      await send({ ...alive, observed_time_unix_nano: '1764028800000000000' });
    expect(rows).toEqual([1, 1, 1, 1, 1]);
    await rm(folder, { recursive: true });
  });

  test('what accept throws is heard, and the sender is told to retry', async () => {
    const heard: unknown[] = [];
    const failure = new Error('disk gone');
    const { post } = receiver({
      accept: () => Promise.reject(failure),
      onError: (error) => heard.push(error),
    });

    const response = await post('/v1/logs', json(logsRequest([{}])), { 'content-type': JSON_TYPE });

    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('5');
    expect(heard).toEqual([failure]);
  });
});

describe('on a port', () => {
  test('a body is taken in chunks, and a sender that never stops is answered before it ends', async () => {
    const { app, kept } = receiver({ limits: { maxBodyBytes: 100_000 } });
    await using server = await listen(app);
    const send = (chunks: Iterable<Uint8Array>) =>
      fetch(`${server.url}/v1/traces`, {
        method: 'POST',
        headers: { 'content-type': PROTOBUF },
        body: ReadableStream.from(chunks) as ReadableStream<Uint8Array<ArrayBuffer>>,
        duplex: 'half',
      });
    const bytes = encodeProtobuf('traces', spansRequest([span()]));

    const small = await send([bytes.subarray(0, 10), bytes.subarray(10)]);
    const large = await send(Array.from({ length: 20 }, () => Buffer.alloc(10_000)));

    expect(small.status).toBe(200);
    expect(large.status).toBe(413);
    expect(kept).toHaveLength(1);
  });
});

async function listen(app: ReturnType<typeof createOtlpRoutes>) {
  const { promise, resolve } = Promise.withResolvers<number>();
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, (info) => resolve(info.port));
  return {
    url: `http://127.0.0.1:${await promise}`,
    async [Symbol.asyncDispose]() {
      const closed = Promise.withResolvers<unknown>();
      server.close(closed.resolve);
      if ('closeAllConnections' in server) server.closeAllConnections();
      await closed.promise;
    },
  };
}

/** Of two members, of which the last is much the smaller. */
function gzipInTwo(text: string): Buffer {
  return Buffer.concat([gzipSync(`${' '.repeat(200_000)}${text.slice(0, -1)}`), gzipSync(text.slice(-1))]);
}

/** Its last four bytes say how large it is. */
function boastful(): Buffer {
  const body = gzipSync(json(spansRequest([span()])));
  body.writeUInt32LE(0xffff_ffff, body.length - 4);
  return body;
}

function gzipped() {
  return { 'content-encoding': 'gzip' };
}

/** Reads a `google.rpc.Status` in either encoding. */
async function readStatus(response: Response): Promise<{ code: number; message: string }> {
  if (response.headers.get('content-type') === JSON_TYPE) return (await response.json()) as never;
  const bytes = Buffer.from(await response.arrayBuffer());
  expect([bytes[0], bytes[2]]).toEqual([0x08, 0x12]);
  const lengthBytes = (bytes[3] ?? 0) > 0x7f ? 2 : 1;
  return { code: bytes[1] ?? 0, message: bytes.subarray(3 + lengthBytes).toString() };
}
