/** Collects remarks on the quality of a run's data, without flooding it. */

/** Stable codes. */
export const NOTE = {
  METRIC_REFUSED: 'metric_refused',
  PROGRESS_REFUSED: 'progress_refused',
  INVALID_CLIENT_ID: 'invalid_client_id',
  INVALID_RUN_ID: 'invalid_run_id',
  /** Another run has the ID that this one was given. */
  RUN_ID_CONFLICT: 'run_id_conflict',
  INVALID_JOB_NAME: 'invalid_job_name',
  INVALID_TIMEOUT: 'invalid_timeout',
  INVALID_SCHEDULE: 'invalid_schedule',
  /** Work went on after its timeout and grace, and ended only now. */
  SETTLED_AFTER_TIMEOUT: 'settled_after_timeout',
  /** A further attempt whose earlier ones nobody remembers, so it has an ID of its own. */
  EARLIER_ATTEMPTS_UNKNOWN: 'earlier_attempts_unknown',
} as const;

export interface Note {
  code: string;
  subject: string;
  /** In words, of the latest occurrence. */
  text: string;
  /** How often it happened so far. */
  count: number;
}

// A job that makes up subjects must not fill the memory.
const MOST_SUBJECTS = 200;

/** The first of a kind is told at once; the rest with the next sign of life, as a running total. */
export class Notes {
  readonly #emit: (note: Note) => void;
  /** Most runs have none. */
  #notes: Map<string, Note & { told: number }> | undefined;

  constructor(emit: (note: Note) => void) {
    this.#emit = emit;
  }

  add(code: string, subject: string, text: string): void {
    const key = `${code} ${subject}`;
    this.#notes ??= new Map();
    const known = this.#notes.get(key);
    if (known !== undefined) {
      known.count++;
      known.text = text;
    } else if (this.#notes.size < MOST_SUBJECTS) {
      this.#notes.set(key, { code, subject, text, count: 1, told: 1 });
      this.#emit({ code, subject, text, count: 1 });
    }
  }

  /** Tells the totals that have risen. */
  flush(): void {
    if (this.#notes === undefined) return;
    for (const note of this.#notes.values()) {
      if (note.told === note.count) continue;
      note.told = note.count;
      this.#emit(note);
    }
  }
}
