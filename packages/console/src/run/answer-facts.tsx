/** What is known of a client run, in a few lines. */

import type { Answer } from '../api/types.ts';
import { Mark, wordsOf } from '../parts/verdict.tsx';
import { clock, duration } from '../parts/words.ts';

export function AnswerFacts({ answer }: { answer: Answer }) {
  const { clientId, verdict, startedMs, durationMs, attempt, reason, errorType, errorMessage } = answer;
  return (
    <>
      <div class="tooltip-title">{clientId}</div>
      <div class={`verdict v-${verdict}`}>
        <Mark verdict={verdict} size={13} /> {wordsOf(verdict)}
        {attempt !== undefined && `, attempt ${attempt}`}
      </div>
      {startedMs !== undefined && (
        <div class="dim num">
          {clock(startedMs)}
          {durationMs !== undefined && `, ${duration(durationMs)}`}
        </div>
      )}
      {reason !== undefined && <div>{reason}</div>}
      {errorType !== undefined && (
        <div>
          {errorType}: {errorMessage}
        </div>
      )}
      {answer.isUnexpected === true && <div class="dim">was not expected</div>}
    </>
  );
}
