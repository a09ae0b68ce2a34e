/** What holds for every request: equal rows from both encodings, and no bytes that do harm. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { areWhole } from '../native/read-block.fixture.ts';
import { mulberry32, mutate } from '../../test/reference/mutate.ts';
import { encodeProtobuf } from '../otlp/protobuf-request.fixture.ts';
import type { Signal } from '../otlp/records.ts';
import { CONTEXT, transcodeRequest } from './read-rows.fixture.ts';
import { REQUESTS } from './telemetry.fixture.ts';
import { transcode, type TranscodedBlocks } from './transcode.fixture.ts';

const SIGNALS: Signal[] = ['traces', 'logs', 'metrics'];
const SEED = 20_260_102;

/** Whether each block can be read to its end, whatever the sender wrote. */
function isWhole(result: TranscodedBlocks): boolean {
  return result.status !== 'ok' || areWhole(result.blocks);
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
    for (let round = 0; round < 1_000; round++) {
      const body = bodies[round % bodies.length] ?? Buffer.alloc(0);
      expect(isWhole(transcode(signal, 'protobuf', mutate(body, random), CONTEXT))).toBe(true);
    }
  });

  test('mutated JSON bodies neither throw nor make anything but whole rows', () => {
    const bodies = fc
      .sample(REQUESTS[signal], { numRuns: 30, seed: SEED })
      .map((request) => Buffer.from(JSON.stringify(request)));
    const random = mulberry32(SEED);
    for (let round = 0; round < 300; round++) {
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
