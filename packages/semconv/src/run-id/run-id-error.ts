/** The error of the run-ID functions that return an ID and so cannot return a refusal. */

/**
 * Stable codes to match on:
 * `invalid_run_id` and `invalid_client_id` name the argument at fault,
 * `client_mismatch` means that the ID already belongs to another client,
 * `invalid_date` that a time is not one, `out_of_range` that it lies outside the years 2000 to 2099.
 */
export type RunIdErrorCode =
  | 'invalid_run_id'
  | 'invalid_client_id'
  | 'client_mismatch'
  | 'invalid_date'
  | 'out_of_range';

/** An ID could not be made. The message says what was wrong, the value seen and what would work. */
export class RunIdError extends Error {
  readonly code: RunIdErrorCode;

  constructor(code: RunIdErrorCode, message: string) {
    super(message);
    this.name = 'RunIdError';
    this.code = code;
  }
}
