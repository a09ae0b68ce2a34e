/** The transcoder against a plain decoder that makes an object of every record: they agree, row by row. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readBlocks } from '../../src/native/read-block.fixture.ts';
import { encodeProtobuf, type JsonRequest } from '../../src/otlp/protobuf-request.fixture.ts';
import type { Signal } from '../../src/otlp/records.ts';
import { CONTEXT } from '../../src/rows/read-rows.fixture.ts';
import { REQUESTS } from '../../src/rows/telemetry.fixture.ts';
import { transcode } from '../../src/rows/transcode.fixture.ts';
import type { Encoding } from '../../src/rows/transcode.ts';
import { mutate, mulberry32 } from './mutate.ts';
import { transcode as transcodePlainly } from './reference-transcode.ts';

const SIGNALS: readonly Signal[] = ['traces', 'logs', 'metrics'];
const ENCODINGS: readonly Encoding[] = ['protobuf', 'json'];
const SEED = 20_261_125;

type Outcome =
  | { status: 'malformed' }
  | { status: 'ok'; accepted: number; refused: unknown; rows: Record<string, unknown[]> };

function encodeBody(signal: Signal, request: JsonRequest, encoding: Encoding): Buffer {
  return encoding === 'json' ? Buffer.from(JSON.stringify(request)) : encodeProtobuf(signal, request);
}

function outcome(signal: Signal, encoding: Encoding, body: Buffer): Outcome {
  const result = transcode(signal, encoding, body, CONTEXT);
  if (result.status === 'malformed') return { status: 'malformed' };
  const rows = Object.fromEntries(result.blocks.map(({ table, bytes }) => [table, readBlocks(bytes)]));
  return { status: 'ok', accepted: result.accepted, refused: reasons(result.refused), rows };
}

function plainOutcome(signal: Signal, encoding: Encoding, body: Buffer): Outcome {
  const result = transcodePlainly(signal, encoding, body, CONTEXT);
  if (result.status === 'malformed') return { status: 'malformed' };
  const rows = Object.fromEntries(
    result.blocks.map(({ table, bytes }) => [
      table,
      bytes
        .toString()
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line, keepDigits) as unknown),
    ]),
  );
  return { status: 'ok', accepted: result.accepted, refused: reasons(result.refused), rows };
}

function reasons(refused: readonly { reason: string; count: number }[]): unknown {
  return Object.fromEntries(refused.map(({ reason, count }) => [reason, count]));
}

/** The reference writes times as bare digits. */
function keepDigits(_name: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source ?? '';
  return typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(source) ? source : value;
}

/** Numbers of any size, in words or digits, compare as what they are; order of columns and keys does not matter. */
function canonical(value: Outcome): unknown {
  return JSON.parse(JSON.stringify(value), (_name, item: unknown) => {
    // Large doubles are written without an exponent, and come as their digits.
    if (Number.isInteger(item) && !Number.isSafeInteger(item) && Math.abs(item as number) < 1e21)
      return String(item);
    if (typeof item !== 'object' || item === null || Array.isArray(item)) return item;
    return Object.fromEntries(Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}

describe.each(SIGNALS)('%s', (signal) => {
  test.each(ENCODINGS)('random requests in %s', (encoding) => {
    fc.assert(
      fc.property(REQUESTS[signal], (request) => {
        const body = encodeBody(signal, request, encoding);
        expect(canonical(outcome(signal, encoding, body))).toEqual(
          canonical(plainOutcome(signal, encoding, body)),
        );
      }),
      { numRuns: 100, seed: SEED },
    );
  });

  test.each(ENCODINGS)(
    'mutated bodies in %s: the same records are kept, the same are refused',
    (encoding) => {
      const bodies = fc
        .sample(REQUESTS[signal], { numRuns: 40, seed: SEED })
        .map((request) => encodeBody(signal, request, encoding));
      const random = mulberry32(SEED);
      for (let round = 0; round < 1_000; round++) {
        const body = mutate(bodies[round % bodies.length] ?? Buffer.alloc(0), random);
        const ours = countingRefused(outcome(signal, encoding, body));
        const plain = countingRefused(plainOutcome(signal, encoding, body));
        if (
          ours.status !== plain.status ||
          JSON.stringify(canonical(ours)) !== JSON.stringify(canonical(plain))
        ) {
          expect({ body: body.toString('base64'), ...(canonical(ours) as object) }).toEqual({
            body: body.toString('base64'),
            ...(canonical(plain) as object),
          });
        }
      }
    },
  );
});

/** Of several faults in one record it does not matter which was found first. */
function countingRefused(result: Outcome): Outcome {
  if (result.status === 'malformed') return result;
  const counts = Object.values(result.refused as Record<string, number>);
  return { ...result, refused: counts.reduce((sum, count) => sum + count, 0) };
}

test('a body is JSON to the tape if and only if it is to JSON.parse', () => {
  const random = mulberry32(SEED);
  const texts = fc.sample(fc.json({ maxDepth: 4 }), { numRuns: 60, seed: SEED });
  for (let round = 0; round < 4_000; round++) {
    const json = mutate(Buffer.from(`{"x": ${texts[round % texts.length]}}`), random);
    const ours = transcode('traces', 'json', json, CONTEXT);
    // Members that are not of OTLP make a body malformed too, in other words.
    const isJson = ours.status === 'ok' || / for this path|is null|send an object/.test(ours.message);
    expect(isJson, json.toString('base64')).toBe(parses(json));
  }
});

function parses(bytes: Buffer): boolean {
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return true;
  } catch {
    return false;
  }
}
