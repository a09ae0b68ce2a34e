/** One kind of failure: its stack, and where and when it came. */

import { useQuery } from '@tanstack/preact-query';
import { Link } from '../parts/link.tsx';
import { questions } from '../api/queries.ts';
import { pathTo, useParameter } from '../parts/route.ts';
import { Ago, CopyButton, Moment, Section, Trouble, useTitle, Waiting } from '../parts/small.tsx';
import { count, many } from '../parts/words.ts';
import { PerDay } from './failures-page.tsx';
import '../styles/run.css';

export function FailurePage({ job, fingerprint }: { job: string; fingerprint: string }) {
  const [daysText] = useParameter('days');
  const days = Number(daysText) || 14;
  const { data, error, refetch } = useQuery(questions.failureGroup(job, fingerprint, days));
  useTitle(data?.group.errorType ?? 'Failure');
  return (
    <>
      <p class="crumbs">
        <Link href="/failures">Failures</Link> / <Link href={pathTo('jobs', job)}>{job}</Link>
      </p>
      {data === undefined ? (
        <>
          <h1>Failure</h1>
          {error === null ? <Waiting rows={8} /> : <Trouble error={error} onAgain={() => void refetch()} />}
        </>
      ) : (
        <>
          <h1>{data.group.errorType === '' ? 'Error' : data.group.errorType}</h1>
          <p class="lead">{data.group.message}</p>
          <dl class="facts">
            <div>
              <dt>Occurrences</dt>
              <dd class="num">{count(data.group.occurrences)}</dd>
            </div>
            <div>
              <dt>Spread</dt>
              <dd class="num">
                {many(data.group.runs, 'run')}, {many(data.group.clients, 'client')}
              </dd>
            </div>
            <div>
              <dt>First seen</dt>
              <dd>
                <Moment at={data.group.firstMs} />
              </dd>
            </div>
            <div>
              <dt>Last seen</dt>
              <dd>
                <Moment at={data.group.lastMs} />
              </dd>
            </div>
            {data.steps.length > 0 && (
              <div>
                <dt>In step</dt>
                <dd>{data.steps.join(', ')}</dd>
              </div>
            )}
            <div>
              <dt>The last {many(days, 'day')}</dt>
              <dd>
                <PerDay perDay={data.group.perDay} width={200} />
              </dd>
            </div>
          </dl>
          {data.stacktrace !== '' && (
            <Section title="Stack trace" aside={<CopyButton text={data.stacktrace} />}>
              <pre class="stack" tabIndex={0}>
                {data.stacktrace}
              </pre>
            </Section>
          )}
          <Section
            title="Where it came"
            aside={
              data.group.occurrences > data.occurrences.length
                ? `the latest ${data.occurrences.length}`
                : undefined
            }
          >
            <ul class="table rows">
              {data.occurrences.map((one, index) => (
                <li key={`${one.runId} ${one.clientId} ${one.timeMs} ${index}`}>
                  <Link
                    href={`${pathTo('runs', one.runId)}${one.clientId === '' ? '' : `?client=${encodeURIComponent(one.clientId)}`}`}
                    class="row occurrence-row"
                    data-item
                  >
                    <span class="mono">{one.runId}</span>
                    <b>{one.clientId === '' ? <span class="dim">the job run itself</span> : one.clientId}</b>
                    <span class="dim">
                      <Ago at={one.timeMs} />
                    </span>
                    <span class="occurrence-message">{one.message}</span>
                  </Link>
                </li>
              ))}
            </ul>
          </Section>
        </>
      )}
    </>
  );
}
