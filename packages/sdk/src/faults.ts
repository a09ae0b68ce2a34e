/** Keeps the SDK's own faults away from the job that it watches. */
import { diag } from '@opentelemetry/api';

const log = diag.createComponentLogger({ namespace: '@rollcall/sdk' });

/** The SDK's voice: OpenTelemetry's diagnostic log, silent unless the application listens to it. */
export const sdkLog = log;

/** Runs tracking code; what it throws is logged, and `undefined` returned in its place. */
export function safely<T>(what: string, track: () => T): T | undefined {
  try {
    return track();
  } catch (fault) {
    log.error(`Could not ${what}`, fault);
    return undefined;
  }
}
