/** What the tracking API refuses, by its stable code. */

export type TrackingErrorCode =
  | 'invalid_request'
  | 'invalid_run_id'
  | 'invalid_client_id'
  | 'invalid_metric'
  | 'run_not_found'
  | 'client_run_not_found'
  | 'job_not_found'
  | 'invalid_schedule'
  | 'run_id_conflict'
  | 'already_ended'
  | 'attempt_over'
  | 'attempt_gap'
  | 'alias_taken'
  | 'overlap_refused'
  | 'idempotency_key_reused'
  | 'busy';

export class TrackingError extends Error {
  readonly code: TrackingErrorCode;
  /** The record that stands in the way, where there is one. */
  readonly record: unknown;

  constructor(
    code: TrackingErrorCode,
    message: string,
    { record, ...options }: ErrorOptions & { record?: unknown } = {},
  ) {
    super(message, options);
    this.name = 'TrackingError';
    this.code = code;
    this.record = record;
  }
}
