/** What holds for every request: equal rows from both encodings, and no bytes that do harm. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeProtobuf } from '../otlp/protobuf-request.fixture.ts';
import type { Signal } from '../otlp/records.ts';
import { CONTEXT, transcodeRequest } from './read-rows.fixture.ts';
import { REQUESTS } from './telemetry.fixture.ts';
import { transcode, type Transcoded } from './transcode.ts';

const SIGNALS: Signal[] = ['traces', 'logs', 'metrics'];
const SEED = 20_260_102;

/** Whether each row is one line of JSON, whatever the sender wrote. */
function isWhole(result: Transcoded): boolean {
  if (result.status !== 'ok') return true;
  return result.blocks.every(({ bytes, rows }) => {
    const lines = bytes.toString().split('\n');
    return lines.pop() === '' && lines.length === rows && lines.every(isObject);
  });
}

function isObject(line: string): boolean {
  return typeof JSON.parse(line) === 'object';
}

describe.each(SIGNALS)('%s', (signal) => {
  test('the same telemetry in both encodings gives equal rows, and none is refused', () => {
    fc.assert(
      fc.property(REQUESTS[signal], (request) => {
        const fromJson = transcodeRequest(signal, request, 'json');
        expect(transcodeRequest(signal, request, 'protobuf')).toEqual(fromJson);
        expect(fromJson).toMatchObject({ status: 'ok', refused: [] });
        expect(isWhole(fromJson)).toBe(true);
      }),
      { numRuns: 100, seed: SEED },
    );
  });

  test('thousands of mutated protobuf bodies neither throw nor make anything but whole rows', () => {
    const bodies = fc
      .sample(REQUESTS[signal], { numRuns: 30, seed: SEED })
      .map((request) => encodeProtobuf(signal, request));
    const random = mulberry32(SEED);
    for (let round = 0; round < 3_000; round++) {
      const body = bodies[round % bodies.length] ?? Buffer.alloc(0);
      expect(isWhole(transcode(signal, 'protobuf', mutate(body, random), CONTEXT))).toBe(true);
    }
  });

  test('mutated JSON bodies neither throw nor make anything but whole rows', () => {
    const bodies = fc
      .sample(REQUESTS[signal], { numRuns: 30, seed: SEED })
      .map((request) => Buffer.from(JSON.stringify(request)));
    const random = mulberry32(SEED);
    for (let round = 0; round < 600; round++) {
      const body = bodies[round % bodies.length] ?? Buffer.alloc(0);
      expect(isWhole(transcode(signal, 'json', mutate(body, random), CONTEXT))).toBe(true);
    }
  });

  test('JSON of any shape under the names of OTLP neither throws nor makes anything but whole rows', () => {
    const names = [
      'resourceSpans',
      'resourceLogs',
      'resourceMetrics',
      'scopeSpans',
      'scopeLogs',
      'scopeMetrics',
    ];
    const inner = [
      'spans',
      'logRecords',
      'metrics',
      'attributes',
      'value',
      'gauge',
      'dataPoints',
      'timeUnixNano',
    ];
    const shape = fc.object({
      key: fc.constantFrom(...names, ...inner),
      maxDepth: 7,
      withNullPrototype: false,
    });
    fc.assert(
      fc.property(shape, (object) => {
        expect(isWhole(transcode(signal, 'json', Buffer.from(JSON.stringify(object)), CONTEXT))).toBe(true);
      }),
      { numRuns: 200, seed: SEED },
    );
  });

  test('random bytes are answered in either encoding', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(isWhole(transcode(signal, 'protobuf', bytes, CONTEXT))).toBe(true);
        expect(isWhole(transcode(signal, 'json', bytes, CONTEXT))).toBe(true);
      }),
      { numRuns: 500, seed: SEED },
    );
  });
});

test('a length of 4 GiB allocates nothing', () => {
  const body = Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]);
  const before = process.memoryUsage.rss();
  for (let round = 0; round < 1_000; round++) transcode('traces', 'protobuf', body, CONTEXT);
  expect(process.memoryUsage.rss() - before).toBeLessThan(64 * 1024 * 1024);
});

/** Flips, cuts, inserts and repeats a few bytes. */
function mutate(body: Buffer, random: () => number): Buffer {
  let bytes = Buffer.from(body);
  const at = () => Math.floor(random() * (bytes.length + 1));
  for (let change = 0; change <= random() * 3; change++) {
    const kind = Math.floor(random() * 4);
    const start = at();
    if (kind === 0 && start < bytes.length) bytes[start] = Math.floor(random() * 256);
    else if (kind === 1) bytes = Buffer.concat([bytes.subarray(0, start), bytes.subarray(at())]);
    else if (kind === 2)
      bytes = Buffer.concat([bytes.subarray(0, start), Buffer.from([255 * random()]), bytes.subarray(start)]);
    else bytes = bytes.subarray(0, start);
  }
  return bytes;
}

/** A small seeded generator: a failure comes back with the same bytes. Source: https://github.com/bryc/code/blob/master/jshash/PRNGs.md */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
