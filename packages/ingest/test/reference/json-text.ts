/** Writes values as the JSON that ClickHouse's JSONEachRow reads exactly. */
import type { AnyValue, Attributes } from '../../src/otlp/records.ts';

/** A text, in quotes; every control character is escaped, so that a row stays on one line. */
export function textJson(text: string): string {
  return JSON.stringify(text);
}

/** Attributes as a `Map(String, String)`. */
export function attributesJson(attributes: Attributes): string {
  let json = '';
  for (const [key, value] of attributes) {
    json += `${json === '' ? '' : ','}${JSON.stringify(key)}:${JSON.stringify(valueText(value))}`;
  }
  return `{${json}}`;
}

/** A value as the text of a column: scalars plain, arrays and maps as JSON, bytes as base64. */
export function valueText(value: AnyValue): string {
  if (typeof value === 'string') return value;
  if (value === null) return '';
  if (value instanceof Uint8Array) return base64(value);
  if (typeof value === 'object') return nestedJson(value);
  return String(value);
}

/** A `Float64`; JSON has no numbers for what is not finite, ClickHouse takes these words. */
export function floatJson(value: number): string {
  if (Number.isFinite(value)) return Object.is(value, -0) ? '-0' : String(value);
  if (Number.isNaN(value)) return '"nan"';
  return value > 0 ? '"inf"' : '"-inf"';
}

/** A `Nullable(Float64)`. */
export function nullableFloatJson(value: number | null): string {
  return value === null ? 'null' : floatJson(value);
}

/** A `UInt64`, in quotes: readers that take numbers for doubles keep its digits. */
export function uint64Json(value: bigint): string {
  return `"${value}"`;
}

/** A list of values, each written by `write`. */
export function arrayJson<Item>(items: readonly Item[], write: (item: Item) => string): string {
  return `[${items.map(write).join(',')}]`;
}

function nestedJson(value: AnyValue): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number' && !Number.isFinite(value)) return `"${value}"`;
  if (Array.isArray(value)) return arrayJson(value, nestedJson);
  if (value instanceof Uint8Array) return `"${base64(value)}"`;
  if (value instanceof Map) {
    return `{${Array.from(value, ([key, item]) => `${JSON.stringify(key)}:${nestedJson(item)}`).join(',')}}`;
  }
  return String(value);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
