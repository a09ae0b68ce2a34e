/** Writes the columns that all records of one resource and scope share: once, then repeated. */
import { ATTR } from '@rollcall/semconv';
import { checkName } from '../otlp/check-fields.ts';
import { contain, type Fault } from '../otlp/fault.ts';
import type { Attributes, Origin, Resource } from '../otlp/records.ts';
import type { NamedColumn } from '../native/block.ts';
import { FixedColumn, LowCardinalityColumn, MapColumn } from '../native/columns.ts';
import { appendString, Source } from '../native/source.ts';
import { type ResourceRun, runOf } from './run-identity.ts';
import { positionsOf } from './table-writer.ts';
import { valueText } from './value-text.ts';

/** What comes from the request, not from the telemetry. */
export interface RowContext {
  projectId: string;
  receivedAtMs: number;
}

/** A text that is written into a low-cardinality column of several tables. */
interface EncodedText {
  readonly source: Source;
  readonly length: number;
}

/** What the records of one resource and scope have in common, ready to be written. */
export interface EncodedOrigin {
  readonly projectId: EncodedText;
  readonly receivedAtSeconds: number;
  readonly resource: EncodedResource;
  readonly scopeName: EncodedText;
  readonly scopeVersion: EncodedText;
  readonly scopeAttributes: readonly EncodedAttribute[];
  readonly scopeDroppedCount: number;
  readonly scopeSchemaUrl: EncodedText;
  /** Bytes that these columns add to each row, about. */
  readonly sizeBytes: number;
}

interface EncodedResource {
  readonly serviceName: EncodedText;
  readonly attributes: readonly EncodedAttribute[];
  readonly schemaUrl: EncodedText;
  readonly run: ResourceRun;
  readonly sizeBytes: number;
}

interface EncodedAttribute {
  readonly key: EncodedText;
  readonly value: string;
}

/** Remembers the last origin: records of one origin come one after the other. */
export class OriginEncoder {
  readonly #projectId: EncodedText;
  readonly #receivedAtSeconds: number;
  #resource: Resource | undefined;
  #encodedResource: { item: EncodedResource } | { fault: Fault } | undefined;

  constructor({ projectId, receivedAtMs }: RowContext) {
    this.#projectId = encode(projectId);
    this.#receivedAtSeconds = Math.floor(receivedAtMs / 1_000);
  }

  /** The origin, or why no record of it can be kept. */
  of(origin: Origin): { item: EncodedOrigin } | { fault: Fault } {
    if (origin.resource !== this.#resource || !this.#encodedResource) {
      this.#resource = origin.resource;
      this.#encodedResource = contain(() => encodeResource(origin));
    }
    const resource = this.#encodedResource;
    if ('fault' in resource) return resource;
    return contain(() => this.#encode(origin, resource.item));
  }

  #encode({ scope, scopeSchemaUrl }: Origin, resource: EncodedResource): EncodedOrigin {
    checkName(scope.name, 'scope name');
    checkName(scope.version, 'scope version');
    const scopeAttributes = encodeAttributes(scope.attributes);
    return {
      projectId: this.#projectId,
      receivedAtSeconds: this.#receivedAtSeconds,
      resource,
      scopeName: encode(scope.name),
      scopeVersion: encode(scope.version),
      scopeAttributes,
      scopeDroppedCount: scope.droppedAttributesCount,
      scopeSchemaUrl: encode(scopeSchemaUrl),
      sizeBytes: resource.sizeBytes + sizeOf(scopeAttributes),
    };
  }
}

/** The columns of a table that say where its rows come from. */
export class OriginColumns {
  readonly #projectId = new LowCardinalityColumn();
  readonly #receivedAt = new FixedColumn("DateTime('UTC')", 4);
  readonly #serviceName = new LowCardinalityColumn();
  readonly #resourceAttributes = new MapColumn();
  readonly #resourceSchemaUrl = new LowCardinalityColumn();
  readonly #scopeName = new LowCardinalityColumn();
  readonly #scopeVersion = new LowCardinalityColumn();
  readonly #scopeAttributes = new MapColumn();
  readonly #scopeDroppedCount = new FixedColumn('UInt32', 4);
  readonly #scopeSchemaUrl = new LowCardinalityColumn();

  /** The first columns of every table. */
  readonly head: readonly NamedColumn[] = [
    { name: 'ProjectId', column: this.#projectId },
    { name: 'ReceivedAt', column: this.#receivedAt },
  ];
  /** Those that stand in front of the run's. */
  readonly body: readonly NamedColumn[] = [
    { name: 'ServiceName', column: this.#serviceName },
    { name: 'ResourceAttributes', column: this.#resourceAttributes },
    { name: 'ResourceSchemaUrl', column: this.#resourceSchemaUrl },
    { name: 'ScopeName', column: this.#scopeName },
    { name: 'ScopeVersion', column: this.#scopeVersion },
    { name: 'ScopeAttributes', column: this.#scopeAttributes },
    { name: 'ScopeDroppedAttrCount', column: this.#scopeDroppedCount },
    { name: 'ScopeSchemaUrl', column: this.#scopeSchemaUrl },
  ];

  readonly #all = [...this.head, ...this.body].map(({ column }) => column);

  /** Writes the columns of the latest `rows` rows. */
  fill(origin: EncodedOrigin, rows: number): void {
    if (rows === 0) return;
    const { resource } = origin;
    const from = rows > 1 ? this.#all.map(positionsOf) : [];
    push(this.#projectId, origin.projectId);
    this.#receivedAt.int32(origin.receivedAtSeconds);
    push(this.#serviceName, resource.serviceName);
    pushAttributes(this.#resourceAttributes, resource.attributes);
    push(this.#resourceSchemaUrl, resource.schemaUrl);
    push(this.#scopeName, origin.scopeName);
    push(this.#scopeVersion, origin.scopeVersion);
    pushAttributes(this.#scopeAttributes, origin.scopeAttributes);
    this.#scopeDroppedCount.int32(origin.scopeDroppedCount);
    push(this.#scopeSchemaUrl, origin.scopeSchemaUrl);
    if (rows > 1) this.#all.forEach((column, index) => column.repeat(from[index] ?? [], rows));
  }
}

/** Writes attributes that were decoded into objects as one row. */
export function pushAttributes(column: MapColumn, attributes: readonly EncodedAttribute[]): void {
  for (const { key, value } of attributes) {
    push(column.keys, key);
    appendString(column.values, value);
  }
  column.endRow();
}

export function encodeAttributes(attributes: Attributes): EncodedAttribute[] {
  return Array.from(attributes, ([key, value]) => ({ key: encode(key), value: valueText(value) }));
}

/** Names of metrics, units, scopes and keys come again with every request. */
const KNOWN_TEXTS = 4_096;
const KNOWN_LENGTH = 256;
const known = new Map<string, EncodedText>();

export function encode(text: string): EncodedText {
  const before = known.get(text);
  if (before !== undefined) return before;
  const bytes = Buffer.from(text);
  const encoded = { source: new Source(bytes, false), length: bytes.length };
  if (text.length <= KNOWN_LENGTH) {
    if (known.size >= KNOWN_TEXTS) known.clear();
    known.set(text, encoded);
  }
  return encoded;
}

export function push(column: LowCardinalityColumn, { source, length }: EncodedText): void {
  column.push(column.find(source, 0, length));
}

export function sizeOf(attributes: readonly EncodedAttribute[]): number {
  return attributes.reduce((sum, { value }) => sum + value.length + 2, 0);
}

function encodeResource({ resource, resourceSchemaUrl }: Origin): EncodedResource {
  const serviceName = valueText(resource.attributes.get(ATTR.SERVICE_NAME) ?? '');
  checkName(serviceName, 'service name');
  const attributes = encodeAttributes(resource.attributes);
  return {
    serviceName: encode(serviceName),
    attributes,
    schemaUrl: encode(resourceSchemaUrl),
    run: runOf(resource.attributes),
    sizeBytes: sizeOf(attributes),
  };
}
