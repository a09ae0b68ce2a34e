/** The kernel against the walkers: what it takes from them makes the same rows. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mulberry32, mutate } from '../../test/reference/mutate.ts';
import { readBlocks } from '../native/read-block.fixture.ts';
import { encodeProtobuf, type JsonRequest } from '../otlp/protobuf-request.fixture.ts';
import type { Signal } from '../otlp/records.ts';
import { CONTEXT } from './read-rows.fixture.ts';
import { REQUESTS } from './telemetry.fixture.ts';
import { type Encoding, Transcoder } from './transcode.ts';

const SIGNALS: readonly Signal[] = ['traces', 'logs', 'metrics'];
const SEED = 20_261_126;

/** Both stay in use, as in the service: what the kernel knows of one request it uses for the next. */
class Pair {
  readonly kernel = new Transcoder();
  readonly walkers = new Transcoder({ hasKernel: false });

  /** Adds the body three times to each; what is new to the kernel at first is known to it afterwards. */
  expectSame(signal: Signal, body: Buffer, encoding: Encoding = 'protobuf'): void {
    for (let time = 0; time < 3; time++) {
      const added = this.kernel.add(signal, encoding, body, CONTEXT);
      expect(added).toEqual(this.walkers.add(signal, encoding, body, CONTEXT));
    }
    const rows = rowsOf(this.kernel);
    expect(rows).toEqual(rowsOf(this.walkers));
  }
}

function rowsOf(transcoder: Transcoder): unknown {
  return transcoder.take().map(({ table, rows, bytes }) => ({ table, rows, read: readBlocks(bytes) }));
}

describe.each(SIGNALS)('%s', (signal) => {
  test('random requests make the same rows', () => {
    const pair = new Pair();
    fc.assert(
      fc.property(REQUESTS[signal], (request) => {
        pair.expectSame(signal, encodeProtobuf(signal, request));
      }),
      { numRuns: 150, seed: SEED },
    );
    expect(pair.kernel.kernelRows).toBeGreaterThan(40);
  });

  test('mutated bodies make the same rows, and the same refusals', () => {
    const pair = new Pair();
    const random = mulberry32(SEED);
    const bodies = fc
      .sample(REQUESTS[signal], { numRuns: 30, seed: SEED })
      .map((request) => encodeProtobuf(signal, request));
    for (let round = 0; round < 500; round++) {
      pair.expectSame(signal, mutate(bodies[round % bodies.length] ?? Buffer.alloc(0), random));
    }
  });

  test('bodies of plain records make the same rows wherever a byte of them is changed', () => {
    const pair = new Pair();
    const body = encodeProtobuf(signal, plainRequest(signal, 3));
    pair.expectSame(signal, body);
    const before = pair.kernel.kernelRows;
    for (let at = 0; at < body.length; at++) {
      for (const byte of [0, 0x80, (body[at] ?? 0) ^ 1]) {
        const changed = Buffer.from(body);
        changed[at] = byte;
        pair.expectSame(signal, changed);
      }
    }
    expect(pair.kernel.kernelRows).toBeGreaterThan(before + body.length);
  });
});

test('JSON is read alike wherever a byte of it is changed', () => {
  const pair = new Pair();
  const request = plainRequest('logs', 1, ['a text of more than sixteen letters', '']);
  const body = Buffer.from(JSON.stringify(request, null, 1));
  for (let at = 0; at < body.length; at++) {
    for (const character of '"\\{}[],:-0.e t\n\u0000') {
      const changed = Buffer.from(body);
      changed.write(character, at, 'latin1');
      pair.expectSame('logs', changed, 'json');
    }
  }
});

test('JSON that breaks off anywhere is read alike', () => {
  const pair = new Pair();
  const body = Buffer.from(JSON.stringify(plainRequest('metrics', 1)));
  for (let length = 0; length <= body.length; length++) {
    pair.expectSame('metrics', body.subarray(0, length), 'json');
  }
});

test('texts of every length and kind are copied whole, or refused', () => {
  const pair = new Pair();
  const letters = ['a', 'é', '漢', '😀', '\u0000', '\n'];
  for (let length = 0; length < 300; length += length < 140 ? 1 : 13) {
    const request = plainRequest(
      'traces',
      2,
      letters.map((letter) => letter.repeat(length)),
    );
    pair.expectSame('traces', encodeProtobuf('traces', request));
  }
  expect(pair.kernel.kernelRows).toBeGreaterThan(500);
});

test('every two bytes that are no UTF-8 are refused where a text holds them', () => {
  const pair = new Pair();
  const body = encodeProtobuf('traces', plainRequest('traces', 2, ['needle-in-a-text']));
  const at = body.lastIndexOf('needle');
  for (let first = 0x7e; first < 0x100; first++) {
    for (let second = 0x70; second < 0x100; second += 9) {
      const changed = Buffer.from(body);
      changed.set([first, second, 0x80, 0xbf], at);
      pair.expectSame('traces', changed);
    }
  }
});

test('whole numbers of every size are written in digits', () => {
  const pair = new Pair();
  for (let power = 0n; power < 64n; power++) {
    const numbers = [-1n, 0n, 1n].flatMap((offset) => [2n ** power + offset, -(2n ** power) + offset]);
    const attributes = numbers
      .filter((number) => number >= -(2n ** 63n) && number < 2n ** 63n)
      .map((number, index) => ({ key: `n${index}`, value: { intValue: String(number) } }));
    pair.expectSame('traces', encodeProtobuf('traces', spansWith(attributes)));
  }
  expect(pair.kernel.kernelRows).toBeGreaterThan(60);
});

test('more keys than a byte can number make the same rows', () => {
  const pair = new Pair();
  for (const firstKeys of [500, 1_200]) {
    for (let first = 0; first < firstKeys; first += 100) {
      const attributes = Array.from({ length: 100 }, (_, index) => ({
        key: `key.${first + index}`,
        value: { stringValue: 'v' },
      }));
      const body = encodeProtobuf('traces', spansWith(attributes));
      pair.kernel.add('traces', 'protobuf', body, CONTEXT);
      pair.walkers.add('traces', 'protobuf', body, CONTEXT);
    }
    pair.expectSame('traces', encodeProtobuf('traces', plainRequest('traces', 50)));
  }
  expect(pair.kernel.kernelRows).toBeGreaterThan(100);
});

test('a large request leaves no memory behind that a small one does not need', () => {
  const pair = new Pair();
  pair.expectSame('logs', encodeProtobuf('logs', plainRequest('logs', 20_000, ['x'.repeat(2_000)])));
  pair.expectSame('logs', encodeProtobuf('logs', plainRequest('logs', 10)));
});

/** Spans with these attributes, and nothing that is out of the ordinary. */
function spansWith(attributes: readonly object[]): JsonRequest {
  const request = plainRequest('traces', 2) as { resourceSpans: { scopeSpans: { spans: object[] }[] }[] };
  const [group] = request.resourceSpans[0]?.scopeSpans ?? [];
  if (group) group.spans = group.spans.map((span) => ({ ...span, attributes }));
  return request;
}

/** Records such as most senders send. */
function plainRequest(signal: Signal, count: number, texts: readonly string[] = []): JsonRequest {
  const attributes = [
    { key: 'http.request.method', value: { stringValue: 'GET' } },
    { key: 'count', value: { intValue: '200' } },
    { key: 'ratio', value: { doubleValue: 3 } },
    { key: 'cache.hit', value: { boolValue: true } },
    { key: 'rollcall.client.id', value: { stringValue: 'acme' } },
    ...texts.map((text, index) => ({ key: `text.${index}`, value: { stringValue: text } })),
  ];
  const ids = { traceId: '5b8efff798038103d269b633813fc60c', spanId: 'eee19b7ec3c1b174' };
  const time = String(BigInt(CONTEXT.receivedAtMs - 10_000) * 1_000_000n);
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'checkout' } }] };
  const scope = { name: 'scope' };
  const records = <Item>(item: Item): Item[] => Array.from({ length: count }, () => item);
  if (signal === 'logs') {
    const logRecord = {
      ...ids,
      timeUnixNano: time,
      observedTimeUnixNano: time,
      severityNumber: 9,
      severityText: 'INFO',
      body: { stringValue: 'a line' },
      eventName: 'rollcall.run.started',
      attributes,
    };
    return { resourceLogs: [{ resource, scopeLogs: [{ scope, logRecords: records(logRecord) }] }] };
  }
  if (signal === 'metrics') {
    const point = { startTimeUnixNano: time, timeUnixNano: time, asDouble: 1.5, attributes };
    const metrics = [
      { name: 'gauge', gauge: { dataPoints: records(point) } },
      { name: 'sum', sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints: records(point) } },
    ];
    return { resourceMetrics: [{ resource, scopeMetrics: [{ scope, metrics }] }] };
  }
  const span = {
    ...ids,
    parentSpanId: ids.spanId,
    name: 'GET /items',
    kind: 2,
    startTimeUnixNano: time,
    endTimeUnixNano: time,
    attributes,
    events: [{ timeUnixNano: time, name: 'exception', attributes }],
    status: { code: 2, message: 'failed' },
  };
  return { resourceSpans: [{ resource, scopeSpans: [{ scope, spans: records(span) }] }] };
}
