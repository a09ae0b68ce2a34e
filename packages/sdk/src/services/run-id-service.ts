/** Makes, checks and converts run IDs, in the call shapes of the heritage service. */
import {
  baseRunId,
  clientRunId,
  convertToStandardFormat as convert,
  generateRunId as generate,
  isValidClientRunId,
  isValidRunId,
  parseRunId,
  RunIdError,
  type RunIdParse,
} from '@rollcall/semconv';
import { TrackingError } from './errors.ts';

/** Pure functions: nothing is sent, and nothing is remembered. They throw a TrackingError that names what is wrong. */
export const unifiedRunIdService = {
  /**
   * A run ID for a job run that starts now. Make it once and hand it down; better still, let
   * `createJobTrackingRecord` claim one, for two programs that start in one second get different IDs there only.
   * @example
   * unifiedRunIdService.generateRunId(new Date('2025-09-30T12:30:45Z')) // => '250930-123045'
   */
  generateRunId: (now?: Date): string => translated(() => generate(now)),

  /**
   * The standard form of any ID that holds a time. A standard ID, with or without a client's suffix, is returned unchanged.
   * @example
   * unifiedRunIdService.convertToStandardFormat('250930-123045-Guy-Wilson') // => '250930-123045-Guy-Wilson'
   * unifiedRunIdService.convertToStandardFormat('job_lead_stream1_20250920_143022') // => '250920-143022'
   */
  convertToStandardFormat: (id: string): string => {
    const converted = convert(id);
    if (converted.status === 'refused') throw refused(converted.reason);
    const { runId, clientId } = converted;
    return clientId === null ? runId : clientRunId(runId, clientId);
  },

  /** Whether a value is a job run's ID, without a client's suffix. */
  isValidRunId: (value: unknown): value is string => isValidRunId(value),

  /** Whether a value is a client run's ID: a job run's ID, a hyphen, a client's ID. */
  isValidClientRunId: (value: unknown): value is string => isValidClientRunId(value),

  /** The parts of an ID, or why the value is none. Never throws. */
  parse: (value: unknown): RunIdParse => parseRunId(value),

  /**
   * Adds a client's suffix, once.
   * @example
   * unifiedRunIdService.addClientSuffix('250930-123045-acme', 'acme') // => '250930-123045-acme'
   */
  addClientSuffix: (runId: string, clientId: string): string =>
    translated(() => clientRunId(runId, clientId)),

  /** The job run's ID of either form. */
  stripClientSuffix: (id: string): string => translated(() => baseRunId(id)),
};

function translated(make: () => string): string {
  try {
    return make();
  } catch (error) {
    if (error instanceof RunIdError) {
      throw new TrackingError(error.code, error.message, { recovery: 'No ID was made.', cause: error });
    }
    throw error;
  }
}

function refused(reason: string): TrackingError {
  return new TrackingError('invalid_run_id', reason, { recovery: 'No ID was made.' });
}
