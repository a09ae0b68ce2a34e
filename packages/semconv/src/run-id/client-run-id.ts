/** Adds a client's suffix to a run ID and takes it off again. */
import { checkClientId } from './client-id.ts';
import { describeValue, quote } from './describe-value.ts';
import { parseRunId } from './parse-run-id.ts';
import { RunIdError } from './run-id-error.ts';

/**
 * The ID of the client run: `<run id>-<client id>`. The suffix is added once:
 * an ID that already carries this client's suffix is returned unchanged.
 * Suffixes are compared whole, so `…-a-b` belongs to the client `a-b`, never to `a`.
 * Throws a RunIdError (`invalid_run_id`, `invalid_client_id`, `client_mismatch`).
 * @example
 * clientRunId('250930-123045', 'Guy-Wilson') // => '250930-123045-Guy-Wilson'
 * clientRunId('250930-123045-Guy-Wilson', 'Guy-Wilson') // => '250930-123045-Guy-Wilson'
 */
export function clientRunId(runId: string, clientId: string): string {
  const parsed = parseRunId(runId);
  if (parsed.status === 'refused') throw invalidRunId(parsed.reason, runId, clientId);
  const client = checkClientId(clientId);
  if (client.status === 'refused') throw new RunIdError('invalid_client_id', client.reason);
  if (parsed.clientId === null) return `${parsed.runId}-${clientId}`;
  if (parsed.clientId === clientId) return runId;
  throw new RunIdError(
    'client_mismatch',
    `${quote(runId)} belongs to the client ${quote(parsed.clientId)}, not ${quote(clientId)}; ` +
      `start from the job run's ID, ${parsed.runId}.`,
  );
}

/**
 * The job run's ID of a job run ID or a client run ID.
 * Throws a RunIdError (`invalid_run_id`).
 * @example
 * baseRunId('250930-123045-Guy-Wilson') // => '250930-123045'
 * baseRunId('250930-123045') // => '250930-123045'
 */
export function baseRunId(id: string): string {
  const parsed = parseRunId(id);
  if (parsed.status === 'ok') return parsed.runId;
  throw new RunIdError('invalid_run_id', parsed.reason);
}

/**
 * Whether a value is a client run ID: a job run ID, a hyphen, a client ID.
 * @example
 * isValidClientRunId('250930-123045-Guy-Wilson') // => true
 * isValidClientRunId('250930-123045') // => false
 */
export function isValidClientRunId(value: unknown): value is string {
  const parsed = parseRunId(value);
  return parsed.status === 'ok' && parsed.clientId !== null;
}

function invalidRunId(reason: string, runId: unknown, clientId: unknown): RunIdError {
  if (parseRunId(clientId).status === 'refused') return new RunIdError('invalid_run_id', reason);
  return new RunIdError(
    'invalid_run_id',
    `The arguments look swapped: the run ID comes first, then the client ID; ` +
      `got ${describeValue(runId)} and ${describeValue(clientId)}.`,
  );
}
