/** A value for each run of a job, over the runs: with the usual band and each run's verdict where they are given. */

import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { readPalette, useThemeChanges, useWidth } from '../run/canvas.ts';
import { Tooltip } from '../run/tooltip.tsx';
import { Mark, SHAPE_PATHS, wordsOf, type Verdict } from '../parts/verdict.tsx';

export interface RunChartProps {
  readonly label: string;
  /** The newest last. */
  readonly runIds: readonly string[];
  readonly values: readonly (number | null)[];
  readonly verdicts?: readonly Verdict[];
  readonly band?: readonly [low: number, high: number] | undefined;
  readonly words: (value: number) => string;
  /** Between the lines of the grid; decimal ones unless given. */
  readonly steps?: readonly number[];
  readonly heightPx: number;
  readonly onRun: (runId: string) => void;
}

/** All charts of a page show the same run under the pointer. */
const together = uPlot.sync('runs');

export function RunChart({
  label,
  runIds,
  values,
  verdicts,
  band,
  words,
  steps,
  heightPx,
  onRun,
}: RunChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const themeChanges = useThemeChanges();
  const [at, setAt] = useState<{ index: number; x: number; y: number } | null>(null);
  const index = useRef<number | null>(null);

  useEffect(() => {
    if (box.current === null || width === 0) return undefined;
    const palette = readPalette();
    const font = `11px ${getComputedStyle(box.current).fontFamily}`;
    const known = values.filter((value) => value !== null);
    const most = Math.max(...known, band?.[1] ?? 0);
    const least = Math.min(0, ...known);
    const chart = new uPlot(
      {
        width,
        height: heightPx,
        padding: [10, 8, 0, 0],
        legend: { show: false },
        cursor: {
          sync: { key: together.key },
          y: false,
          drag: { x: false, y: false },
          points: { size: 7, fill: palette.ink },
        },
        scales: {
          x: { time: false, range: [-0.5, runIds.length - 0.5] },
          y: { range: [least, most * 1.08 || 1] },
        },
        axes: [
          {
            font,
            stroke: palette.dim,
            size: 24,
            gap: 4,
            space: 110,
            grid: { show: false },
            ticks: { show: false },
            values: (_, splits) => timesOf(splits.map((split) => runIds[split])),
          },
          {
            font,
            stroke: palette.dim,
            size: 68,
            gap: 6,
            space: 34,
            ...(steps === undefined ? {} : { incrs: [...steps] }),
            grid: { stroke: palette.line, width: 1 },
            ticks: { show: false },
            values: (_, splits) => splits.map((split) => (split === 0 ? '0' : words(split))),
          },
        ],
        series: [
          {},
          {
            stroke: verdicts === undefined ? palette.verdict('running') : palette.dim,
            width: verdicts === undefined ? 1.75 : 1,
            spanGaps: true,
            points: { show: false },
          },
        ],
        hooks: {
          drawAxes: [(plot) => band !== undefined && drawBand(plot, band, palette.tint('nothing_to_do'))],
          draw: [(plot) => verdicts !== undefined && drawVerdicts(plot, values, verdicts)],
          setCursor: [
            (plot) => {
              const { idx, left = -1, event } = plot.cursor;
              index.current = idx ?? null;
              const isHere =
                event !== undefined && event !== null && left >= 0 && plot.over.matches(':hover');
              setAt(idx == null || !isHere ? null : { index: idx, x: event.clientX, y: event.clientY });
            },
          ],
        },
      },
      [runIds.map((_, position) => position), [...values]],
      box.current,
    );
    return () => chart.destroy();
  }, [runIds, values, verdicts, band?.[0], band?.[1], width, heightPx, themeChanges]);

  const value = at === null ? undefined : values[at.index];
  const verdict = at === null ? undefined : verdicts?.[at.index];
  return (
    <>
      <div
        ref={box}
        class="run-chart"
        role="img"
        aria-label={label}
        style={{ height: `${heightPx}px` }}
        onClick={() => {
          const runId = index.current === null ? undefined : runIds[index.current];
          if (runId !== undefined) onRun(runId);
        }}
        onPointerLeave={() => setAt(null)}
      />
      {at !== null && (
        <Tooltip x={at.x} y={at.y}>
          <div class="tooltip-title mono">{runIds[at.index]}</div>
          {verdict !== undefined && (
            <div class={`verdict v-${verdict}`}>
              <Mark verdict={verdict} size={13} /> {wordsOf(verdict)}
            </div>
          )}
          <div class="num">{value == null ? 'no value' : words(value)}</div>
        </Tooltip>
      )}
    </>
  );
}

/** In the viewer's zone: `25 Nov`, and the time where the day has been said. */
function timesOf(runIds: readonly (string | undefined)[]): string[] {
  let saidDay = '';
  return runIds.map((runId) => {
    const [, year, month, day, hour, minute] = /^(\d\d)(\d\d)(\d\d)-(\d\d)(\d\d)/.exec(runId ?? '') ?? [];
    if (year === undefined) return '';
    const at = new Date(`20${year}-${month}-${day}T${hour}:${minute}:00Z`);
    const itsDay = at.toLocaleDateString(undefined, { day: 'numeric', month: 'short' });
    if (itsDay === saidDay) return at.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' });
    saidDay = itsDay;
    return itsDay;
  });
}

function drawBand(plot: uPlot, [low, high]: readonly [number, number], colour: string): void {
  const { ctx, bbox } = plot;
  const top = plot.valToPos(high, 'y', true);
  const bottom = plot.valToPos(low, 'y', true);
  ctx.save();
  ctx.globalAlpha = 0.6;
  ctx.fillStyle = colour;
  ctx.fillRect(bbox.left, top, bbox.width, Math.max(2, bottom - top));
  ctx.restore();
}

/** A run without a duration stands on the floor: it did not end. */
function drawVerdicts(plot: uPlot, values: readonly (number | null)[], verdicts: readonly Verdict[]): void {
  const { ctx } = plot;
  const palette = readPalette();
  const size = 13 * window.devicePixelRatio;
  const isDense = plot.bbox.width / verdicts.length < size;
  // What went well stands back where there is no room for all, and is drawn first.
  const isQuiet = (verdict: Verdict): boolean =>
    isDense && (verdict === 'completed' || verdict === 'nothing_to_do');
  const inOrder = [...verdicts.entries()].toSorted(
    ([, one], [, other]) => Number(isQuiet(other)) - Number(isQuiet(one)),
  );
  for (const [position, verdict] of inOrder) {
    const shape = SHAPE_PATHS.get(verdict);
    if (shape === undefined) continue;
    const x = plot.valToPos(position, 'x', true);
    const y = plot.valToPos(values[position] ?? 0, 'y', true) - (values[position] == null ? size / 2 : 0);
    if (isQuiet(verdict)) {
      ctx.fillStyle = palette.verdict(verdict);
      ctx.beginPath();
      ctx.arc(x, y, size * 0.17, 0, 7);
      ctx.fill();
      continue;
    }
    ctx.save();
    ctx.fillStyle = palette.surface;
    ctx.beginPath();
    ctx.arc(x, y, size * 0.62, 0, 7);
    ctx.fill();
    ctx.translate(x - size / 2, y - size / 2);
    ctx.scale(size / 16, size / 16);
    ctx.fillStyle = palette.verdict(verdict);
    ctx.strokeStyle = ctx.fillStyle;
    ctx.lineWidth = 2.4;
    ctx.lineCap = 'round';
    ctx.lineJoin = 'round';
    if (shape.filled) ctx.fill(shape.path);
    else ctx.stroke(shape.path);
    ctx.restore();
  }
}
