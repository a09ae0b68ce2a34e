/** Walks a protobuf export request down to its records: resources, their scopes, the records of each. */
import { type Fault, MalformedBody, RecordError } from './fault.ts';
import { ProtobufReader } from './protobuf-reader.ts';
import { emptyScope, readResource, readScope } from './protobuf-values.ts';
import type { Origin } from './records.ts';

/** What to do with the records of a request; the reader stands on the field of each. */
export interface RecordVisitor {
  /** The records that follow are of this origin. */
  begin(origin: Origin): void;
  /** Passes over as many of the records that follow as can be passed over at once. */
  passAhead(reader: ProtobufReader): void;
  /** Reads as many of the records that follow as can be read at once, and moves the reader behind them. */
  readAhead(reader: ProtobufReader): void;
  /** Reads the record on whose field the reader stands. */
  read(reader: ProtobufReader): void;
  end(): void;
  /** Called instead where the resource or the scope is faulty, so that every record is accounted for. */
  refuse(reader: ProtobufReader, fault: Fault): void;
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
  const origin = 'fault' in head ? head : reader.lookAhead((group) => readOrigin(group, head.item, visitor));
  if ('fault' in origin) return refuseAll(reader, origin.fault, visitor);
  visitor.begin(origin.item);
  for (;;) {
    visitor.readAhead(reader);
    if (!reader.next()) break;
    if (reader.fieldNumber === 2) visitor.read(reader);
    else reader.skip();
  }
  visitor.end();
}

function refuseAll(reader: ProtobufReader, fault: Fault, visitor: RecordVisitor): void {
  while (reader.next()) {
    if (reader.fieldNumber === 2) visitor.refuse(reader, fault);
    else reader.skip();
  }
}

function readOrigin(reader: ProtobufReader, head: Head, visitor: RecordVisitor): Origin {
  const origin: Origin = { ...head, scope: emptyScope(), scopeSchemaUrl: '' };
  while (reader.next()) {
    if (reader.fieldNumber === 1) origin.scope = reader.message(readScope);
    else if (reader.fieldNumber === 3) origin.scopeSchemaUrl = reader.string();
    else {
      reader.skip();
      visitor.passAhead(reader);
    }
  }
  return origin;
}
