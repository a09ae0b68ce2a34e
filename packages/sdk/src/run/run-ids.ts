/** Gives each job run of this process an ID of its own. */
import { generateRunId, isValidRunId, nextRunId } from '@rollcall/semconv';

/**
 * Run IDs have a resolution of one second, so a run that starts in the same second as another of this process
 * gets the next free one. Collisions between processes are settled by ingest.
 */
export class RunIds {
  #latest = '';

  /** Notes an ID that ingest gave, so that the next one made here is another. */
  note(runId: string): void {
    if (runId > this.#latest) this.#latest = runId;
  }

  /** The ID that was given, if it is one, else a new one. */
  take(given: unknown, startedAtMs: number): string {
    return isValidRunId(given) ? given : this.#next(generateRunId(new Date(startedAtMs)));
  }

  #next(candidate: string): string {
    // IDs sort like the time they name.
    this.#latest = candidate > this.#latest ? candidate : nextRunId(this.#latest);
    return this.#latest;
  }
}
