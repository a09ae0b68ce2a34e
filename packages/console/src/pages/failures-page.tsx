/** Kinds of failures over all jobs: what is new, what spreads, what keeps coming back. */

import { useQuery } from '@tanstack/preact-query';
import { useState } from 'preact/hooks';
import { Link } from '../parts/link.tsx';
import { questions } from '../api/queries.ts';
import type { FailureGroup } from '../api/types.ts';
import { pathTo, useParameter } from '../parts/route.ts';
import { Ago, Empty, Trouble, useTitle, Waiting } from '../parts/small.tsx';
import { Mark } from '../parts/verdict.tsx';
import { count, many } from '../parts/words.ts';

const PERIODS = [1, 7, 14, 30, 90] as const;

export function FailuresPage() {
  useTitle('Failures');
  const [search, setSearch] = useParameter('search');
  const [daysText, setDays] = useParameter('days');
  const days = Number(daysText) || 14;
  const [cursors, setCursors] = useState<string[]>([]);
  const { data, error, refetch, isPlaceholderData } = useQuery(
    questions.failureGroups(search, days, cursors.at(-1)),
  );
  return (
    <>
      <h1>Failures</h1>
      <div class="filters page-filters">
        <input
          type="search"
          aria-label="Search failures"
          placeholder="Error, message or job"
          value={search}
          onInput={(event) => {
            setCursors([]);
            setSearch(event.currentTarget.value);
          }}
        />
        <select
          aria-label="Period"
          value={String(days)}
          onChange={(event) => {
            setCursors([]);
            setDays(event.currentTarget.value);
          }}
        >
          {PERIODS.map((one) => (
            <option key={one} value={String(one)}>
              {one === 1 ? 'the last day' : `the last ${one} days`}
            </option>
          ))}
        </select>
      </div>
      {data === undefined ? (
        error === null ? (
          <Waiting rows={8} />
        ) : (
          <Trouble error={error} onAgain={() => void refetch()} />
        )
      ) : data.groups.length === 0 ? (
        <Empty
          title={
            search === ''
              ? `No failures in ${days === 1 ? 'the last day' : `the last ${days} days`}.`
              : 'No such failures.'
          }
        >
          {search === '' && <p>Errors that a client or a run throws show up here, grouped by kind.</p>}
        </Empty>
      ) : (
        <ul class={isPlaceholderData ? 'table rows old' : 'table rows'}>
          {data.groups.map((group) => (
            <Group key={`${group.job} ${group.fingerprint}`} group={group} days={days} />
          ))}
        </ul>
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

/** Seen for the first time within a day. */
const NEW_MS = 86_400_000;

function Group({ group, days }: { group: FailureGroup; days: number }) {
  const isNew = days > 1 && Date.now() - group.firstMs < NEW_MS;
  return (
    <li>
      <Link
        href={`${pathTo('failures', group.job, group.fingerprint)}?days=${days}`}
        class="row failure-row"
        data-item
      >
        <span class="failure-words">
          <span>
            <Mark verdict="failed" size={13} /> <b>{group.errorType === '' ? 'Error' : group.errorType}</b>{' '}
            {isNew && <span class="tag">new</span>}
          </span>
          <span class="failure-message-line">{group.message}</span>
          <span class="dim">{group.job}</span>
        </span>
        <PerDay perDay={group.perDay} />
        <span class="failure-figures num">
          <b>{count(group.occurrences)}×</b>
          <span class="dim">
            {many(group.runs, 'run')}
            {group.clients > 0 && `, ${many(group.clients, 'client')}`}
          </span>
        </span>
        <span class="failure-seen dim">
          <span>
            last <Ago at={group.lastMs} />
          </span>
          <span>
            first <Ago at={group.firstMs} />
          </span>
        </span>
      </Link>
    </li>
  );
}

const HEIGHT = 28;

export function PerDay({ perDay, width = 120 }: { perDay: readonly number[]; width?: number }) {
  const most = Math.max(...perDay, 1);
  const part = width / perDay.length;
  return (
    <svg
      class="per-day"
      width={width}
      height={HEIGHT}
      viewBox={`0 0 ${width} ${HEIGHT}`}
      role="img"
      aria-label={`Per day, the last on the right: ${perDay.join(', ')}`}
    >
      {perDay.map((number, index) => {
        const height = number === 0 ? 1 : Math.max(3, (number / most) * HEIGHT);
        return (
          <rect
            key={index}
            class={number === 0 ? 'per-day-none' : 'per-day-some'}
            x={index * part}
            y={HEIGHT - height}
            width={Math.max(1, part - 1.5)}
            height={height}
          />
        );
      })}
    </svg>
  );
}
