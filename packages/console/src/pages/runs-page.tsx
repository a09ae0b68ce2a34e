/** All runs, by job and verdict. */

import { useQuery } from '@tanstack/preact-query';
import { useState } from 'preact/hooks';
import { questions } from '../api/queries.ts';
import type { JobRunSummary } from '../api/types.ts';
import { useParameter } from '../parts/route.ts';
import { RunRow, RunRowHead } from '../parts/run-row.tsx';
import { Empty, Trouble, useTitle, Waiting } from '../parts/small.tsx';
import { BY_TROUBLE, wordsOf } from '../parts/verdict.tsx';

export function RunsPage() {
  useTitle('Runs');
  const [job, setJob] = useParameter('job');
  const [verdict, setVerdict] = useParameter('verdict');
  const [cursors, setCursors] = useState<string[]>([]);
  const filter = { ...(job === '' ? {} : { job }), ...(verdict === '' ? {} : { verdict }) };
  const { data, error, refetch, isPlaceholderData } = useQuery(questions.runs(filter, cursors.at(-1)));
  const begin = (set: (value: string) => void) => (value: string) => {
    setCursors([]);
    set(value);
  };
  return (
    <>
      <h1>Runs</h1>
      <div class="filters page-filters">
        <input
          type="search"
          aria-label="Job, whole name"
          placeholder="Job, whole name"
          value={job}
          onChange={(event) => begin(setJob)(event.currentTarget.value.trim())}
        />
        <select
          aria-label="Verdict"
          value={verdict}
          onChange={(event) => begin(setVerdict)(event.currentTarget.value)}
        >
          <option value="">every verdict</option>
          {BY_TROUBLE.filter((one) => one !== 'pending' && one !== 'never_started').map((one) => (
            <option key={one} value={one}>
              {wordsOf(one)}
            </option>
          ))}
        </select>
      </div>
      {data === undefined ? (
        error === null ? (
          <Waiting rows={10} />
        ) : (
          <Trouble error={error} onAgain={() => void refetch()} />
        )
      ) : data.runs.length === 0 ? (
        <Empty title="No such runs.">
          <p>
            {data.nextCursor === null
              ? 'Try another job or verdict.'
              : 'None among the latest 2,000. Look further back.'}
          </p>
        </Empty>
      ) : (
        <Table runs={data.runs} isOld={isPlaceholderData} />
      )}
      <div class="pager">
        {cursors.length > 0 && (
          <button type="button" class="button" onClick={() => setCursors((before) => before.slice(0, -1))}>
            ← Newer
          </button>
        )}
        {data?.nextCursor != null && (
          <button
            type="button"
            class="button"
            onClick={() => {
              setCursors((before) => [...before, data.nextCursor ?? '']);
              window.scrollTo(0, 0);
            }}
          >
            Older →
          </button>
        )}
      </div>
    </>
  );
}

function Table({ runs, isOld }: { runs: readonly JobRunSummary[]; isOld: boolean }) {
  return (
    <div class={isOld ? 'table old' : 'table'}>
      <RunRowHead />
      <ul class="rows">
        {runs.map((run) => (
          <RunRow key={`${run.runId} ${run.origin}`} run={run} />
        ))}
      </ul>
    </div>
  );
}
