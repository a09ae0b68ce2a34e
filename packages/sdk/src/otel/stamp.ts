/** What everything of one place in a run carries. */
import type { Attributes, Span } from '@opentelemetry/api';
import { ATTR } from '@rollcall/semconv';

/**
 * Attributes that many records share. They stay beside each record's own ones until it is encoded:
 * to copy them onto every span, event and point was a third of what a client run cost.
 */
export class Stamp {
  readonly own: Attributes;
  /** The stamp that this one adds to. It says none of the same. */
  readonly base: Stamp | undefined;
  /** For the encoder: where it has the bytes. */
  encoded = NOWHERE;
  #all: Attributes | undefined;

  constructor(own: Attributes, base?: Stamp) {
    this.own = own;
    this.base = base;
  }

  /** All attributes, in an object that nobody may change. */
  get attributes(): Attributes {
    if (this.base === undefined) return this.own;
    this.#all ??= { ...this.base.attributes, ...this.own };
    return this.#all;
  }

  has(key: string): boolean {
    return Object.hasOwn(this.own, key) || this.base?.has(key) === true;
  }

  /** The stamp of a step in here; a step within a step takes its place. */
  atStep(name: string): Stamp {
    return new Stamp({ [ATTR.STEP_NAME]: name }, this.base ?? this);
  }
}

/** A range of the bytes that an encoder keeps, until it begins to keep others. */
export interface EncodedAt {
  keeping: number;
  start: number;
  end: number;
}

export const NOWHERE: EncodedAt = { keeping: -1, start: 0, end: 0 };

export const STAMP = Symbol('rollcall.stamp');

/** A record whose attributes are its own ones only: what it says itself of the stamp's does not count. */
export interface Stamped {
  [STAMP]?: Stamp;
}

/**
 * Says more on a span of Rollcall's own. Straightforward attributes would be checked, copied and counted one by one,
 * with a `WeakSet` made for each.
 */
export function addToStamp(span: Span, own: Attributes): void {
  const stamped = span as Stamped;
  stamped[STAMP] = new Stamp(own, stamped[STAMP]);
}

/** The same record with all its attributes, for those who do not know of stamps. */
export function withStamp<Given extends { attributes: Attributes }>(record: Given): Given {
  const stamp = (record as Stamped)[STAMP];
  if (stamp === undefined) return record;
  const attributes = { ...stamp.attributes, ...record.attributes, ...stamp.attributes };
  return Object.create(record, { attributes: { value: attributes, enumerable: true } }) as Given;
}
