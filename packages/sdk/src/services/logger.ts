/** Writes about the services' own troubles: once each, with the run and the client. */
import { sdkLog } from '../faults.ts';
import type { TrackingError } from './errors.ts';

/** Structured lines, as pino and its like take them. */
export interface TrackingLogger {
  warn(fields: Record<string, unknown>, message: string): void;
  error(fields: Record<string, unknown>, message: string): void;
}

/** OpenTelemetry's diagnostic log: silent unless the application listens to it. */
export const diagLogger: TrackingLogger = {
  warn: (fields, message) => sdkLog.warn(message, fields),
  error: (fields, message) => sdkLog.error(message, fields),
};

const logged = new WeakSet<TrackingError>();

/** Logs an error unless it was logged before. A logger that fails itself changes nothing. */
export function logOnce(log: TrackingLogger, error: TrackingError): void {
  if (logged.has(error)) return;
  logged.add(error);
  const { code, category, recovery, runId, clientId, cause } = error;
  const fields = { code, category, recovery, runId, clientId, ...(cause === undefined ? {} : { cause }) };
  try {
    if (error.isFlaw || category === 'storage') log.warn(fields, error.message);
    else log.error(fields, error.message);
  } catch (fault) {
    sdkLog.error('The logger of the tracking services failed', fault);
  }
}
