/** Parses an OTLP/JSON body without losing digits of its 64-bit numbers. */
import { MalformedBody } from './fault.ts';

/** A JSON object as `JSON.parse` makes it. */
export type JsonObject = { readonly [name: string]: unknown };

/** Digits that a double may not hold; a hit inside a text costs time, never truth. */
const LONG_NUMBER = /(?:^|[:,[\s])-?\d{16}/;
/** OTLP spends at least 17 bytes per object or array; `[[],[],…` would turn 64 MiB into gigabytes. */
const FEWEST_BYTES_PER_OBJECT = 12;
/** Bucket counts are the shortest values of OTLP; a body of nothing else is none of a telemetry sender. */
const FEWEST_BYTES_PER_VALUE = 4;
const SMALL_BODY_BYTES = 1024 * 1024;

/** Parses `body` into an object; throws {@link MalformedBody} where it is not one. */
export function parseJsonBody(body: Uint8Array): JsonObject {
  checkDensity(body);
  const parsed = parse(body);
  if (isJsonObject(parsed)) return parsed;
  throw new MalformedBody(`Not OTLP/JSON: the body is ${describeJson(parsed)}; send an object.`);
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Names the type of a value for a message. */
export function describeJson(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object') return 'an object';
  return `the ${typeof value} ${JSON.stringify(value).slice(0, 60)}`;
}

function parse(body: Uint8Array): unknown {
  try {
    return parseJsonText(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new MalformedBody(`Not OTLP/JSON: ${why.slice(0, 200)}; send UTF-8 JSON.`, { cause: error });
  }
}

/** Like `JSON.parse`, but integers that a double would round stay texts. */
export function parseJsonText(text: string): unknown {
  return JSON.parse(LONG_NUMBER.test(text) ? quoteLongNumbers(text) : text);
}

/**
 * Puts integers that a double would round into quotes: the readers of numbers take both. One pass over the text, since
 * a reviver is called for each value: 8 MB of `1,1,1,…` beside one long number took it three seconds.
 */
function quoteLongNumbers(text: string): string {
  return text.replaceAll(STRING_OR_LONG_INTEGER, (found) => (found.startsWith('"') ? found : `"${found}"`));
}

const STRING_OR_LONG_INTEGER = /"(?:[^"\\]|\\.)*"|(?<![\d.eE+-])-?\d{16,}(?![\d.eE])/g;

function checkDensity(body: Uint8Array): void {
  if (body.length <= SMALL_BODY_BYTES) return;
  let objects = 0;
  let values = 0;
  for (const byte of body) {
    if (byte === 0x5b || byte === 0x7b) objects++;
    else if (byte === 0x2c) values++;
  }
  if (objects * FEWEST_BYTES_PER_OBJECT > body.length || values * FEWEST_BYTES_PER_VALUE > body.length) {
    throw new MalformedBody(
      `Not OTLP/JSON: ${objects} objects and ${values} values in ${body.length} bytes; send fewer empty ones.`,
    );
  }
}
