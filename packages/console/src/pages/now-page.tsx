/** The first page: what runs now, and what ran last. */

import { useQuery } from '@tanstack/preact-query';
import { Link } from '../parts/link.tsx';
import { questions } from '../api/queries.ts';
import type { JobRunSummary, Now, Schedule, Usual } from '../api/types.ts';
import { progressOf, remainingMs } from '../parts/progress.ts';
import { nameOf } from '../parts/run-name.ts';
import { pathTo } from '../parts/route.ts';
import { judge, RunRow, RunRowHead } from '../parts/run-row.tsx';
import { Ago, CopyButton, Moment, Section, Trouble, useTitle, Waiting } from '../parts/small.tsx';
import { useNow } from '../parts/use-now.ts';
import { VerdictBar, Mark, TO_RUN_AGAIN } from '../parts/verdict.tsx';
import { ago, count, duration, many, percent, roughly } from '../parts/words.ts';

export function NowPage() {
  const { data, error, refetch } = useQuery(questions.now());
  useTitle(data === undefined ? '' : data.running.length === 0 ? 'Now' : `${data.running.length} running`);
  if (data === undefined) {
    return (
      <>
        <h1>Now</h1>
        {error === null ? <Waiting rows={8} /> : <Trouble error={error} onAgain={() => void refetch()} />}
      </>
    );
  }
  if (data.running.length === 0 && data.latest.length === 0) return <FirstSteps />;
  return (
    <>
      <h1>Now</h1>
      <p class="lead">{headline(data)}</p>
      {error !== null && <Trouble error={error} onAgain={() => void refetch()} />}
      {data.overdue.length > 0 && <Overdue schedules={data.overdue} />}
      {data.running.length > 0 && (
        <Section title="Running" aside={many(data.running.length, 'run')}>
          <ul class="cards">
            {data.running.map((run) => (
              <RunningCard key={`${run.runId} ${run.origin}`} run={run} usual={data.usual[run.job]} />
            ))}
          </ul>
        </Section>
      )}
      {data.latest.length > 0 && (
        <Section title="Latest runs" aside={<Link href="/runs">All runs</Link>}>
          <div class="table">
            <RunRowHead />
            <ul class="rows">
              {data.latest.map((run) => (
                <RunRow key={`${run.runId} ${run.origin}`} run={run} usual={data.usual[run.job]} />
              ))}
            </ul>
          </div>
        </Section>
      )}
    </>
  );
}

function headline({ running, latest, overdue }: Now): string {
  const first =
    running.length === 0 ? 'Nothing runs at the moment.' : `${many(running.length, 'run')} going on.`;
  const troubled = latest.filter(
    ({ verdict }) => verdict === 'completed_with_errors' || TO_RUN_AGAIN.has(verdict),
  ).length;
  const second =
    latest.length === 0
      ? ''
      : troubled === 0
        ? ` The last ${count(latest.length)} ended well.`
        : ` Of the last ${count(latest.length)}, ${count(troubled)} ${troubled === 1 ? 'needs' : 'need'} a look.`;
  const third = overdue.length === 0 ? '' : ` ${many(overdue.length, 'job')} overdue.`;
  return first + second + third;
}

function RunningCard({ run, usual }: { run: JobRunSummary; usual: Usual | undefined }) {
  const nowMs = useNow();
  const { share, clientsDone, clientsExpected } = progressOf(run);
  const elapsedMs = run.startedAt === null ? 0 : Math.max(0, nowMs - Date.parse(run.startedAt));
  const left = remainingMs(share, elapsedMs, usual);
  const silentMs = run.lastSeenAt === null ? 0 : nowMs - Date.parse(run.lastSeenAt);
  const isLong = usual !== undefined && judge(elapsedMs, usual) === 'long';
  const started = run.clients['started'] ?? 0;
  return (
    <li>
      <Link href={pathTo('runs', nameOf(run))} class="card running" data-item>
        <span class="card-top">
          <span class="card-title">
            <Mark verdict="running" size={14} />
            <b>{run.job}</b>
          </span>
          <span class="mono dim">{run.runId}</span>
        </span>
        <span class="card-figures">
          <span class="big num">{share === null ? duration(elapsedMs) : percent(share)}</span>
          <span class="dim num">
            {clientsExpected > 0
              ? `${count(clientsDone)} of ${count(clientsExpected)} clients`
              : started > 0
                ? `${count(clientsDone)} of ${many(started, 'client')}`
                : 'no clients yet'}
          </span>
          <span class="push num">{left === null ? '' : `${roughly(left)} left`}</span>
        </span>
        <VerdictBar clients={run.clients} />
        <span class="card-foot dim num">
          <span>
            since <Moment at={run.startedAt} />, {duration(elapsedMs)}
            {isLong && <span class="warn"> · longer than usual</span>}
          </span>
          <span class={silentMs > 12_000 ? 'push warn' : 'push'}>last sign of life {ago(silentMs)}</span>
        </span>
      </Link>
    </li>
  );
}

function Overdue({ schedules }: { schedules: readonly Schedule[] }) {
  return (
    <Section title="Overdue" aside={many(schedules.length, 'job')}>
      <ul class="rows table">
        {schedules.map(({ job, lateSince, missed }) => (
          <li key={job}>
            <Link href={pathTo('jobs', job)} class="row overdue-row" data-item>
              <span class="verdict v-timed_out">
                <Mark verdict="timed_out" size={14} />
                {lateSince !== null ? 'late' : missed > 0 ? 'missed' : 'runs too long'}
              </span>
              <b>{job}</b>
              <span class="dim">
                {lateSince !== null && (
                  <>
                    was due <Ago at={lateSince} />
                  </>
                )}
                {missed > 0 && ` ${many(missed, 'run')} missed in the last week`}
              </span>
            </Link>
          </li>
        ))}
      </ul>
    </Section>
  );
}

const THREE_LINES = `import { job } from '@rollcall/sdk';
await job('my_first_job', async (run) => {
  await run.client('acme', async (client) => client.count('Records Processed', 1));
});`;

/** What a newcomer sees who has sent nothing yet. */
function FirstSteps() {
  return (
    <div class="first">
      <h1>No runs yet</h1>
      <p class="lead">Rollcall is up and listens. Wrap your job, run it, and it shows up here by itself.</p>
      <div class="code">
        <pre tabIndex={0}>{THREE_LINES}</pre>
        <CopyButton text={THREE_LINES} />
      </div>
      <p class="dim">
        Your job has to know where Rollcall is:{' '}
        <code>OTEL_EXPORTER_OTLP_ENDPOINT={window.location.origin}</code>. Any other OpenTelemetry SDK or
        Collector can send to <code>{window.location.origin}/v1/traces</code>. In a checkout,{' '}
        <code>./rollcall demo</code> runs a real job on real data.
      </p>
    </div>
  );
}
