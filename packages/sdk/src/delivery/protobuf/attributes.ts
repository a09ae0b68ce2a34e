/** Writes attributes as protobuf, and remembers how: the same few come back on everything of a run. */

import type { Attributes } from '@opentelemetry/api';
import type { InstrumentationScope } from '@opentelemetry/core';
import type { Resource } from '@opentelemetry/resources';
import { STAMP, type Stamp, type Stamped } from '../../otel/stamp.ts';
import type { ProtobufWriter } from './writer.ts';

/** Values that are longer are hardly ever the same. */
const LONGEST_REMEMBERED = 128;
const MOST_REMEMBERED = 10_000;

/** For one request: what it remembers goes with it. */
export class AttributeWriter {
  readonly #writer: ProtobufWriter;
  readonly #pairs = new Map<string, Map<string, Uint8Array>>();
  #remembered = 0;

  constructor(writer: ProtobufWriter) {
    this.#writer = writer;
  }

  /** Each as a field with the given tag. */
  all(attributes: Record<string, unknown>, tag: number): void {
    // Who names an attribute `__proto__` gives the object attributes that are not its own.
    for (const key in attributes) if (Object.hasOwn(attributes, key)) this.pair(key, attributes[key], tag);
  }

  /** Those of a record: the stamp's, then its own ones that the stamp does not say. */
  of({ attributes, [STAMP]: stamp }: { attributes: Attributes } & Stamped, tag: number): void {
    if (stamp === undefined) {
      this.all(attributes, tag);
      return;
    }
    this.#stamp(stamp, tag);
    for (const key in attributes) {
      if (Object.hasOwn(attributes, key) && !stamp.has(key)) this.pair(key, attributes[key], tag);
    }
  }

  pair(key: string, value: unknown, tag: number): void {
    this.#writer.tag(tag);
    // Numbers are written faster than they are found, and most come once.
    if (typeof value !== 'string' || value.length > LONGEST_REMEMBERED) {
      this.#keyValue(key, value);
      return;
    }
    const known = this.#pairs.get(key)?.get(value);
    if (known !== undefined) this.#writer.raw(known);
    else this.#remember(key, value);
  }

  resource(resource: Resource): void {
    const writer = this.#writer;
    writer.tag(0x0a);
    const start = writer.open();
    this.all(resource.attributes, 0x0a);
    writer.tag(0x10);
    writer.varint(0);
    writer.close(start);
  }

  scope({ name, version }: InstrumentationScope): void {
    const writer = this.#writer;
    writer.tag(0x0a);
    const start = writer.open();
    writer.tag(0x0a);
    writer.text(name);
    if (version !== undefined && version !== '') {
      writer.tag(0x12);
      writer.text(version);
    }
    writer.close(start);
  }

  value(value: unknown): void {
    const writer = this.#writer;
    const start = writer.open();
    this.#anyValue(value);
    writer.close(start);
  }

  #stamp(stamp: Stamp, tag: number): void {
    const writer = this.#writer;
    if (stamp.base !== undefined) {
      this.#stamp(stamp.base, tag);
      for (const key in stamp.own) this.pair(key, stamp.own[key], tag);
      return;
    }
    const start = writer.position;
    if (writer.again(stamp.encoded)) {
      writer.retag(start, tag);
      return;
    }
    for (const key in stamp.own) {
      writer.tag(tag);
      this.#keyValue(key, stamp.own[key]);
    }
    stamp.encoded = writer.keep(start);
  }

  #remember(key: string, value: string): void {
    const start = this.#writer.position;
    this.#keyValue(key, value);
    if (++this.#remembered > MOST_REMEMBERED) return;
    const values = this.#pairs.get(key) ?? new Map<string, Uint8Array>();
    this.#pairs.set(key, values.set(value, this.#writer.since(start)));
  }

  #keyValue(key: string, value: unknown): void {
    const writer = this.#writer;
    const start = writer.open();
    writer.tag(0x0a);
    writer.text(key);
    writer.tag(0x12);
    this.value(value);
    writer.close(start);
  }

  #anyValue(value: unknown): void {
    const writer = this.#writer;
    if (typeof value === 'string') {
      writer.tag(0x0a);
      writer.text(value);
    } else if (typeof value === 'boolean') {
      writer.tag(0x10);
      writer.varint(value ? 1 : 0);
    } else if (typeof value === 'number') {
      this.#number(value);
    } else if (value instanceof Uint8Array) {
      writer.tag(0x3a);
      writer.varint(value.length);
      writer.raw(value);
    } else if (Array.isArray(value)) {
      this.#list(value);
    } else if (typeof value === 'object' && value !== null) {
      this.#map(value as Attributes);
    }
  }

  #number(value: number): void {
    const writer = this.#writer;
    if (Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 63) {
      writer.tag(0x18);
      writer.varint(value);
    } else {
      writer.tag(0x21);
      writer.double(value);
    }
  }

  #list(values: readonly unknown[]): void {
    const writer = this.#writer;
    writer.tag(0x2a);
    const start = writer.open();
    for (const value of values) {
      writer.tag(0x0a);
      this.value(value);
    }
    writer.close(start);
  }

  #map(values: Record<string, unknown>): void {
    const writer = this.#writer;
    writer.tag(0x32);
    const start = writer.open();
    for (const [key, value] of Object.entries(values)) {
      writer.tag(0x0a);
      this.#keyValue(key, value);
    }
    writer.close(start);
  }
}

/** Records under their resource and scope, in the order in which they come. */
export function bySource<Record extends { resource: Resource; instrumentationScope: InstrumentationScope }>(
  records: readonly Record[],
): Map<Resource, Map<InstrumentationScope, Record[]>> {
  const resources = new Map<Resource, Map<InstrumentationScope, Record[]>>();
  let [resource, scope] = [records[0]?.resource, records[0]?.instrumentationScope];
  let same: Record[] = [];
  for (const record of records) {
    // Most come from where the one before them came from.
    if (same.length === 0 || record.resource !== resource || record.instrumentationScope !== scope) {
      ({ resource, instrumentationScope: scope } = record);
      const scopes = resources.get(resource) ?? new Map<InstrumentationScope, Record[]>();
      resources.set(resource, scopes);
      same = scopes.get(scope) ?? [];
      scopes.set(scope, same);
    }
    same.push(record);
  }
  return resources;
}
