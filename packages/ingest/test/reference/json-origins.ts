/** Walks an OTLP/JSON export request down to its records: resources, their scopes, the records of each. */
import { contain, type Fault, MalformedBody, RecordError, type RecordSink } from '../../src/otlp/fault.ts';
import { parseJsonBody, type JsonObject } from '../../src/otlp/json-body.ts';
import { fieldOf, listOf, objectOf, textOf, toObject } from '../../src/otlp/json-fields.ts';
import { toResource, toScope } from '../../src/otlp/json-values.ts';
import type { Origin } from '../../src/otlp/records.ts';

/** The field names that differ between the signals. */
export interface JsonShape {
  resources: 'resourceSpans' | 'resourceLogs' | 'resourceMetrics';
  scopes: 'scopeSpans' | 'scopeLogs' | 'scopeMetrics';
  records: 'spans' | 'logRecords' | 'metrics';
}

/** What to do with each record of a request. */
export interface JsonVisitor {
  read(record: unknown, origin: Origin): void;
  /** Called instead where the resource or the scope is faulty, so that every record is accounted for. */
  refuse(record: unknown, fault: Fault): void;
}

/** Reads each record with `read`. */
export function visitJsonRecords<Item>(
  sink: RecordSink<Item>,
  read: (record: JsonObject) => Item,
): JsonVisitor {
  return {
    read(record, origin) {
      const closed = sink.closed();
      if (closed) return sink.fault(closed);
      const result = contain(() => read(toObject(record, 'record')));
      if ('fault' in result) sink.fault(result.fault);
      else sink.record(origin, result.item);
    },
    refuse(_record, fault) {
      sink.fault(fault);
    },
  };
}

/** Visits every record of `body`. */
export function walkJsonRequest(body: Uint8Array, shape: JsonShape, visitor: JsonVisitor): void {
  const request = parseJsonBody(body);
  checkSignal(request, shape);
  try {
    for (const group of listOf(request, shape.resources)) {
      walkResourceGroup(toObject(group, shape.resources), shape, visitor);
    }
  } catch (error) {
    // What is wrong inside a record was contained there: this is the frame around the records.
    if (error instanceof RecordError) throw new MalformedBody(error.message, { cause: error });
    throw error;
  }
}

/** Telemetry of another signal would otherwise pass as an empty request, and be lost without a word. */
function checkSignal(request: JsonObject, shape: JsonShape): void {
  if (fieldOf(request, shape.resources) !== undefined) return;
  const other = Object.keys(request).find((name) => request[name] !== null);
  if (other === undefined) return;
  throw new MalformedBody(
    `Not OTLP/JSON for this path: found ${JSON.stringify(other.slice(0, 60))}; send ${shape.resources}.`,
  );
}

function walkResourceGroup(group: JsonObject, shape: JsonShape, visitor: JsonVisitor): void {
  const head = contain(() => ({
    resource: toResource(objectOf(group, 'resource')),
    resourceSchemaUrl: textOf(group, 'schemaUrl'),
  }));
  for (const item of listOf(group, shape.scopes)) {
    const scopeGroup = toObject(item, shape.scopes);
    const origin = 'fault' in head ? head : contain(() => toOrigin(scopeGroup, head.item));
    for (const record of listOf(scopeGroup, shape.records)) {
      if ('fault' in origin) visitor.refuse(record, origin.fault);
      else visitor.read(record, origin.item);
    }
  }
}

function toOrigin(group: JsonObject, head: Pick<Origin, 'resource' | 'resourceSchemaUrl'>): Origin {
  return { ...head, scope: toScope(objectOf(group, 'scope')), scopeSchemaUrl: textOf(group, 'schemaUrl') };
}
