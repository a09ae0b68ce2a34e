/** The one error of the tracking services, and what each of its codes means. */

/** Each category has its own recovery; docs/errors.md lists them. */
export type TrackingErrorCategory =
  | 'record_not_found'
  | 'invalid_run_id'
  | 'storage'
  | 'inconsistent_data'
  | 'unknown';

const CATEGORY_OF = {
  run_not_found: 'record_not_found',
  client_run_not_found: 'record_not_found',
  invalid_run_id: 'invalid_run_id',
  invalid_client_id: 'invalid_run_id',
  client_mismatch: 'invalid_run_id',
  invalid_date: 'invalid_run_id',
  out_of_range: 'invalid_run_id',
  storage_unavailable: 'storage',
  spool_failed: 'storage',
  invalid_metric: 'inconsistent_data',
  already_ended: 'inconsistent_data',
  attempt_over: 'inconsistent_data',
  attempt_gap: 'inconsistent_data',
  run_id_conflict: 'inconsistent_data',
  alias_taken: 'inconsistent_data',
  overlap_refused: 'inconsistent_data',
  idempotency_key_reused: 'inconsistent_data',
  invalid_request: 'unknown',
  too_large: 'unknown',
  cancelled: 'unknown',
  unexpected: 'unknown',
} as const satisfies Record<string, TrackingErrorCategory>;

/** Stable codes to match on. Those of the tracking API are the same there. */
export type TrackingErrorCode = keyof typeof CATEGORY_OF;

export function isTrackingErrorCode(code: unknown): code is TrackingErrorCode {
  return typeof code === 'string' && Object.hasOwn(CATEGORY_OF, code);
}

/** Flaws of the data, not of the call: what is sound is kept, the flaw is told on the record, and the job goes on. */
const FLAWS: ReadonlySet<TrackingErrorCode> = new Set([
  'invalid_metric',
  'already_ended',
  'attempt_over',
  'attempt_gap',
]);

export interface TrackingErrorDetails {
  /** What was done about it, in words. */
  recovery: string;
  runId?: string | null;
  clientId?: string | null;
  cause?: unknown;
}

/** Something could not be tracked as asked. The message says what was wrong and what would work. */
export class TrackingError extends Error {
  readonly code: TrackingErrorCode;
  readonly category: TrackingErrorCategory;
  /** What was done about it. */
  readonly recovery: string;
  readonly runId: string | null;
  readonly clientId: string | null;

  constructor(code: TrackingErrorCode, message: string, details: TrackingErrorDetails) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    this.name = 'TrackingError';
    this.code = code;
    this.category = CATEGORY_OF[code];
    this.recovery = details.recovery;
    this.runId = details.runId ?? null;
    this.clientId = details.clientId ?? null;
  }

  /** Whether the data was flawed but the rest of it was kept. Such an error is told, never thrown. */
  get isFlaw(): boolean {
    return FLAWS.has(this.code);
  }
}
