/** The timeline of a run: when each client was handled, and its steps; on a canvas, so that ten thousand are no trouble. */

import { useQuery } from '@tanstack/preact-query';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { questions } from '../api/queries.ts';
import { nameOf } from '../parts/run-name.ts';
import type { JobRun, Step } from '../api/types.ts';
import { Empty, Trouble, Waiting } from '../parts/small.tsx';
import { useNow } from '../parts/use-now.ts';
import { Mark, wordsOf } from '../parts/verdict.tsx';
import { clock, count, duration } from '../parts/words.ts';
import { useThemeChanges, useWidth } from './canvas.ts';
import { barAt, layOutBars, type Bar } from './lay-out-bars.ts';
import { AXIS_PX, LABEL_PX, paintTimeline, ROW_PX, type View } from './paint-timeline.ts';
import { Tooltip } from './tooltip.tsx';

/** More clients than this are packed at first. */
const ONE_ROW_EACH_AT_MOST = 120;
const SHORTEST_VIEW_MS = 5;
const LARGEST_HEIGHT_PX = 560;

export function TimelinePart({ run, onClient }: { run: JobRun; onClient: (clientId: string) => void }) {
  const { data: rollCall, error, refetch } = useQuery(questions.rollCall(nameOf(run)));
  const { data: steps } = useQuery(questions.steps(nameOf(run)));
  if (rollCall === undefined)
    return error === null ? <Waiting rows={10} /> : <Trouble error={error} onAgain={() => void refetch()} />;
  if (
    rollCall.clients.every(({ startedMs }) => startedMs === undefined) &&
    (steps?.steps.length ?? 0) === 0
  ) {
    return <Empty title="Nothing has started yet." />;
  }
  return (
    <Timeline
      run={run}
      clients={rollCall.clients}
      steps={steps?.steps ?? NO_STEPS}
      isCut={steps?.isCut === true}
      onClient={onClient}
    />
  );
}

const NO_STEPS: readonly Step[] = [];

function Timeline({
  run,
  clients,
  steps,
  isCut,
  onClient,
}: {
  run: JobRun;
  clients: Parameters<typeof layOutBars>[0];
  steps: readonly Step[];
  isCut: boolean;
  onClient: (clientId: string) => void;
}) {
  const tick = useNow();
  const isRunning = run.verdict === 'running';
  const nowMs = isRunning ? tick : 0;
  const [isPacked, setIsPacked] = useState(clients.length > ONE_ROW_EACH_AT_MOST);
  const timeline = useMemo(() => {
    const runStartMs = run.startedAt === null ? Date.now() : Date.parse(run.startedAt);
    const runEndMs = isRunning
      ? nowMs
      : Date.parse(run.endedAt ?? run.lastSeenAt ?? new Date().toISOString());
    return layOutBars(clients, steps, { runStartMs, runEndMs, isPacked });
  }, [clients, steps, isPacked, run.startedAt, run.endedAt, run.lastSeenAt, isRunning, nowMs]);
  /** Null shows all of it, also while it grows. */
  const [zoom, setZoom] = useState<View | null>(null);
  const view = zoom ?? { startMs: timeline.startMs, endMs: timeline.endMs };
  const [scrollTop, setScrollTop] = useState(0);
  const [hover, setHover] = useState<{ bar: Bar; x: number; y: number } | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = useWidth(box);
  const themeChanges = useThemeChanges();
  const labelPx = isPacked || width < 560 ? 0 : LABEL_PX;
  const fullPx = timeline.rows.length * ROW_PX;
  const heightPx = Math.min(LARGEST_HEIGHT_PX, fullPx + AXIS_PX + 8);

  useEffect(() => {
    if (canvas.current === null || width === 0) return undefined;
    const { current } = canvas;
    const frame = requestAnimationFrame(() =>
      paintTimeline(current, {
        timeline,
        view,
        scrollTop,
        width,
        heightPx,
        labelPx,
        hovered: hover?.bar.clientId ?? '',
      }),
    );
    return () => cancelAnimationFrame(frame);
  }, [
    timeline,
    view.startMs,
    view.endMs,
    scrollTop,
    width,
    heightPx,
    labelPx,
    themeChanges,
    hover?.bar.clientId,
  ]);

  const change = (factor: number, aroundMs: number): void => {
    const whole = timeline.endMs - timeline.startMs;
    const length = Math.max(SHORTEST_VIEW_MS, (view.endMs - view.startMs) * factor);
    if (length >= whole) return setZoom(null);
    const share = (aroundMs - view.startMs) / (view.endMs - view.startMs);
    return moveTo(aroundMs - share * length, length);
  };
  const moveTo = (startMs: number, length: number): void => {
    const first = Math.max(timeline.startMs, Math.min(startMs, timeline.endMs - length));
    setZoom({ startMs: first, endMs: first + length });
  };
  const move = (share: number): void => {
    const length = view.endMs - view.startMs;
    if (zoom !== null) moveTo(view.startMs + share * length, length);
  };
  const middle = (view.startMs + view.endMs) / 2;
  const msAt = (x: number): number =>
    view.startMs + ((x - labelPx) / Math.max(1, width - labelPx)) * (view.endMs - view.startMs);
  const barUnder = (event: MouseEvent): Bar | undefined => {
    const { left, top } = (canvas.current as HTMLCanvasElement).getBoundingClientRect();
    const row = timeline.rows[Math.floor((event.clientY - top - AXIS_PX + scrollTop) / ROW_PX)];
    const slackMs = ((view.endMs - view.startMs) / Math.max(1, width)) * 2;
    return event.clientY - top < AXIS_PX || row === undefined
      ? undefined
      : barAt(row, msAt(event.clientX - left), slackMs);
  };

  // The wheel with Ctrl, or two fingers, zooms; the wheel alone scrolls as everywhere. A listener that may say no.
  const zoomAt = useRef(change);
  zoomAt.current = change;
  const whereMs = useRef(msAt);
  whereMs.current = msAt;
  useEffect(() => {
    const { current } = box;
    const onWheel = (event: WheelEvent): void => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const { left } = (current as HTMLElement).getBoundingClientRect();
      zoomAt.current(Math.exp(event.deltaY * 0.004), whereMs.current(event.clientX - left));
    };
    current?.addEventListener('wheel', onWheel, { passive: false });
    return () => current?.removeEventListener('wheel', onWheel);
  }, []);

  const drag = useRef<{ x: number; startMs: number; hasMoved: boolean } | null>(null);
  return (
    <div>
      <div class="filters">
        <div class="switch" role="group" aria-label="Rows">
          <button type="button" aria-pressed={isPacked} onClick={() => setIsPacked(true)}>
            Packed
          </button>
          <button type="button" aria-pressed={!isPacked} onClick={() => setIsPacked(false)}>
            A row per client
          </button>
        </div>
        <span class="dim num">
          {count(timeline.spans)} spans{isCut && ', and more steps that are left out'}
        </span>
        <span class="push with-copy">
          <button type="button" class="button" aria-label="Zoom out" onClick={() => change(2, middle)}>
            −
          </button>
          <button type="button" class="button" aria-label="Zoom in" onClick={() => change(0.5, middle)}>
            +
          </button>
          <button type="button" class="button" disabled={zoom === null} onClick={() => setZoom(null)}>
            All
          </button>
        </span>
      </div>
      <div
        ref={box}
        class="timeline"
        data-own-keys
        tabIndex={0}
        role="application"
        aria-roledescription="timeline"
        aria-label={`Timeline of ${count(timeline.spans)} spans over ${duration(timeline.endMs - timeline.startMs)}. Plus and minus zoom, arrow keys move. The roll call has the same facts as a list.`}
        style={{ height: `${heightPx}px` }}
        onScroll={(event) => {
          setScrollTop(event.currentTarget.scrollTop);
          setHover(null);
        }}
        onKeyDown={(event) => {
          if (event.key === '+' || event.key === '=') change(0.5, middle);
          else if (event.key === '-') change(2, middle);
          else if (event.key === '0') setZoom(null);
          else if (event.key === 'ArrowLeft') move(-0.2);
          else if (event.key === 'ArrowRight') move(0.2);
          else return;
          event.preventDefault();
        }}
      >
        <div style={{ height: `${fullPx + AXIS_PX}px` }}>
          <canvas
            ref={canvas}
            onPointerDown={(event) => {
              if (event.button !== 0) return;
              drag.current = { x: event.clientX, startMs: view.startMs, hasMoved: false };
            }}
            onPointerMove={(event) => {
              if (drag.current !== null && event.buttons === 1) {
                const moved = event.clientX - drag.current.x;
                if (Math.abs(moved) > 3 && !drag.current.hasMoved) {
                  drag.current.hasMoved = true;
                  event.currentTarget.setPointerCapture(event.pointerId);
                }
                const length = view.endMs - view.startMs;
                if (drag.current.hasMoved && zoom !== null)
                  moveTo(drag.current.startMs - (moved / Math.max(1, width - labelPx)) * length, length);
                return;
              }
              const bar = barUnder(event);
              setHover(bar === undefined ? null : { bar, x: event.clientX, y: event.clientY });
            }}
            onPointerLeave={() => setHover(null)}
            onClick={(event) => {
              const hasMoved = drag.current?.hasMoved === true;
              drag.current = null;
              const bar = barUnder(event);
              if (!hasMoved && bar !== undefined && bar.clientId !== '') onClient(bar.clientId);
            }}
            onDblClick={(event) => change(0.33, msAt(event.offsetX))}
          />
        </div>
      </div>
      <p class="dim hint">Ctrl and the wheel zoom, dragging moves, a double click goes closer.</p>
      {hover !== null && (
        <Tooltip x={hover.x} y={hover.y}>
          <BarFacts bar={hover.bar} runStartMs={timeline.startMs} />
        </Tooltip>
      )}
    </div>
  );
}

function BarFacts({ bar, runStartMs }: { bar: Bar; runStartMs: number }) {
  return (
    <>
      <div class="tooltip-title">{bar.name}</div>
      <div class={`verdict v-${bar.verdict}`}>
        <Mark verdict={bar.verdict} size={13} /> {wordsOf(bar.verdict)}, {duration(bar.endMs - bar.startMs)}
      </div>
      <div class="dim num">
        {clock(bar.startMs)}, {duration(bar.startMs - runStartMs)} into the run
      </div>
      {bar.steps.map((step) => (
        <div key={step.spanId} class="num">
          {step.name} {duration(step.durationMs)}
          {step.isError && ' · failed'}
        </div>
      ))}
    </>
  );
}
