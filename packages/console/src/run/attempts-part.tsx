/** The tries of a run, and of its clients that were tried more than once. */

import { useQuery } from '@tanstack/preact-query';
import { questions } from '../api/queries.ts';
import { nameOf } from '../parts/run-name.ts';
import type { Attempt, JobRun } from '../api/types.ts';
import { Empty, Moment, Trouble, Waiting } from '../parts/small.tsx';
import { Mark, type Verdict } from '../parts/verdict.tsx';
import { duration } from '../parts/words.ts';

const DECLARED: ReadonlySet<string> = new Set([
  'completed',
  'nothing_to_do',
  'failed',
  'cancelled',
  'timed_out',
]);

export function AttemptsPart({ run }: { run: JobRun }) {
  const { data, error, refetch } = useQuery(questions.attempts(nameOf(run)));
  if (data === undefined)
    return error === null ? <Waiting /> : <Trouble error={error} onAgain={() => void refetch()} />;
  const isFirstOnly = data.attempts.every(({ attempt }) => attempt === 1);
  if (isFirstOnly) {
    return (
      <Empty title="Nothing was tried twice.">
        <p>
          The same client again within a run is its next attempt; its verdict and metrics are those of the
          last one.
        </p>
      </Empty>
    );
  }
  return (
    <div class="table scroll">
      <table class="plain-table wide">
        <thead>
          <tr>
            <th scope="col">Client</th>
            <th scope="col">Attempt</th>
            <th scope="col">Declared</th>
            <th scope="col">Started</th>
            <th scope="col">Duration</th>
            <th scope="col">Error</th>
          </tr>
        </thead>
        <tbody>
          {data.attempts.map((attempt) => (
            <Row key={`${attempt.clientId} ${attempt.attempt}`} attempt={attempt} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({
  attempt: { clientId, attempt, declaredStatus, startedMs, endedMs, errorType, errorMessage },
}: {
  attempt: Attempt;
}) {
  return (
    <tr>
      <th scope="row">{clientId === '' ? <span class="dim">the job run itself</span> : clientId}</th>
      <td class="num">{attempt}</td>
      <td>
        {DECLARED.has(declaredStatus) ? (
          <span class={`verdict v-${declaredStatus}`}>
            <Mark verdict={declaredStatus as Verdict} size={13} /> {declaredStatus.replaceAll('_', ' ')}
          </span>
        ) : (
          <span class="dim">{declaredStatus === '' ? 'no end' : declaredStatus}</span>
        )}
      </td>
      <td class="num">
        <Moment at={startedMs} />
      </td>
      <td class="num">{startedMs === null || endedMs === null ? '–' : duration(endedMs - startedMs)}</td>
      <td>{errorType === '' ? '' : `${errorType}: ${errorMessage}`}</td>
    </tr>
  );
}
