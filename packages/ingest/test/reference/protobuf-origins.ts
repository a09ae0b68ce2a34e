/** Walks a protobuf export request down to its records: resources, their scopes, the records of each. */
import { type Fault, MalformedBody, RecordError, type RecordSink } from '../../src/otlp/fault.ts';
import { ProtobufReader } from '../../src/otlp/protobuf-reader.ts';
import { emptyScope, readResource, readScope } from '../../src/otlp/protobuf-values.ts';
import type { Origin } from '../../src/otlp/records.ts';

/** What to do with each record of a request; the reader stands on its field. */
export interface RecordVisitor {
  read(reader: ProtobufReader, origin: Origin): void;
  /** Called instead where the resource or the scope is faulty, so that every record is accounted for. */
  refuse(reader: ProtobufReader, fault: Fault): void;
}

/** Reads the record in each field with `read`. */
export function visitRecords<Item>(
  sink: RecordSink<Item>,
  read: (reader: ProtobufReader) => Item,
): RecordVisitor {
  return {
    read(reader, origin) {
      const closed = sink.closed();
      if (closed) return this.refuse(reader, closed);
      const result = reader.record(read);
      if ('fault' in result) sink.fault(result.fault);
      else sink.record(origin, result.item);
    },
    refuse(reader, fault) {
      reader.skip();
      sink.fault(fault);
    },
  };
}

/** Visits every record; the three signals number these outer fields alike. */
export function walkRequest(body: Uint8Array, visitor: RecordVisitor): void {
  const reader = new ProtobufReader(body);
  try {
    while (reader.next()) {
      if (reader.fieldNumber === 1) reader.message((group) => walkResourceGroup(group, visitor));
      else reader.skip();
    }
  } catch (error) {
    // What is wrong inside a record was contained there: this is the frame around the records.
    if (error instanceof RecordError) throw new MalformedBody(error.message, { cause: error });
    throw error;
  }
}

type Head = Pick<Origin, 'resource' | 'resourceSchemaUrl'>;

/** Field order is free, and schema URLs usually come last: the group is read twice, first without its records. */
function walkResourceGroup(reader: ProtobufReader, visitor: RecordVisitor): void {
  const head = reader.lookAhead(readResourceHead);
  while (reader.next()) {
    if (reader.fieldNumber === 2) reader.message((group) => walkScopeGroup(group, head, visitor));
    else reader.skip();
  }
}

function readResourceHead(reader: ProtobufReader): Head {
  const head: Head = { resource: { attributes: new Map() }, resourceSchemaUrl: '' };
  while (reader.next()) {
    if (reader.fieldNumber === 1) head.resource = reader.message(readResource);
    else if (reader.fieldNumber === 3) head.resourceSchemaUrl = reader.string();
    else reader.skip();
  }
  return head;
}

function walkScopeGroup(
  reader: ProtobufReader,
  head: { item: Head } | { fault: Fault },
  visitor: RecordVisitor,
): void {
  const origin = 'fault' in head ? head : reader.lookAhead((group) => readOrigin(group, head.item));
  while (reader.next()) {
    if (reader.fieldNumber !== 2) reader.skip();
    else if ('fault' in origin) visitor.refuse(reader, origin.fault);
    else visitor.read(reader, origin.item);
  }
}

function readOrigin(reader: ProtobufReader, head: Head): Origin {
  const origin: Origin = { ...head, scope: emptyScope(), scopeSchemaUrl: '' };
  while (reader.next()) {
    if (reader.fieldNumber === 1) origin.scope = reader.message(readScope);
    else if (reader.fieldNumber === 3) origin.scopeSchemaUrl = reader.string();
    else reader.skip();
  }
  return origin;
}
