/** One job: its runs over time, its metrics, its clients run by run. */

import { useQuery } from '@tanstack/preact-query';
import { useLocation } from 'wouter-preact';
import { Link } from '../parts/link.tsx';
import { questions } from '../api/queries.ts';
import type { JobHistory } from '../api/types.ts';
import { pathTo } from '../parts/route.ts';
import { bandInWords, RunRow, RunRowHead } from '../parts/run-row.tsx';
import { Ago, Moment, Section, Trouble, useTitle, Waiting } from '../parts/small.tsx';
import { BY_TROUBLE, VerdictLabel, wordsOf } from '../parts/verdict.tsx';
import { brief, count, duration, many, quantity } from '../parts/words.ts';
import { ClientsByRun } from './clients-by-run.tsx';
import { RunChart } from './run-chart.tsx';
import '../styles/job.css';

const SHOWN_RUNS = 20;
/** Durations are told in these, not in thousands of milliseconds. */
const DURATIONS_MS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000,
  600_000, 900_000, 1_800_000, 3_600_000, 7_200_000, 14_400_000, 28_800_000, 86_400_000,
];

export function JobPage({ job }: { job: string }) {
  useTitle(job);
  const { data, error, refetch } = useQuery(questions.job(job));
  return (
    <>
      <p class="crumbs">
        <Link href="/jobs">Jobs</Link>
      </p>
      <h1>{job}</h1>
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

function History({ history }: { history: JobHistory }) {
  const { job, runs, usual, schedule } = history;
  const [, navigate] = useLocation();
  const [last] = runs;
  const inTime = runs.toReversed();
  const counts = BY_TROUBLE.map((verdict) => ({
    verdict,
    number: runs.filter((run) => run.verdict === verdict).length,
  })).filter(({ number }) => number > 0);
  return (
    <>
      <dl class="facts">
        {last !== undefined && (
          <div>
            <dt>Last run</dt>
            <dd>
              <Link href={pathTo('runs', last.runId)}>
                <VerdictLabel verdict={last.verdict} quiet />
              </Link>{' '}
              <span class="dim">
                · <Ago at={last.startedAt} />
              </span>
            </dd>
          </div>
        )}
        <div>
          <dt>Usual duration</dt>
          <dd class="num">
            {usual === null ? (
              <span class="dim">known after three runs</span>
            ) : (
              <span
                title={bandInWords(usual)}
              >{`${duration(usual.lowMs)} to ${duration(usual.highMs)}`}</span>
            )}
          </dd>
        </div>
        <div>
          <dt>The last {many(runs.length, 'run')}</dt>
          <dd class="num">
            {counts.map(({ verdict, number }) => `${count(number)} ${wordsOf(verdict)}`).join(', ')}
          </dd>
        </div>
        {schedule !== null && (
          <div>
            <dt>Next due</dt>
            <dd>
              <Moment at={schedule.nextDue} />
              {schedule.lateSince !== null && (
                <span class="warn">
                  {' '}
                  · late since <Moment at={schedule.lateSince} />
                </span>
              )}
              {schedule.missed > 0 && <span class="warn"> · {many(schedule.missed, 'run')} missed</span>}
            </dd>
          </div>
        )}
      </dl>
      {runs.length > 1 && (
        <Section title="Duration" aside={usual === null ? undefined : 'the band is what is usual'}>
          <div class="panel">
            <RunChart
              label={`Duration of the last ${runs.length} runs of ${job}`}
              runIds={inTime.map(({ runId }) => runId)}
              values={inTime.map(({ durationMs }) => durationMs)}
              verdicts={inTime.map(({ verdict }) => verdict)}
              band={usual === null ? undefined : [usual.lowMs, usual.highMs]}
              words={duration}
              steps={DURATIONS_MS}
              heightPx={210}
              onRun={(runId) => navigate(pathTo('runs', runId))}
            />
          </div>
        </Section>
      )}
      <Trends job={job} onRun={(runId) => navigate(pathTo('runs', runId))} />
      <ClientsByRun job={job} />
      <Section title="Runs" aside={<Link href={`/runs?job=${encodeURIComponent(job)}`}>All of them</Link>}>
        <div class="table">
          <RunRowHead withJob={false} />
          <ul class="rows">
            {runs.slice(0, SHOWN_RUNS).map((run) => (
              <RunRow
                key={`${run.runId} ${run.origin}`}
                run={run}
                usual={usual ?? undefined}
                withJob={false}
              />
            ))}
          </ul>
        </div>
      </Section>
    </>
  );
}

function Trends({ job, onRun }: { job: string; onRun: (runId: string) => void }) {
  const { data } = useQuery(questions.jobTrends(job));
  if (data === undefined || data.metrics.length === 0 || data.runIds.length < 2) return null;
  return (
    <Section title="Metrics" aside={`run by run, the last ${data.runIds.length}`}>
      <div class="trends">
        {data.metrics.map(({ metric, aggregation, unit, values }) => {
          const latest = values.findLast((value) => value !== null);
          return (
            <div class="panel trend" key={`${metric} ${aggregation}`}>
              <div class="trend-head">
                <h3>{metric}</h3>
                <span class="tag">{aggregation}</span>
                <span class="num push strong">{latest == null ? '–' : quantity(latest, unit)}</span>
              </div>
              <RunChart
                label={`${metric} of the last ${data.runIds.length} runs`}
                runIds={data.runIds}
                values={values}
                words={(value) => brief(value)}
                heightPx={110}
                onRun={onRun}
              />
            </div>
          );
        })}
      </div>
    </Section>
  );
}
