/** Makes the environment of a program that runs under a run, so that whatever it instruments itself with joins in. */

import { runContextToEnv } from '@rollcall/sdk';
import { ATTR } from '@rollcall/semconv';

/** Where telemetry goes. */
export interface Destination {
  readonly endpoint: string;
  readonly apiKey: string | undefined;
}

const OF_ANOTHER_RUN = ['ROLLCALL_RUN_ID', 'ROLLCALL_JOB_NAME', 'ROLLCALL_RUN_ORIGIN', 'ROLLCALL_CLIENT_ID'];

/**
 * Adds the run around the caller. What the user has set for OpenTelemetry stays;
 * what is not set is set so that an OpenTelemetry SDK in any language sends to Rollcall, and names the run.
 */
export function programEnvironment(
  base: NodeJS.ProcessEnv,
  { endpoint, apiKey }: Destination,
  attempt: number,
): NodeJS.ProcessEnv {
  const run = runContextToEnv();
  const env: NodeJS.ProcessEnv = { ...base };
  for (const name of OF_ANOTHER_RUN) delete env[name];
  Object.assign(env, run, { ROLLCALL_ATTEMPT: String(attempt) });
  env['OTEL_EXPORTER_OTLP_ENDPOINT'] = endpoint;
  env['OTEL_EXPORTER_OTLP_PROTOCOL'] ||= 'http/protobuf';
  if (apiKey !== undefined) {
    env['ROLLCALL_API_KEY'] ||= apiKey;
    env['OTEL_EXPORTER_OTLP_HEADERS'] = withAuthorization(env['OTEL_EXPORTER_OTLP_HEADERS'] ?? '', apiKey);
  }
  env['OTEL_RESOURCE_ATTRIBUTES'] = withRun(env['OTEL_RESOURCE_ATTRIBUTES'] ?? '', run);
  return env;
}

function withAuthorization(headers: string, apiKey: string): string {
  if (/(^|,)\s*authorization=/i.test(headers)) return headers;
  return join([headers, `authorization=${encodeURIComponent(`Bearer ${apiKey}`)}`]);
}

/** A resource that names the run puts it on all that such an SDK sends. */
function withRun(attributes: string, run: Record<string, string>): string {
  const others = attributes
    .split(',')
    .filter((pair) => pair.trim() !== '' && !pair.trim().startsWith('rollcall.'));
  const named = {
    [ATTR.RUN_ID]: run['ROLLCALL_RUN_ID'],
    [ATTR.RUN_ORIGIN]: run['ROLLCALL_RUN_ORIGIN'],
    [ATTR.JOB_NAME]: run['ROLLCALL_JOB_NAME'],
    [ATTR.CLIENT_ID]: run['ROLLCALL_CLIENT_ID'],
  };
  const pairs = Object.entries(named).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}=${encodeURIComponent(value)}`],
  );
  return join([...others, ...pairs]);
}

function join(pairs: readonly string[]): string {
  return pairs.filter((pair) => pair !== '').join(',');
}
