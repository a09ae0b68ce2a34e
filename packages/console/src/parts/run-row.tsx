/** Draws job runs in lists, and how long they took against what is usual. */

import { Link } from './link.tsx';
import type { JobRunSummary, Usual } from '../api/types.ts';
import { nameOf } from './run-name.ts';
import { pathTo } from './route.ts';
import { Ago } from './small.tsx';
import { VerdictBar, VerdictLabel } from './verdict.tsx';
import { count, duration } from './words.ts';

export function RunRow({
  run,
  usual,
  withJob = true,
}: {
  run: JobRunSummary;
  usual?: Usual | undefined;
  withJob?: boolean;
}) {
  return (
    <li>
      <Link
        href={pathTo('runs', nameOf(run))}
        class={withJob ? 'row run-row' : 'row run-row no-job'}
        data-item
      >
        <span class="cell-verdict">
          <VerdictLabel verdict={run.verdict} quiet />
        </span>
        <span class="cell-name">
          {withJob && <b>{run.job}</b>}
          <span class="mono dim">{run.runId}</span>
          {run.telemetry === 'incomplete' && run.verdict !== 'lost' && (
            <span
              class="tag"
              title="Some telemetry of this run did not arrive: its numbers may be too small."
            >
              telemetry incomplete
            </span>
          )}
        </span>
        <span class="cell-when">
          <Ago at={run.startedAt} />
        </span>
        <span class="cell-duration">
          <DurationBand durationMs={run.durationMs} usual={usual} />
        </span>
        <span class="cell-clients">
          <VerdictBar clients={run.clients} />
          <span class="num dim">{clientsInWords(run)}</span>
        </span>
      </Link>
    </li>
  );
}

export function RunRowHead({ withJob = true }: { withJob?: boolean }) {
  return (
    <div class={withJob ? 'row-head run-row' : 'row-head run-row no-job'} aria-hidden="true">
      <span class="cell-verdict">Verdict</span>
      <span class="cell-name">{withJob ? 'Job' : 'Run'}</span>
      <span class="cell-when">Started</span>
      <span class="cell-duration">Duration</span>
      <span class="cell-clients">Clients</span>
    </div>
  );
}

function clientsInWords({ clients }: JobRunSummary): string {
  const expected = clients['expected'] ?? 0;
  const started = clients['started'] ?? 0;
  if (expected === 0 && started === 0) return '–';
  return expected === 0 ? count(started) : `${count(started)} / ${count(expected)}`;
}

/** The duration, and where it lies: the grey band is what is usual. */
export function DurationBand({
  durationMs,
  usual,
}: {
  durationMs: number | null;
  usual?: Usual | undefined;
}) {
  const place = durationMs === null || usual === undefined ? null : judge(durationMs, usual);
  return (
    <span class="band" title={usual === undefined ? undefined : bandInWords(usual)}>
      <span class={place === 'long' ? 'num warn' : 'num'}>{duration(durationMs)}</span>
      {durationMs !== null && usual !== undefined && <BandPicture durationMs={durationMs} usual={usual} />}
      {place !== null && place !== 'usual' && (
        <span class="hidden">{` ${place === 'long' ? 'longer' : 'shorter'} than usual`}</span>
      )}
    </span>
  );
}

export function bandInWords({ lowMs, highMs, runs }: Usual): string {
  return `usually ${duration(lowMs)} to ${duration(highMs)} (the last ${runs} runs)`;
}

/** A tenth beyond the band is still usual: few runs make a narrow band. */
export function judge(durationMs: number, { lowMs, highMs }: Usual): 'usual' | 'long' | 'short' {
  if (durationMs > highMs * 1.1 && durationMs - highMs > 1_000) return 'long';
  if (durationMs < lowMs * 0.9 && lowMs - durationMs > 1_000) return 'short';
  return 'usual';
}

function BandPicture({ durationMs, usual }: { durationMs: number; usual: Usual }) {
  const most = Math.max(usual.highMs * 1.5, durationMs * 1.05, 1);
  const at = (ms: number): number => (ms / most) * 72;
  return (
    <svg class="band-picture" width="72" height="14" viewBox="0 0 72 14" aria-hidden="true">
      <rect class="band-track" x="0" y="6" width="72" height="2" rx="1" />
      <rect
        class="band-usual"
        x={at(usual.lowMs)}
        y="4"
        width={Math.max(3, at(usual.highMs) - at(usual.lowMs))}
        height="6"
        rx="2"
      />
      <rect
        class={judge(durationMs, usual) === 'long' ? 'band-tick warn' : 'band-tick'}
        x={Math.min(69, at(durationMs) - 1.25)}
        y="1"
        width="2.5"
        height="12"
        rx="1.25"
      />
    </svg>
  );
}
