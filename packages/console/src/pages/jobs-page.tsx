/** All jobs: how each has been doing. */

import { useQuery } from '@tanstack/preact-query';
import { useState } from 'preact/hooks';
import { Link } from '../parts/link.tsx';
import { questions } from '../api/queries.ts';
import type { JobSummary } from '../api/types.ts';
import { pathTo, useParameter } from '../parts/route.ts';
import { Ago, Empty, Moment, Trouble, useTitle, Waiting } from '../parts/small.tsx';
import { Mark, wordsOf } from '../parts/verdict.tsx';
import { count, duration, many } from '../parts/words.ts';

export function JobsPage() {
  useTitle('Jobs');
  const [search, setSearch] = useParameter('search');
  const [cursors, setCursors] = useState<string[]>([]);
  const { data, error, refetch, isPlaceholderData } = useQuery(questions.jobs(search, cursors.at(-1)));
  return (
    <>
      <h1>Jobs</h1>
      <div class="filters page-filters">
        <input
          type="search"
          aria-label="Filter jobs"
          placeholder="Filter jobs"
          value={search}
          onInput={(event) => {
            setCursors([]);
            setSearch(event.currentTarget.value);
          }}
        />
        {data !== undefined && <span class="dim num">{many(data.total, 'job')}</span>}
      </div>
      {data === undefined ? (
        error === null ? (
          <Waiting rows={10} />
        ) : (
          <Trouble error={error} onAgain={() => void refetch()} />
        )
      ) : data.jobs.length === 0 ? (
        <Empty title={search === '' ? 'No jobs yet.' : `No job's name contains '${search}'.`}>
          {search === '' && (
            <p>
              <Link href="/">How to send the first run</Link>
            </p>
          )}
        </Empty>
      ) : (
        <div class={isPlaceholderData ? 'table old' : 'table'}>
          <div class="row-head job-row" aria-hidden="true">
            <span>Job</span>
            <span>Last run</span>
            <span>Latest runs, the newest on the right</span>
            <span class="right">Usually</span>
            <span class="right">Runs</span>
          </div>
          <ul class="rows">
            {data.jobs.map((job) => (
              <JobRow key={job.job} job={job} />
            ))}
          </ul>
        </div>
      )}
      <div class="pager">
        {cursors.length > 0 && (
          <button type="button" class="button" onClick={() => setCursors((before) => before.slice(0, -1))}>
            ← Before
          </button>
        )}
        {data?.nextCursor != null && (
          <button
            type="button"
            class="button"
            onClick={() => setCursors((before) => [...before, data.nextCursor ?? ''])}
          >
            More →
          </button>
        )}
      </div>
    </>
  );
}

function JobRow({ job: { job, runs, recent, usual, schedule } }: { job: JobSummary }) {
  const last = recent.at(-1);
  return (
    <li>
      <Link href={pathTo('jobs', job)} class="row job-row" data-item>
        <span class="job-name">
          <b>{job}</b>
          {schedule?.lateSince != null && (
            <span class="warn">
              late since <Moment at={schedule.lateSince} />
            </span>
          )}
          {schedule?.lateSince == null && schedule?.nextDue != null && (
            <span class="dim">
              next due <Moment at={schedule.nextDue} />
            </span>
          )}
        </span>
        <span class="job-last">
          {last !== undefined && (
            <>
              <span class={`verdict v-${last.verdict}`}>
                <Mark verdict={last.verdict} size={13} /> {wordsOf(last.verdict)}
              </span>
              <span class="dim">
                <Ago at={last.startedMs} />
              </span>
            </>
          )}
        </span>
        <Strip recent={recent} />
        <span class="num right">
          {usual === null ? <span class="dim">–</span> : duration(usual.medianMs)}
        </span>
        <span class="num right dim">{count(runs)}</span>
      </Link>
    </li>
  );
}

/** A mark for each run; the words say how many of each. */
function Strip({ recent }: { recent: JobSummary['recent'] }) {
  const counts = new Map<string, number>();
  for (const { verdict } of recent) counts.set(wordsOf(verdict), (counts.get(wordsOf(verdict)) ?? 0) + 1);
  const words = [...counts].map(([verdict, number]) => `${number} ${verdict}`).join(', ');
  return (
    <span class="strip" role="img" aria-label={`The last ${recent.length} runs: ${words}`} title={words}>
      {recent.map(({ runId, origin, verdict }) => (
        <span key={`${runId} ${origin}`} class={`strip-cell v-${verdict}`}>
          <Mark verdict={verdict} size={11} />
        </span>
      ))}
    </span>
  );
}
