/** Decides what may follow what: the state table of docs/tracking-api.md. */

import type { DeclaredStatus } from '@rollcall/semconv';

/** What is known of the last attempt of a run. */
export interface AttemptState {
  readonly attempt: number;
  /** Declared status at its end, null while it has not ended. */
  readonly endedAs: string | null;
}

/** What somebody wants of it. */
export interface AttemptRequest {
  readonly attempt?: number | undefined;
  readonly status?: 'running' | DeclaredStatus | undefined;
  /** Whether it says anything else about the run's course: progress, a reason, an error. */
  readonly hasNews?: boolean;
}

export type Decision =
  /** Write the news, after starting the attempt where `starts`, and end it where `ends`. */
  | {
      readonly status: 'apply';
      readonly attempt: number;
      readonly starts: boolean;
      readonly ends: DeclaredStatus | null;
    }
  /** It is so already. */
  | { readonly status: 'unchanged'; readonly attempt: number }
  | {
      readonly status: 'refused';
      readonly code: 'already_ended' | 'attempt_over' | 'attempt_gap';
      readonly detail: string;
    };

/** Per attempt the first end stands; going on after it takes a new attempt. */
export function decide(
  last: AttemptState,
  { attempt = last.attempt, status, hasNews = false }: AttemptRequest,
): Decision {
  const ends = status === undefined || status === 'running' ? null : status;
  if (attempt < last.attempt) {
    return refused('attempt_over', `Attempt ${attempt} is over: the last one is ${last.attempt}.`);
  }
  if (attempt > last.attempt + 1) {
    return refused(
      'attempt_gap',
      `Attempt ${attempt} would leave a gap: the last one is ${last.attempt}, the next is ${last.attempt + 1}.`,
    );
  }
  if (attempt === last.attempt + 1) return { status: 'apply', attempt, starts: true, ends };
  if (last.endedAs === null) return { status: 'apply', attempt, starts: false, ends };
  const isNothingNew = status === last.endedAs || (status === undefined && !hasNews);
  if (isNothingNew) return { status: 'unchanged', attempt };
  return refused(
    'already_ended',
    `Attempt ${attempt} has ended as '${last.endedAs}', and that stands. To try again, send "attempt": ${attempt + 1}.`,
  );
}

function refused(code: 'already_ended' | 'attempt_over' | 'attempt_gap', detail: string): Decision {
  return { status: 'refused', code, detail };
}
