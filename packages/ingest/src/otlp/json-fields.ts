/**
 * Reads the fields of OTLP/JSON objects (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding).
 *
 * Names are lowerCamelCase, snake_case is taken too; `null` is an absent field; unknown fields are not looked at.
 * A value of the wrong type throws a `RecordError`.
 */
import { quote, RecordError } from './fault.ts';
import { describeJson, isJsonObject, type JsonObject } from './json-body.ts';

const UINT64_END = 2n ** 64n;
const INT64_END = 2n ** 63n;

/** The value of a field, `undefined` where absent. */
export function fieldOf(object: JsonObject, name: string): unknown {
  return object[name] ?? object[snakeCase(name)] ?? undefined;
}

export function textOf(object: JsonObject, name: string): string {
  const value = fieldOf(object, name);
  if (value === undefined) return '';
  if (typeof value !== 'string') throw wrongType(name, value, 'a string');
  return wellFormed(value);
}

/** Lower-case hex; what is not hex is returned as it came, for the check of the ID to name it. */
export function idOf(object: JsonObject, name: string): string {
  return textOf(object, name).toLowerCase();
}

export function boolOf(object: JsonObject, name: string): boolean {
  const value = fieldOf(object, name);
  if (value === undefined) return false;
  if (typeof value !== 'boolean') throw wrongType(name, value, 'true or false');
  return value;
}

export function uint64Of(object: JsonObject, name: string): bigint {
  const value = fieldOf(object, name);
  return value === undefined ? 0n : toUint64(value, name);
}

export function toUint64(value: unknown, name: string): bigint {
  const number = toBigInt(value);
  if (number === undefined || number < 0n || number >= UINT64_END) {
    throw wrongType(name, value, 'a decimal string from 0 to 18446744073709551615');
  }
  return number;
}

export function toInt64(value: unknown, name: string): bigint {
  const number = toBigInt(value);
  if (number === undefined || number < -INT64_END || number >= INT64_END) {
    throw wrongType(name, value, 'a decimal string of 64 bits');
  }
  return number;
}

export function uint32Of(object: JsonObject, name: string): number {
  return smallInt(object, name, 0, 0xffffffff);
}

/** An int32, or an enum as its number. */
export function int32Of(object: JsonObject, name: string): number {
  return smallInt(object, name, -0x80000000, 0x7fffffff);
}

/** A double, `null` where absent. */
export function optionalDoubleOf(object: JsonObject, name: string): number | null {
  const value = fieldOf(object, name);
  return value === undefined ? null : toDouble(value, name);
}

export function toDouble(value: unknown, name: string): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'string') {
    if (value === 'NaN') return Number.NaN;
    const number = Number(value);
    if (value.trim() !== '' && !Number.isNaN(number)) return number;
  }
  throw wrongType(name, value, "a number, 'NaN', 'Infinity' or '-Infinity'");
}

/** The bytes of a base64 text, in either alphabet. */
export function toBytes(value: unknown, name: string): Uint8Array {
  if (typeof value !== 'string' || !/^[\w+/-]*={0,2}$/.test(value))
    throw wrongType(name, value, 'base64 text');
  return Buffer.from(value, 'base64');
}

export function listOf(object: JsonObject, name: string): readonly unknown[] {
  const value = fieldOf(object, name);
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw wrongType(name, value, 'an array');
  return value;
}

/** A nested object, an empty one where absent. */
export function objectOf(object: JsonObject, name: string): JsonObject {
  const value = fieldOf(object, name);
  return value === undefined ? {} : toObject(value, name);
}

export function toObject(value: unknown, name: string): JsonObject {
  if (!isJsonObject(value)) throw wrongType(name, value, 'an object');
  return value;
}

/** ClickHouse refuses the escape of a lone surrogate, and with it the whole insert. */
export function wellFormed(text: string): string {
  return text.toWellFormed();
}

export function wrongType(name: string, value: unknown, wanted: string): RecordError {
  return new RecordError(
    'malformed_record',
    `Not OTLP/JSON: the field ${quote(name)} is ${describeJson(value)}; send ${wanted}.`,
  );
}

function smallInt(object: JsonObject, name: string, from: number, to: number): number {
  const value = fieldOf(object, name);
  if (value === undefined) return 0;
  const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
  if (typeof number === 'number' && Number.isInteger(number) && number >= from && number <= to) return number;
  throw wrongType(name, value, `an integer from ${from} to ${to}`);
}

function toBigInt(value: unknown): bigint | undefined {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : undefined;
  if (typeof value !== 'string' || !/^-?\d{1,20}$/.test(value)) return undefined;
  return BigInt(value);
}

const snakeCased = new Map<string, string>();

function snakeCase(name: string): string {
  let snake = snakeCased.get(name);
  if (snake === undefined) {
    snake = name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    snakeCased.set(name, snake);
  }
  return snake;
}
