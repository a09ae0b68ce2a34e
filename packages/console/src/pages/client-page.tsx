/** One client across all jobs. */

import { useQuery } from '@tanstack/preact-query';
import { Link } from '../parts/link.tsx';
import { questions } from '../api/queries.ts';
import type { ClientHistory, ClientHistoryRun } from '../api/types.ts';
import { pathTo } from '../parts/route.ts';
import { Ago, Section, Trouble, useTitle, Waiting } from '../parts/small.tsx';
import { Mark, TO_RUN_AGAIN, VerdictLabel, wordsOf } from '../parts/verdict.tsx';
import { count, duration, many, quantity } from '../parts/words.ts';

export function ClientPage({ clientId }: { clientId: string }) {
  useTitle(clientId);
  const { data, error, refetch } = useQuery(questions.client(clientId));
  return (
    <>
      <p class="crumbs">Client</p>
      <h1>{clientId}</h1>
      {data === undefined ? (
        error === null ? (
          <Waiting rows={8} />
        ) : (
          <Trouble error={error} onAgain={() => void refetch()} />
        )
      ) : (
        <History history={data} />
      )}
    </>
  );
}

function History({ history: { clientId, runs, isCut } }: { history: ClientHistory }) {
  const byJob = Map.groupBy(runs, ({ job }) => job);
  const troubled = runs.filter(({ verdict }) => TO_RUN_AGAIN.has(verdict)).length;
  return (
    <>
      <p class="lead">
        {many(runs.length, 'run')} of {many(byJob.size, 'job')} in the last month{isCut && ', and more'}.{' '}
        {troubled === 0
          ? 'None is in trouble.'
          : `${count(troubled)} ${troubled === 1 ? 'is' : 'are'} in trouble.`}
      </p>
      <Section title="By job">
        <ul class="table rows">
          {[...byJob].map(([job, ofJob]) => (
            <li key={job}>
              <Link href={pathTo('jobs', job)} class="row client-job-row" data-item>
                <b>{job}</b>
                <span
                  class="strip"
                  role="img"
                  aria-label={`${ofJob.length} runs, the last ${wordsOf(ofJob[0]?.verdict ?? 'pending')}`}
                >
                  {ofJob
                    .slice(0, 30)
                    .toReversed()
                    .map(({ runId, origin, verdict }) => (
                      <span
                        key={`${runId} ${origin}`}
                        class={`strip-cell v-${verdict}`}
                        title={`${runId}: ${wordsOf(verdict)}`}
                      >
                        <Mark verdict={verdict} size={11} />
                      </span>
                    ))}
                </span>
                <span class="dim num right">{many(ofJob.length, 'run')}</span>
              </Link>
            </li>
          ))}
        </ul>
      </Section>
      <Section title="Latest runs">
        <ul class="table rows">
          {runs.map((run) => (
            <RunOfClient key={`${run.runId} ${run.origin}`} run={run} clientId={clientId} />
          ))}
        </ul>
      </Section>
    </>
  );
}

function RunOfClient({ run, clientId }: { run: ClientHistoryRun; clientId: string }) {
  const said = run.errorType === '' ? run.reason : `${run.errorType}: ${run.errorMessage}`;
  return (
    <li>
      <Link
        href={`${pathTo('runs', run.runId)}?client=${encodeURIComponent(clientId)}`}
        class="row client-run-row"
        data-item
      >
        <VerdictLabel verdict={run.verdict} quiet />
        <span class="cell-name">
          <b>{run.job}</b>
          <span class="mono dim">{run.runId}</span>
          {run.attempt > 1 && <span class="tag">attempt {run.attempt}</span>}
        </span>
        <span class="dim">
          <Ago at={run.startedMs} />
        </span>
        <span class="num right">{duration(run.durationMs)}</span>
        <span class="dim client-said">
          {said !== ''
            ? said
            : run.metrics
                .slice(0, 3)
                .map(({ metric, value, unit }) => `${metric} ${quantity(value, unit)}`)
                .join(' · ')}
        </span>
      </Link>
    </li>
  );
}
