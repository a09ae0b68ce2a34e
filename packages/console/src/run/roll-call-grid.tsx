/** The roll call of many clients: one cell each, painted on a canvas; places stay while verdicts change. */

import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Answer } from '../api/types.ts';
import { SHAPE_PATHS, type Verdict } from '../parts/verdict.tsx';
import { AnswerFacts } from './answer-facts.tsx';
import { prepare, readPalette, useThemeChanges, useWidth, type Palette } from './canvas.ts';
import type { RollCallProps } from './roll-call-tiles.tsx';
import { Tooltip } from './tooltip.tsx';

const LARGEST_CELL_PX = 30;
const SMALLEST_CELL_PX = 8;
/** The picture stays within a screen where cells need not be too small for that. */
const BEST_HEIGHT_PX = 430;

interface Layout {
  readonly cellPx: number;
  readonly columns: number;
  readonly heightPx: number;
}

export function RollCallGrid({
  clients,
  isWanted,
  chosen,
  onClient,
  label,
}: RollCallProps & { label: string }) {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = useWidth(box);
  const themeChanges = useThemeChanges();
  const layout = useMemo(() => layOut(clients.length, width), [clients.length, width]);
  const [hover, setHover] = useState<{ index: number; x: number; y: number } | null>(null);

  useEffect(() => {
    if (canvas.current === null || width === 0) return;
    const context = prepare(canvas.current, width, layout.heightPx);
    if (context !== null) paint(context, clients, isWanted, layout, readPalette());
  }, [clients, isWanted, layout, width, themeChanges]);

  const indexAt = (event: PointerEvent | MouseEvent): number | null => {
    const { left, top } = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const column = Math.floor((event.clientX - left) / layout.cellPx);
    const row = Math.floor((event.clientY - top) / layout.cellPx);
    const index = row * layout.columns + column;
    return column >= 0 && column < layout.columns && index >= 0 && index < clients.length ? index : null;
  };
  const hovered = hover === null ? undefined : clients[hover.index];
  const chosenAt = chosen === '' ? -1 : clients.findIndex(({ clientId }) => clientId === chosen);
  return (
    <div class="grid-box" ref={box}>
      <canvas
        ref={canvas}
        role="img"
        aria-label={label}
        style={{ height: width === 0 ? '0' : `${layout.heightPx}px` }}
        onPointerMove={(event) => {
          const index = indexAt(event);
          setHover(index === null ? null : { index, x: event.clientX, y: event.clientY });
        }}
        onPointerLeave={() => setHover(null)}
        onClick={(event) => {
          const answer = clients[indexAt(event) ?? -1];
          if (answer !== undefined) onClient(answer.clientId);
        }}
      />
      {hover !== null && <Frame index={hover.index} layout={layout} kind="hover" />}
      {chosenAt !== -1 && <Frame index={chosenAt} layout={layout} kind="chosen" />}
      {hover !== null && hovered !== undefined && (
        <Tooltip x={hover.x} y={hover.y}>
          <AnswerFacts answer={hovered} />
        </Tooltip>
      )}
    </div>
  );
}

function Frame({
  index,
  layout: { cellPx, columns },
  kind,
}: {
  index: number;
  layout: Layout;
  kind: string;
}) {
  return (
    <span
      class={`frame ${kind}`}
      style={{
        width: `${cellPx + 1}px`,
        height: `${cellPx + 1}px`,
        transform: `translate(${(index % columns) * cellPx - 1}px, ${Math.floor(index / columns) * cellPx - 1}px)`,
      }}
    />
  );
}

/** The largest cells with which all clients find room. */
function layOut(clients: number, width: number): Layout {
  for (let cellPx = LARGEST_CELL_PX; ; cellPx -= 1) {
    const columns = Math.max(1, Math.floor(width / cellPx));
    const heightPx = Math.ceil(clients / columns) * cellPx;
    if (heightPx <= BEST_HEIGHT_PX || cellPx === SMALLEST_CELL_PX) return { cellPx, columns, heightPx };
  }
}

/** Quiet verdicts are light areas; troubled ones are dark, and bear their shape in any size. */
const SOLID: ReadonlySet<Verdict> = new Set([
  'failed',
  'lost',
  'timed_out',
  'cancelled',
  'completed_with_errors',
  'running',
]);
const HOLLOW: ReadonlySet<Verdict> = new Set(['nothing_to_do', 'pending', 'never_started']);

function paint(
  context: CanvasRenderingContext2D,
  clients: readonly Answer[],
  isWanted: (answer: Answer) => boolean,
  { cellPx, columns }: Layout,
  palette: Palette,
): void {
  const gap = cellPx >= 14 ? 3 : cellPx >= 10 ? 2 : 1;
  const size = cellPx - gap;
  const radius = cellPx >= 14 ? 3 : 1.5;
  const square = new Path2D();
  square.roundRect(0, 0, size, size, radius);
  const outline = new Path2D();
  outline.roundRect(0.6, 0.6, size - 1.2, size - 1.2, radius);
  for (const [index, answer] of clients.entries()) {
    const { verdict } = answer;
    const x = (index % columns) * cellPx;
    const y = Math.floor(index / columns) * cellPx;
    context.save();
    context.translate(x, y);
    context.globalAlpha = isWanted(answer) ? 1 : 0.14;
    const isSolid = SOLID.has(verdict);
    if (HOLLOW.has(verdict)) {
      context.strokeStyle = palette.verdict(verdict);
      context.globalAlpha *= verdict === 'never_started' ? 1 : 0.45;
      context.lineWidth = verdict === 'never_started' ? 1.4 : 1;
      context.stroke(outline);
    } else {
      context.fillStyle = isSolid ? palette.verdict(verdict) : palette.tint(verdict);
      context.fill(square, 'nonzero');
    }
    const shape = SHAPE_PATHS.get(verdict);
    const mustShow = isSolid || verdict === 'never_started';
    if (shape !== undefined && (cellPx >= 14 || mustShow)) {
      const drawn = Math.min(size, 16) * (cellPx >= 14 ? 0.8 : 1);
      context.translate((size - drawn) / 2, (size - drawn) / 2);
      context.scale(drawn / 16, drawn / 16);
      context.strokeStyle = isSolid ? palette.onSolid : palette.verdict(verdict);
      context.fillStyle = context.strokeStyle;
      context.lineWidth = cellPx >= 14 ? 2.2 : 2.8;
      context.lineCap = 'round';
      context.lineJoin = 'round';
      if (shape.filled) context.fill(shape.path);
      else context.stroke(shape.path);
    }
    context.restore();
  }
}
