/** Facts about the protobuf wire walker. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { contain, RecordError } from './fault.ts';
import { ProtobufReader } from './protobuf-reader.ts';
import { delimited, tag, varint } from './protobuf-request.fixture.ts';

function readerOn(...parts: Uint8Array[]): ProtobufReader {
  const reader = new ProtobufReader(Buffer.concat(parts));
  reader.next();
  return reader;
}

function skipAll(reader: ProtobufReader): void {
  while (reader.next()) reader.skip();
}

describe('scalars', () => {
  test('any 64-bit integer comes back from a varint', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        expect(readerOn(tag(3, 0), varint(value)).int64()).toBe(value);
      }),
    );
  });

  test('any unsigned 64-bit integer comes back from a packed list', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })), (values) => {
        const read: bigint[] = [];
        readerOn(delimited(2, Buffer.concat(values.map(varint)))).uint64sInto(read);
        expect(read).toEqual(values);
      }),
    );
  });

  test('any 32-bit integer comes back, plain and zigzag', () => {
    fc.assert(
      fc.property(fc.integer(), (value) => {
        expect(readerOn(tag(1, 0), varint(BigInt(value))).int32()).toBe(value);
        const zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
        expect(readerOn(tag(1, 0), varint(BigInt(zigzag))).sint32()).toBe(value);
      }),
    );
  });

  test('any double comes back bit by bit', () => {
    fc.assert(
      fc.property(fc.double(), (value) => {
        const bytes = Buffer.alloc(8);
        bytes.writeDoubleLE(value);
        expect(readerOn(tag(4, 1), bytes).double()).toBe(value);
      }),
    );
  });

  test('a repeated field that is not packed is read value by value', () => {
    const reader = readerOn(tag(6, 1), Buffer.alloc(8, 1), tag(6, 1), Buffer.alloc(8, 2));
    const counts: bigint[] = [];
    reader.fixed64sInto(counts);
    reader.next();
    reader.fixed64sInto(counts);
    expect(counts).toEqual([0x0101010101010101n, 0x0202020202020202n]);
  });
});

describe('text', () => {
  test('any text comes back, byte-order marks included', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        expect(readerOn(delimited(1, Buffer.from(`\uFEFF${value}`))).string()).toBe(`\uFEFF${value}`);
      }),
    );
  });

  test.each([
    ['a lone continuation byte', [0x80]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['a cut sequence', [0xe2, 0x82]],
    ['a code point beyond Unicode', [0xf4, 0x90, 0x80, 0x80]],
  ])('%s is not UTF-8', (_what, bytes) => {
    expect(() => readerOn(delimited(1, Buffer.from(bytes))).string()).toThrow(
      expect.objectContaining({ reason: 'invalid_utf8' }),
    );
  });
});

describe('bounds', () => {
  test.each([
    ['an announced length beyond the end', Buffer.concat([tag(1, 2), varint(5n), Buffer.from('abcd')])],
    ['a length of 2^63', Buffer.concat([tag(1, 2), varint(2n ** 63n)])],
    ['a varint of eleven bytes', Buffer.concat([tag(1, 0), Buffer.alloc(11, 0xff)])],
    ['a varint beyond 64 bits', Buffer.concat([tag(1, 0), Buffer.alloc(9, 0xff), Buffer.from([2])])],
    ['a varint that never ends', Buffer.concat([tag(1, 0), Buffer.from([0x80])])],
    ['four bytes where eight belong', Buffer.concat([tag(1, 1), Buffer.alloc(4)])],
    ['the start of a group', tag(1, 3)],
    ['the field number 0', varint(2n)],
    ['a field number beyond 2^29', varint(2n ** 35n)],
  ])('%s is refused', (_what, bytes) => {
    const reader = new ProtobufReader(bytes);
    expect(() => skipAll(reader)).toThrow(RecordError);
  });

  test('a message can not read beyond itself', () => {
    const reader = readerOn(delimited(1, tag(1, 1)), Buffer.alloc(8));
    const read = () => reader.message((inner) => inner.next() && inner.fixed64());
    expect(read).toThrow(RecordError);
  });

  test('messages are not followed deeper than 64', () => {
    let bytes: Buffer = Buffer.alloc(0);
    for (let depth = 0; depth < 70; depth++) bytes = delimited(1, bytes);
    const descend = (reader: ProtobufReader): void => {
      while (reader.next()) reader.message(descend);
    };
    expect(() => descend(new ProtobufReader(bytes))).toThrow(/nested 64 deep/);
  });

  test('random bytes are walked or refused, never more', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const outcome = contain(() => skipAll(new ProtobufReader(bytes)));
        expect(['item', 'fault']).toContain(Object.keys(outcome)[0]);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('records', () => {
  test('what is wrong inside a record leaves the next field readable', () => {
    const reader = readerOn(delimited(2, Buffer.from([0xff])), tag(3, 0), varint(7n));
    const broken = reader.record((inner) => inner.next() && inner.string());
    reader.next();
    expect(broken).toMatchObject({ fault: { reason: 'malformed_record' } });
    expect(reader.uint32()).toBe(7);
  });

  test('looking ahead returns to where it began', () => {
    const reader = new ProtobufReader(Buffer.concat([tag(1, 0), varint(1n), delimited(2, Buffer.from('x'))]));
    const ahead = reader.lookAhead((inner) => {
      inner.next();
      inner.skip();
      inner.next();
      return inner.string();
    });
    reader.next();
    expect(ahead).toEqual({ item: 'x' });
    expect(reader.fieldNumber).toBe(1);
  });
});
