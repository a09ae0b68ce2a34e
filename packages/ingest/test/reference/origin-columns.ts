/** Writes the columns that all records of one resource and scope share, once. */
import { ATTR } from '@rollcall/semconv';
import { checkName } from '../../src/otlp/check-fields.ts';
import { contain, type Fault } from '../../src/otlp/fault.ts';
import type { Origin, Resource } from '../../src/otlp/records.ts';
import { attributesJson, textJson, valueText } from './json-text.ts';

/** What comes from the request, not from the telemetry. */
export interface RowContext {
  projectId: string;
  receivedAtMs: number;
}

/** Remembers the columns of the last origin: records of one origin come one after the other. */
export class OriginColumns {
  readonly #request: string;
  #resource: Resource | undefined;
  #resourceJson: { item: string } | { fault: Fault } = { item: '' };
  #origin: Origin | undefined;
  #originJson: { item: string } | { fault: Fault } = { item: '' };

  constructor({ projectId, receivedAtMs }: RowContext) {
    const receivedAtSeconds = Math.floor(receivedAtMs / 1_000);
    this.#request = `"ProjectId":${textJson(projectId)},"ReceivedAt":${receivedAtSeconds}`;
  }

  /** The columns as JSON members, or why no record of this origin can be kept. */
  of(origin: Origin): { item: string } | { fault: Fault } {
    if (origin.resource !== this.#resource) {
      this.#resource = origin.resource;
      this.#resourceJson = contain(() => `${this.#request},${resourceColumns(origin)}`);
    }
    if (origin !== this.#origin) {
      this.#origin = origin;
      const resource = this.#resourceJson;
      this.#originJson =
        'fault' in resource ? resource : contain(() => `${resource.item},${scopeColumns(origin)}`);
    }
    return this.#originJson;
  }
}

function resourceColumns({ resource, resourceSchemaUrl }: Origin): string {
  const serviceName = valueText(resource.attributes.get(ATTR.SERVICE_NAME) ?? '');
  checkName(serviceName, 'service name');
  return (
    `"ServiceName":${textJson(serviceName)},"ResourceAttributes":${attributesJson(resource.attributes)},` +
    `"ResourceSchemaUrl":${textJson(resourceSchemaUrl)}`
  );
}

function scopeColumns({ scope, scopeSchemaUrl }: Origin): string {
  checkName(scope.name, 'scope name');
  checkName(scope.version, 'scope version');
  return (
    `"ScopeName":${textJson(scope.name)},"ScopeVersion":${textJson(scope.version)},` +
    `"ScopeAttributes":${attributesJson(scope.attributes)},` +
    `"ScopeDroppedAttrCount":${scope.droppedAttributesCount},"ScopeSchemaUrl":${textJson(scopeSchemaUrl)}`
  );
}
