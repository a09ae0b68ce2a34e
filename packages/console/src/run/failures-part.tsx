/** The failures of a run, grouped; and whom to run again. */

import { useQuery } from '@tanstack/preact-query';
import { useState } from 'preact/hooks';
import { Link } from '../parts/link.tsx';
import { questions } from '../api/queries.ts';
import { nameOf } from '../parts/run-name.ts';
import type { JobRun, RollCall, RunFailure } from '../api/types.ts';
import { pathTo } from '../parts/route.ts';
import { CopyButton, Empty, Moment, Section, Trouble, Waiting } from '../parts/small.tsx';
import { BY_TROUBLE, Mark, TO_RUN_AGAIN, wordsOf } from '../parts/verdict.tsx';
import { count, many } from '../parts/words.ts';

export function FailuresPart({ run }: { run: JobRun }) {
  const { data, error, refetch } = useQuery(questions.failures(nameOf(run)));
  const { data: rollCall } = useQuery(questions.rollCall(nameOf(run)));
  if (data === undefined)
    return error === null ? <Waiting /> : <Trouble error={error} onAgain={() => void refetch()} />;
  const again = rollCall?.clients.filter(({ verdict }) => TO_RUN_AGAIN.has(verdict)) ?? [];
  if (data.failures.length === 0 && again.length === 0) {
    return <Empty title={run.verdict === 'running' ? 'No failures so far.' : 'No failures.'} />;
  }
  return (
    <>
      {again.length > 0 && <RunAgain clients={again} isRunning={run.verdict === 'running'} />}
      {data.failures.length > 0 && (
        <Section title="What failed" aside={many(data.failures.length, 'kind')}>
          <ul class="failures">
            {data.failures.map((failure) => (
              <Failure key={failure.fingerprint} failure={failure} run={run} />
            ))}
          </ul>
        </Section>
      )}
    </>
  );
}

const FORMATS = {
  lines: ['one a line', (ids: string[]) => ids.join('\n')],
  commas: ['with commas', (ids: string[]) => ids.join(',')],
  json: ['as JSON', (ids: string[]) => JSON.stringify(ids)],
  shell: [
    'for a shell',
    (ids: string[]) => ids.map((id) => `'${id.replaceAll("'", String.raw`'\''`)}'`).join(' '),
  ],
} as const satisfies Record<string, readonly [string, (ids: string[]) => string]>;
type Format = keyof typeof FORMATS;

function RunAgain({ clients, isRunning }: { clients: RollCall['clients']; isRunning: boolean }) {
  const [format, setFormat] = useState<Format>('lines');
  const sorted = clients.toSorted((a, b) => BY_TROUBLE.indexOf(a.verdict) - BY_TROUBLE.indexOf(b.verdict));
  const text = FORMATS[format][1](sorted.map(({ clientId }) => clientId));
  const kinds = BY_TROUBLE.flatMap((verdict) => {
    const number = clients.filter((client) => client.verdict === verdict).length;
    return number === 0 ? [] : [{ verdict, number }];
  });
  return (
    <Section
      title={`To run again: ${count(clients.length)}`}
      aside={
        <span class="with-copy">
          <select
            aria-label="How to copy"
            value={format}
            onChange={(event) => setFormat(event.currentTarget.value as Format)}
          >
            {Object.entries(FORMATS).map(([key, [words]]) => (
              <option key={key} value={key}>
                {words}
              </option>
            ))}
          </select>
          <CopyButton text={text} />
        </span>
      }
    >
      <p class="kinds">
        {kinds.map(({ verdict, number }) => (
          <span key={verdict} class={`verdict v-${verdict}`}>
            <Mark verdict={verdict} size={13} /> {count(number)} {wordsOf(verdict)}
          </span>
        ))}
        {isRunning && <span class="dim">so far: the run goes on</span>}
      </p>
      <pre class="rerun" tabIndex={0} aria-label="Clients to run again">
        {text}
      </pre>
    </Section>
  );
}

const SHOWN_CLIENTS = 24;

function Failure({ failure, run }: { failure: RunFailure; run: JobRun }) {
  const {
    errorType,
    message,
    stacktrace,
    steps,
    clients,
    clientCount,
    occurrences,
    firstMs,
    lastMs,
    fingerprint,
  } = failure;
  return (
    <li class="failure">
      <div class="failure-head">
        <Mark verdict="failed" />
        <span>
          <Link href={pathTo('failures', run.job, fingerprint)} data-item class="failure-title">
            {errorType === '' ? 'Error' : errorType}
          </Link>{' '}
          <span class="failure-message">{message}</span>
        </span>
        <span class="num push strong">{count(occurrences)}×</span>
      </div>
      <p class="dim">
        {steps.length > 0 && <>in step {steps.join(', ')} · </>}
        <Moment at={firstMs} />
        {lastMs - firstMs > 1_000 && (
          <>
            {' '}
            to <Moment at={lastMs} />
          </>
        )}
      </p>
      {clients.length > 0 && (
        <p class="client-chips">
          {clients.slice(0, SHOWN_CLIENTS).map((clientId) => (
            <Link key={clientId} href={`?client=${encodeURIComponent(clientId)}`} class="client-chip">
              {clientId}
            </Link>
          ))}
          {clientCount > SHOWN_CLIENTS && (
            <span class="dim">and {many(clientCount - SHOWN_CLIENTS, 'more client', 'more clients')}</span>
          )}
        </p>
      )}
      {stacktrace !== '' && (
        <details>
          <summary>Stack trace</summary>
          <pre class="stack" tabIndex={0}>
            {stacktrace}
          </pre>
        </details>
      )}
    </li>
  );
}
