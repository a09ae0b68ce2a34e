/** The log lines and events of a run: filtered, and live while it runs. */

import { useQuery } from '@tanstack/preact-query';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Link } from '../parts/link.tsx';
import { questions } from '../api/queries.ts';
import { nameOf } from '../parts/run-name.ts';
import type { JobRun, LogLine } from '../api/types.ts';
import { useParameter } from '../parts/route.ts';
import { Empty, Trouble, Waiting } from '../parts/small.tsx';
import { clockMs, many, utc } from '../parts/words.ts';

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

export function LogsPart({ run }: { run: JobRun }) {
  const [level, setLevel] = useParameter('level');
  const [client, setClient] = useParameter('of');
  const [text, setText] = useParameter('text');
  const [events, setEvents] = useParameter('events');
  const [cursors, setCursors] = useState<string[]>([]);
  const filter = {
    ...(level === '' ? {} : { severity: level }),
    ...(client === '' ? {} : { client }),
    ...(text === '' ? {} : { search: text }),
    ...(events === 'no' ? { events: 'false' } : {}),
  };
  const filterName = JSON.stringify(filter);
  useEffect(() => setCursors([]), [filterName]);
  const { data, error, refetch, isPlaceholderData } = useQuery({
    ...questions.logs(nameOf(run), filter, cursors.at(-1)),
    refetchInterval: run.verdict === 'running' && cursors.length === 0 ? 3_000 : false,
  });
  const isStill = useRef(false);
  const [shown, setShown] = useState(data);
  const newer = data !== undefined && shown !== undefined ? countNewer(shown.lines, data.lines) : 0;
  useEffect(() => {
    // Nothing moves under the pointer: what is new waits above until it is called, or the pointer leaves.
    if (!isStill.current || shown === undefined || newer === 0) setShown(data);
  }, [data]);
  useEffect(() => setShown(data), [filterName, cursors.length, isPlaceholderData]);

  return (
    <div>
      <div class="filters">
        <input
          type="search"
          aria-label="Search the logs"
          placeholder="Search the logs"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <select
          aria-label="Lowest level"
          value={level}
          onChange={(event) => setLevel(event.currentTarget.value)}
        >
          <option value="">all levels</option>
          {LEVELS.map((one) => (
            <option key={one} value={one}>
              {one} and above
            </option>
          ))}
        </select>
        <input
          type="text"
          aria-label="Only of client"
          placeholder="Client"
          value={client}
          onChange={(event) => setClient(event.currentTarget.value.trim())}
        />
        <label class="check">
          <input
            type="checkbox"
            checked={events !== 'no'}
            onChange={(event) => setEvents(event.currentTarget.checked ? '' : 'no')}
          />
          Rollcall's events
        </label>
        <span class="push dim" role="status">
          {run.verdict === 'running' && cursors.length === 0 ? 'live' : ''}
        </span>
      </div>
      {shown === undefined ? (
        error === null ? (
          <Waiting rows={10} />
        ) : (
          <Trouble error={error} onAgain={() => void refetch()} />
        )
      ) : shown.lines.length === 0 ? (
        <Empty title="No such lines.">
          <p>
            What your job logs through OpenTelemetry within a run shows up here, beside Rollcall's own events.
            Raw telemetry is kept for 90 days unless configured otherwise.
          </p>
        </Empty>
      ) : (
        <div
          class={isPlaceholderData ? 'logs old' : 'logs'}
          onPointerEnter={() => {
            isStill.current = true;
          }}
          onPointerLeave={() => {
            isStill.current = false;
            setShown(data);
          }}
        >
          {newer > 0 && (
            <button type="button" class="newer" onClick={() => setShown(data)}>
              Show {many(newer, 'new line')}
            </button>
          )}
          <ol class="log-lines" tabIndex={0} aria-label="Log lines, the newest first">
            {shown.lines.map((line, index) => (
              <Line
                key={`${line.timeMs} ${line.spanId} ${line.clientId} ${line.event} ${shown.lines.length - index}`}
                line={line}
              />
            ))}
          </ol>
        </div>
      )}
      <div class="pager">
        {cursors.length > 0 && (
          <button type="button" class="button" onClick={() => setCursors((before) => before.slice(0, -1))}>
            ← Newer
          </button>
        )}
        {shown?.nextCursor != null && (
          <button
            type="button"
            class="button"
            onClick={() => setCursors((before) => [...before, shown.nextCursor ?? ''])}
          >
            Older →
          </button>
        )}
      </div>
    </div>
  );
}

function countNewer(before: readonly LogLine[], after: readonly LogLine[]): number {
  const newest = before[0]?.timeMs ?? 0;
  return after.filter(({ timeMs }) => timeMs > newest).length;
}

const EVENTS: Record<string, string> = {
  'rollcall.run.started': 'run started',
  'rollcall.run.ended': 'run ended',
  'rollcall.client_run.started': 'client started',
  'rollcall.client_run.ended': 'client ended',
  'rollcall.failure': 'failure',
  'rollcall.note': 'note',
};

function Line({ line }: { line: LogLine }) {
  const { timeMs, severity, text, clientId, step, event, attributes } = line;
  const isFailure = event === 'rollcall.failure';
  const level = isFailure ? 'error' : severity;
  const extra = Object.entries(attributes);
  return (
    <li class={`log-line level-${level}`}>
      <time class="num dim" dateTime={new Date(timeMs).toISOString()} title={utc(timeMs)}>
        {clockMs(timeMs)}
      </time>
      <span class="log-level">{level}</span>
      <span class="log-text">
        {event !== '' && <span class="tag">{EVENTS[event] ?? event}</span>} {text}
        {step !== '' && <span class="dim"> in step {step}</span>}
        {extra.length > 0 && (
          <span class="dim"> {extra.map(([key, value]) => `${key}=${value}`).join(' ')}</span>
        )}
      </span>
      {clientId !== '' && (
        <Link class="log-client" href={`?client=${encodeURIComponent(clientId)}`}>
          {clientId}
        </Link>
      )}
    </li>
  );
}
