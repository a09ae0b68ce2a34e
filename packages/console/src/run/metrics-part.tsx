/** The metrics of a run, and how each spreads over its clients. */

import { useQuery } from '@tanstack/preact-query';
import { questions } from '../api/queries.ts';
import { nameOf } from '../parts/run-name.ts';
import type { JobRun, MetricSpread } from '../api/types.ts';
import { Empty, Trouble, Waiting } from '../parts/small.tsx';
import { brief, count, many, quantity } from '../parts/words.ts';

const MEANING: Record<string, string> = {
  sum: 'the sum over all clients',
  min: 'the smallest of all clients',
  max: 'the largest of all clients',
  last: 'the latest by its own time',
};

export function MetricsPart({ run, onClient }: { run: JobRun; onClient: (clientId: string) => void }) {
  const { data, error, refetch } = useQuery(questions.metrics(nameOf(run)));
  if (data === undefined)
    return error === null ? <Waiting /> : <Trouble error={error} onAgain={() => void refetch()} />;
  if (data.metrics.length === 0) {
    return (
      <Empty title="No metrics.">
        <p>
          Count within a client: <code>client.count('Records Processed', 1)</code>. It is added up here, and
          never drifts.
        </p>
      </Empty>
    );
  }
  return (
    <div class="metrics">
      <h2 class="hidden">Metrics and how they spread over the clients</h2>
      {data.metrics.map((metric) => (
        <Metric key={`${metric.metric} ${metric.aggregation}`} metric={metric} onClient={onClient} />
      ))}
    </div>
  );
}

function Metric({ metric, onClient }: { metric: MetricSpread; onClient: (clientId: string) => void }) {
  const { spread, unit } = metric;
  return (
    <section class="metric">
      <div class="metric-head">
        <h3>{metric.metric}</h3>
        <span class="tag" title={MEANING[metric.aggregation]}>
          {metric.aggregation}
        </span>
      </div>
      <p class="metric-value num">{quantity(metric.value, unit)}</p>
      {spread === null ? (
        <p class="dim">of the job run itself</p>
      ) : (
        <>
          <p class="dim num">
            {many(metric.clients, 'client')} · median {quantity(spread.median, unit)}
          </p>
          {spread.max > spread.min && <Histogram spread={spread} name={metric.metric} unit={unit} />}
          {metric.aggregation === 'min' ? (
            <Extremes title="Lowest" clients={spread.lowest} unit={unit} onClient={onClient} />
          ) : (
            <Extremes title="Highest" clients={spread.highest} unit={unit} onClient={onClient} />
          )}
        </>
      )}
    </section>
  );
}

const HEIGHT = 46;

function Histogram({
  spread,
  name,
  unit,
}: {
  spread: NonNullable<MetricSpread['spread']>;
  name: string;
  unit: string;
}) {
  const most = Math.max(...spread.histogram);
  const width = 240;
  const part = width / spread.histogram.length;
  const at = (value: number): number => ((value - spread.min) / (spread.max - spread.min)) * width;
  const step = (spread.max - spread.min) / spread.histogram.length;
  return (
    <figure class="histogram">
      <svg
        viewBox={`0 0 ${width} ${HEIGHT + 8}`}
        width="100%"
        height={HEIGHT + 8}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${name} per client: half of them between ${quantity(spread.lower, unit)} and ${quantity(spread.upper, unit)}`}
      >
        {spread.histogram.map((number, index) => {
          // Few beside many must still be seen.
          const height = number === 0 ? 0 : Math.max(2, (number / most) * HEIGHT);
          return (
            <rect
              key={index}
              class="histogram-bar"
              x={index * part + 0.5}
              y={HEIGHT - height}
              width={part - 1}
              height={height}
            >
              <title>{`${many(number, 'client')}: ${quantity(spread.min + index * step, unit)} to ${quantity(spread.min + (index + 1) * step, unit)}`}</title>
            </rect>
          );
        })}
        <rect class="band-track" x="0" y={HEIGHT + 4} width={width} height="1.5" />
        <rect
          class="band-usual"
          x={at(spread.lower)}
          y={HEIGHT + 2.5}
          width={Math.max(2, at(spread.upper) - at(spread.lower))}
          height="4.5"
        />
        <rect class="band-tick" x={at(spread.median) - 1} y={HEIGHT + 0.5} width="2" height="8" />
      </svg>
      <figcaption class="dim num">
        <span>{brief(spread.min)}</span>
        <span>{brief(spread.max)}</span>
      </figcaption>
    </figure>
  );
}

function Extremes({
  title,
  clients,
  unit,
  onClient,
}: {
  title: string;
  clients: readonly { clientId: string; value: number }[];
  unit: string;
  onClient: (clientId: string) => void;
}) {
  const most = Math.max(...clients.map(({ value }) => Math.abs(value)), 1e-9);
  return (
    <div class="extremes">
      <p class="dim">{title}</p>
      <ol aria-label={`${title}, ${count(clients.length)} clients`}>
        {clients.map(({ clientId, value }) => (
          <li key={clientId}>
            <button type="button" class="link" onClick={() => onClient(clientId)}>
              {clientId}
            </button>
            <span class="extreme-bar" aria-hidden="true">
              <span style={{ width: `${(Math.abs(value) / most) * 100}%` }} />
            </span>
            <span class="num">{quantity(value, unit)}</span>
          </li>
        ))}
      </ol>
    </div>
  );
}
