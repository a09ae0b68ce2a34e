/** Describes the process that produces the telemetry. */
import { randomUUID } from 'node:crypto';
import type { Attributes } from '@opentelemetry/api';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
  type Resource,
} from '@opentelemetry/resources';
import { ATTR } from '@rollcall/semconv';
import type { Config } from '../config.ts';

/**
 * `OTEL_RESOURCE_ATTRIBUTES` and a service name over the defaults.
 * `service.instance.id` is new for every start of the SDK: it names the producer, whose sequence numbers
 * and running totals begin anew, so an ID given from outside would make two producers look like one.
 */
export function describeProducer(config: Config): Resource {
  const script = config.scriptName === undefined ? {} : { [ATTR.SERVICE_NAME]: config.scriptName };
  const named = config.serviceName === undefined ? {} : { [ATTR.SERVICE_NAME]: config.serviceName };
  return defaultResource()
    .merge(resourceFromAttributes(script))
    .merge(resourceFromAttributes(ofThisProcess(detectResources({ detectors: [envDetector] }))))
    .merge(resourceFromAttributes({ ...named, [ATTR.SERVICE_INSTANCE_ID]: randomUUID() }));
}

/**
 * `rollcall exec` names the run in `OTEL_RESOURCE_ATTRIBUTES`, for SDKs that know nothing of Rollcall. What this SDK
 * sends says itself which run and client it is of; a resource would speak for whatever is of none.
 */
function ofThisProcess({ attributes }: Resource): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => !name.startsWith('rollcall.')));
}
