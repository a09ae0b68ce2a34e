/** Turns the body of an OTLP request into blocks that are ready to be inserted. */
import { type RecordSink, MalformedBody } from '../../src/otlp/fault.ts';
import { decodeJsonLogs } from './json-logs.ts';
import { decodeJsonMetrics } from './json-metrics.ts';
import { decodeJsonTraces } from './json-traces.ts';
import { decodeProtobufLogs } from './protobuf-logs.ts';
import { decodeProtobufMetrics } from './protobuf-metrics.ts';
import { decodeProtobufTraces } from './protobuf-traces.ts';
import type { Signal, SignalRecords } from '../../src/otlp/records.ts';
import { logRow } from './log-row.ts';
import { metricRow } from './metric-row.ts';
import type { RowContext } from './origin-columns.ts';
import { type Block, type Refusal, RowCollector } from './row-collector.ts';
import { spanRow } from './span-row.ts';

/** How the body of a request is written; the answer is written alike. */
type Encoding = 'protobuf' | 'json';

/**
 * `ok`: rows to insert, and what was refused; `accepted` counts the records kept, which include metric points
 * that say they have no value and therefore make no row. `malformed`: the body is not OTLP, nothing is kept.
 */
type Transcoded =
  | { status: 'ok'; blocks: Block[]; accepted: number; refused: Refusal[] }
  | { status: 'malformed'; message: string };

/**
 * Decodes an inflated OTLP 1.x body and writes its records as rows, without touching anything else.
 * A bad record is refused alone; never throws on account of the body.
 *
 * @example
 * const result = transcode('traces', 'protobuf', body, { projectId: 'default', receivedAtMs: Date.now() });
 * if (result.status === 'ok') for (const block of result.blocks) append(block);
 */
export function transcode(
  signal: Signal,
  encoding: Encoding,
  body: Uint8Array,
  context: RowContext,
): Transcoded {
  const collector = new RowCollector(context);
  try {
    decode(signal, encoding, body, collector);
  } catch (error) {
    if (error instanceof MalformedBody) return { status: 'malformed', message: error.message };
    throw error;
  }
  return {
    status: 'ok',
    blocks: collector.blocks(),
    accepted: collector.accepted,
    refused: collector.refused(),
  };
}

type Decoder<S extends Signal> = (body: Uint8Array, sink: RecordSink<SignalRecords[S]>) => void;

const DECODERS: { [S in Signal]: Record<Encoding, Decoder<S>> } = {
  traces: { protobuf: decodeProtobufTraces, json: decodeJsonTraces },
  logs: { protobuf: decodeProtobufLogs, json: decodeJsonLogs },
  metrics: { protobuf: decodeProtobufMetrics, json: decodeJsonMetrics },
};

function decode(signal: Signal, encoding: Encoding, body: Uint8Array, collector: RowCollector): void {
  switch (signal) {
    case 'traces':
      return DECODERS.traces[encoding](body, collector.sink(spanRow));
    case 'logs':
      return DECODERS.logs[encoding](body, collector.sink(logRow));
    case 'metrics':
      return DECODERS.metrics[encoding](body, collector.sink(metricRow));
  }
}
