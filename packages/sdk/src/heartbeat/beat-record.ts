/** Writes signs of life as an OTLP request, without the OpenTelemetry SDK: the heartbeat thread is to be light. */

import type { Attributes } from '@opentelemetry/api';
import { ATTR, EVENT } from '@rollcall/semconv';
import type { Progress } from './lifeline.ts';

/** Who beats. The same for all runs of a process. */
export interface BeatSource {
  resource: Attributes;
  scope: { name: string; version: string };
}

/** What every sign of life of a run carries. */
export interface BeatOwner {
  attributes: Attributes;
  traceId: string;
  spanId: string;
  traceFlags: number;
}

/** One sign of life. */
export interface Beat {
  owner: BeatOwner;
  sequence: number;
  epochMs: number;
  progress: Progress | undefined;
  vitals: Attributes;
}

/**
 * OTLP/HTTP in its JSON encoding, which every receiver takes beside protobuf.
 * Specification: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */
export function encodeBeats({ resource, scope }: BeatSource, beats: readonly Beat[]): Uint8Array {
  const logRecords = beats.map(toLogRecord);
  const resourceLogs = [
    { resource: { attributes: toKeyValues(resource) }, scopeLogs: [{ scope, logRecords }] },
  ];
  return Buffer.from(JSON.stringify({ resourceLogs }));
}

const SEVERITY_INFO = 9;

function toLogRecord({ owner, sequence, epochMs, progress, vitals }: Beat) {
  const timeUnixNano = `${epochMs}000000`;
  return {
    timeUnixNano,
    observedTimeUnixNano: timeUnixNano,
    severityNumber: SEVERITY_INFO,
    severityText: 'INFO',
    eventName: EVENT.RUN_HEARTBEAT,
    attributes: toKeyValues({
      ...owner.attributes,
      ...toAttributes(progress),
      ...vitals,
      [ATTR.EVENT_SEQUENCE]: sequence,
    }),
    flags: owner.traceFlags,
    traceId: owner.traceId,
    spanId: owner.spanId,
  };
}

/** Progress as a sign of life or an end tells it. */
export function toAttributes(progress: Progress | undefined): Attributes {
  if (progress === undefined) return {};
  const { done, total } = progress;
  return { [ATTR.PROGRESS_DONE]: done, ...(total === undefined ? {} : { [ATTR.PROGRESS_TOTAL]: total }) };
}

type AnyValue =
  | { stringValue: string }
  | { boolValue: boolean }
  | { intValue: number }
  | { doubleValue: number }
  | { arrayValue: { values: AnyValue[] } };

function toKeyValues(attributes: Attributes): { key: string; value: AnyValue }[] {
  return Object.entries(attributes).flatMap(([key, value]) => {
    const encoded = toAnyValue(value);
    return encoded === undefined ? [] : [{ key, value: encoded }];
  });
}

function toAnyValue(value: unknown): AnyValue | undefined {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number') {
    return Number.isSafeInteger(value) ? { intValue: value } : { doubleValue: value };
  }
  if (!Array.isArray(value)) return undefined;
  return { arrayValue: { values: value.map(toAnyValue).filter((entry) => entry !== undefined) } };
}
