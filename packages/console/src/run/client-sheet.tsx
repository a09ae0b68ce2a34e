/** One client of a run, beside the page: facts, failure, metrics, steps. */

import { useQuery } from '@tanstack/preact-query';
import { useEffect, useRef } from 'preact/hooks';
import { Link } from '../parts/link.tsx';
import { questions } from '../api/queries.ts';
import { nameOf } from '../parts/run-name.ts';
import type { ClientRun, JobRun, Step } from '../api/types.ts';
import { pathTo } from '../parts/route.ts';
import { Ago, Moment, Trouble, Waiting } from '../parts/small.tsx';
import { VerdictLabel } from '../parts/verdict.tsx';
import { duration, quantity } from '../parts/words.ts';

export function ClientSheet({
  run,
  clientId,
  onClose,
}: {
  run: JobRun;
  clientId: string;
  onClose: () => void;
}) {
  const { data, error, refetch } = useQuery(questions.clientRun(nameOf(run), clientId));
  const { data: steps } = useQuery(questions.stepsOfClient(nameOf(run), clientId));
  const { data: failures } = useQuery(questions.failures(nameOf(run)));
  const sheet = useRef<HTMLElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    sheet.current?.focus({ preventScroll: true });
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== 'Escape' || event.defaultPrevented) return;
      onClose();
    };
    window.addEventListener('keydown', onKey);
    return () => {
      window.removeEventListener('keydown', onKey);
      if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    };
  }, []);
  const failure = failures?.failures.find(({ clients }) => clients.includes(clientId));
  return (
    <aside class="client-sheet" ref={sheet} tabIndex={-1} aria-label={`Client ${clientId}`}>
      <div class="sheet-head">
        <h2>{clientId}</h2>
        <button type="button" class="icon" aria-label="Close" title="Close (Esc)" onClick={onClose}>
          <svg width="14" height="14" viewBox="0 0 16 16" aria-hidden="true">
            <path d="M3 3l10 10M13 3L3 13" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" />
          </svg>
        </button>
      </div>
      {data === undefined ? (
        error === null ? (
          <Waiting rows={5} />
        ) : (
          <Trouble error={error} onAgain={() => void refetch()} />
        )
      ) : (
        <>
          <Facts client={data} />
          {(data.error !== null || failure !== undefined) && (
            <div class="note bad">
              <p>
                <strong>{data.error?.type ?? failure?.errorType}</strong>{' '}
                {data.error?.message ?? failure?.message}
              </p>
              {failure !== undefined && failure.steps.length > 0 && (
                <p class="dim">in step {failure.steps.join(', ')}</p>
              )}
              {failure !== undefined && failure.stacktrace !== '' && (
                <details>
                  <summary>Stack trace</summary>
                  <pre class="stack" tabIndex={0}>
                    {failure.stacktrace}
                  </pre>
                </details>
              )}
            </div>
          )}
          {data.metrics.length > 0 && (
            <>
              <h3>Metrics</h3>
              <table class="plain-table">
                <tbody>
                  {data.metrics.map(({ metric, aggregation, value, unit }) => (
                    <tr key={`${metric} ${aggregation}`}>
                      <th scope="row">{metric}</th>
                      <td class="dim">{aggregation}</td>
                      <td class="num right">{quantity(value, unit)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </>
          )}
          {steps !== undefined && steps.steps.length > 0 && <Steps steps={steps.steps} />}
          <p class="sheet-links">
            <Link href={`${pathTo('runs', nameOf(run), 'logs')}?of=${encodeURIComponent(clientId)}`}>
              Its logs
            </Link>
            <Link href={pathTo('clients', clientId)}>All runs of this client</Link>
          </p>
        </>
      )}
    </aside>
  );
}

function Facts({ client }: { client: ClientRun }) {
  return (
    <>
      <p>
        <VerdictLabel verdict={client.verdict} />
      </p>
      <dl class="facts narrow">
        <div>
          <dt>Started</dt>
          <dd>
            <Moment at={client.startedAt} />
          </dd>
        </div>
        <div>
          <dt>Duration</dt>
          <dd class="num">{duration(client.durationMs)}</dd>
        </div>
        {client.attempt > 1 && (
          <div>
            <dt>Attempt</dt>
            <dd class="num">{client.attempt}</dd>
          </div>
        )}
        {(client.verdict === 'running' || client.verdict === 'lost') && (
          <div>
            <dt>Last sign of life</dt>
            <dd>
              <Ago at={client.lastSeenAt} />
            </dd>
          </div>
        )}
        {client.reason !== null && (
          <div>
            <dt>Reason</dt>
            <dd>{client.reason}</dd>
          </div>
        )}
        {!client.expected && (
          <div>
            <dt>Roster</dt>
            <dd>was not expected</dd>
          </div>
        )}
        {client.telemetry === 'incomplete' && (
          <div>
            <dt>Telemetry</dt>
            <dd class="warn">incomplete: numbers may be too small</dd>
          </div>
        )}
      </dl>
    </>
  );
}

/** The steps one below the other, each where it lies in time. */
function Steps({ steps }: { steps: readonly Step[] }) {
  const begin = Math.min(...steps.map(({ startedMs }) => startedMs));
  const end = Math.max(...steps.map(({ startedMs, durationMs }) => startedMs + durationMs));
  const length = Math.max(end - begin, 1);
  return (
    <>
      <h3>Steps</h3>
      <ul class="steps">
        {steps.map((step) => (
          <li key={step.spanId}>
            <span class="steps-name">
              {step.name}
              {step.isError && <span class="bad"> · failed</span>}
            </span>
            <span class="num dim">{duration(step.durationMs)}</span>
            <svg width="100%" height="6" aria-hidden="true" preserveAspectRatio="none" viewBox="0 0 100 6">
              <rect class="band-track" x="0" y="2" width="100" height="2" />
              <rect
                class={step.isError ? 'bar-bad' : 'bar-good'}
                x={((step.startedMs - begin) / length) * 100}
                y="0"
                width={Math.max(0.8, (step.durationMs / length) * 100)}
                height="6"
              />
            </svg>
          </li>
        ))}
      </ul>
    </>
  );
}
