/** One job run: what became of it, client by client. */

import { useQuery } from '@tanstack/preact-query';
import { useEffect } from 'preact/hooks';
import { useLocation } from 'wouter-preact';
import { Link } from '../parts/link.tsx';
import { questions } from '../api/queries.ts';
import type { JobRun, Usual } from '../api/types.ts';
import { progressOf, remainingMs } from '../parts/progress.ts';
import { pathTo, useParameter } from '../parts/route.ts';
import { nameOf } from '../parts/run-name.ts';
import { bandInWords, DurationBand, judge } from '../parts/run-row.tsx';
import { Ago, CopyButton, Moment, Trouble, useTitle, Waiting } from '../parts/small.tsx';
import { useNow } from '../parts/use-now.ts';
import { VerdictLabel, wordsOf } from '../parts/verdict.tsx';
import { count, duration, many, percent, quantity, roughly } from '../parts/words.ts';
import { AttemptsPart } from './attempts-part.tsx';
import { ClientSheet } from './client-sheet.tsx';
import { FailuresPart } from './failures-part.tsx';
import { LogsPart } from './logs-part.tsx';
import { MetricsPart } from './metrics-part.tsx';
import { RollCallPart } from './roll-call-part.tsx';
import { TimelinePart } from './timeline-part.tsx';
import '../styles/run.css';

const PARTS = [
  ['', 'Roll call'],
  ['timeline', 'Timeline'],
  ['metrics', 'Metrics'],
  ['failures', 'Failures'],
  ['logs', 'Logs'],
  ['attempts', 'Attempts'],
] as const;

export function RunPage({ runId, part }: { runId: string; part: string }) {
  const { data: run, error, refetch } = useQuery(questions.run(runId));
  const [, navigate] = useLocation();
  const [clientId, setClientId] = useParameter('client');
  // A legacy or foreign ID leads here too; the address then bears the real one.
  const isOtherName = run !== undefined && nameOf(run) !== runId;
  useEffect(() => {
    if (isOtherName) navigate(pathTo('runs', nameOf(run)), { replace: true });
  }, [isOtherName, navigate, run]);
  useTitle(run === undefined ? runId : `${run.job} ${wordsOf(run.verdict)}`);
  if (run === undefined) {
    return (
      <>
        <p class="crumbs">
          <Link href="/runs">Runs</Link>
        </p>
        <h1 class="mono">{runId}</h1>
        {error === null ? <Waiting rows={8} /> : <Trouble error={error} onAgain={() => void refetch()} />}
      </>
    );
  }
  return (
    <>
      <Head run={run} />
      {error !== null && <Trouble error={error} onAgain={() => void refetch()} />}
      <Notes run={run} />
      <Totals run={run} />
      <nav class="tabs" aria-label="Parts of the run">
        {PARTS.map(([key, name]) => (
          <Link
            key={key}
            href={key === '' ? pathTo('runs', nameOf(run)) : pathTo('runs', nameOf(run), key)}
            aria-current={part === key ? 'page' : undefined}
          >
            {name}
            <PartCount run={run} part={key} />
          </Link>
        ))}
      </nav>
      {part === '' && <RollCallPart run={run} onClient={(id) => setClientId(id, { add: clientId === '' })} />}
      {part === 'timeline' && (
        <TimelinePart run={run} onClient={(id) => setClientId(id, { add: clientId === '' })} />
      )}
      {part === 'metrics' && (
        <MetricsPart run={run} onClient={(id) => setClientId(id, { add: clientId === '' })} />
      )}
      {part === 'failures' && <FailuresPart run={run} />}
      {part === 'logs' && <LogsPart run={run} />}
      {part === 'attempts' && <AttemptsPart run={run} />}
      {clientId !== '' && <ClientSheet run={run} clientId={clientId} onClose={() => setClientId('')} />}
    </>
  );
}

function Head({ run }: { run: JobRun }) {
  const { data: job } = useQuery(questions.job(run.job));
  const usual = job?.usual ?? undefined;
  return (
    <div class="run-head">
      <p class="crumbs">
        <Link href="/jobs">Jobs</Link> / <Link href={pathTo('jobs', run.job)}>{run.job}</Link>
      </p>
      <div class="run-title">
        <h1>{run.job}</h1>
        <VerdictLabel verdict={run.verdict} />
        {run.declaredStatus !== null && run.declaredStatus !== run.verdict && (
          <span class="dim">declared {run.declaredStatus.replaceAll('_', ' ')}</span>
        )}
      </div>
      <dl class="facts">
        <div>
          <dt>Run ID</dt>
          <dd class="with-copy">
            <span class="mono">{run.runId}</span> <CopyButton text={run.runId} />
          </dd>
        </div>
        <div>
          <dt>Started</dt>
          <dd>
            <Moment at={run.startedAt} />{' '}
            <span class="dim">
              · <Ago at={run.startedAt} />
            </span>
          </dd>
        </div>
        {run.verdict === 'running' ? (
          <Going run={run} usual={usual} />
        ) : (
          <>
            <div>
              <dt>Duration</dt>
              <dd>
                <DurationBand durationMs={run.durationMs} usual={usual} />
              </dd>
            </div>
            {run.verdict === 'lost' && (
              <div>
                <dt>Last sign of life</dt>
                <dd>
                  <Ago at={run.lastSeenAt} />
                </dd>
              </div>
            )}
          </>
        )}
        {run.attempt > 1 && (
          <div>
            <dt>Attempt</dt>
            <dd class="num">{run.attempt}</dd>
          </div>
        )}
        {run.aliases.length > 0 && (
          <div>
            <dt>Also known as</dt>
            <dd class="mono">
              {run.aliases
                .slice(0, 3)
                .map(({ alias }) => alias)
                .join(', ')}
              {run.aliases.length > 3 && ` and ${run.aliases.length - 3} more`}
            </dd>
          </div>
        )}
      </dl>
    </div>
  );
}

/** How far it is: anew every second. */
function Going({ run, usual }: { run: JobRun; usual: Usual | undefined }) {
  const nowMs = useNow();
  const { share, clientsDone, clientsExpected } = progressOf(run);
  const elapsedMs = run.startedAt === null ? 0 : Math.max(0, nowMs - Date.parse(run.startedAt));
  const left = remainingMs(share, elapsedMs, usual);
  const isLong = usual !== undefined && judge(elapsedMs, usual) === 'long';
  return (
    <>
      <div>
        <dt>Progress</dt>
        <dd class="num">
          {share !== null && <progress max={1} value={share} aria-label="Progress" />}{' '}
          {share === null ? '–' : percent(share)}
          {clientsExpected > 0 && (
            <span class="dim">
              {' '}
              · {count(clientsDone)} of {many(clientsExpected, 'client')}
            </span>
          )}
        </dd>
      </div>
      <div>
        <dt>Running for</dt>
        <dd class="num" title={usual === undefined ? undefined : bandInWords(usual)}>
          {duration(elapsedMs)}
          {left !== null && <span class="dim"> · {roughly(left)} left</span>}
          {isLong && <span class="warn"> · longer than usual</span>}
        </dd>
      </div>
      <div>
        <dt>Last sign of life</dt>
        <dd class="num">
          <Ago at={run.lastSeenAt} />
        </dd>
      </div>
    </>
  );
}

function Notes({ run }: { run: JobRun }) {
  return (
    <>
      {run.error !== null && (
        <div class="note bad">
          <p>
            <strong>{run.error.type}</strong> {run.error.message}
          </p>
        </div>
      )}
      {run.verdict === 'lost' && (
        <div class="note lost">
          <p>
            <strong>Lost.</strong> It never ended, and its process has been silent for three heartbeats. What
            it did after its last sign of life nobody knows.
          </p>
        </div>
      )}
      {run.telemetry === 'incomplete' && run.verdict !== 'lost' && (
        <div class="note warn">
          <p>
            <strong>Telemetry incomplete.</strong> Some of what this run sent did not arrive. Its numbers may
            be too small.
          </p>
        </div>
      )}
      {run.reason !== null && (
        <p class="reason">
          <span class="dim">Reason:</span> {run.reason}
        </p>
      )}
      {run.notes.length > 0 && (
        <details class="note plain" open={run.notes.length <= 3}>
          <summary>{many(run.notes.length, 'data-quality note')}</summary>
          <ul>
            {run.notes.map((note) => (
              <li key={note}>{note}</li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

const MOST_TOTALS = 6;

/** What the run produced, at a glance. */
function Totals({ run }: { run: JobRun }) {
  if (run.metrics.length === 0) return null;
  const rest = run.metrics.length - MOST_TOTALS;
  return (
    <dl class="totals">
      {run.metrics.slice(0, MOST_TOTALS).map(({ metric, aggregation, value, unit }) => (
        <div key={`${metric} ${aggregation}`}>
          <dt title={`${aggregation} of ${metric}`}>{metric}</dt>
          <dd class="num">{quantity(value, unit)}</dd>
        </div>
      ))}
      {rest > 0 && (
        <div>
          <dt>And</dt>
          <dd>
            <Link href={pathTo('runs', nameOf(run), 'metrics')}>{many(rest, 'more metric')}</Link>
          </dd>
        </div>
      )}
    </dl>
  );
}

function PartCount({ run, part }: { run: JobRun; part: string }) {
  const of = (name: string): number => run.clients[name] ?? 0;
  const number =
    part === ''
      ? Math.max(of('expected') + of('unexpected'), of('started'))
      : part === 'failures'
        ? of('failed') + of('timedOut') + of('lost') + of('neverStarted') + of('cancelled')
        : part === 'metrics'
          ? run.metrics.length
          : 0;
  return number === 0 ? null : (
    <span class={part === 'failures' ? 'tab-count bad' : 'tab-count'}>{count(number)}</span>
  );
}
