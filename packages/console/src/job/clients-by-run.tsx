/** Clients × runs of a job, painted on a canvas: who fails again and again, and in which run all did. */

import { useQuery } from '@tanstack/preact-query';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useLocation } from 'wouter-preact';
import { Link } from '../parts/link.tsx';
import { questions } from '../api/queries.ts';
import type { JobClients } from '../api/types.ts';
import { pathTo } from '../parts/route.ts';
import { Section } from '../parts/small.tsx';
import { Mark, SHAPE_PATHS, TO_RUN_AGAIN, wordsOf } from '../parts/verdict.tsx';
import { count } from '../parts/words.ts';
import { prepare, readPalette, useThemeChanges, useWidth } from '../run/canvas.ts';
import { Tooltip } from '../run/tooltip.tsx';

const ROW_PX = 24;
const LARGEST_CELL_PX = 34;

export function ClientsByRun({ job }: { job: string }) {
  const { data } = useQuery(questions.jobClients(job));
  if (data === undefined || data.clients.length === 0) return null;
  return (
    <Section
      title="Clients, run by run"
      aside={
        data.total > data.clients.length
          ? `those in trouble first: ${count(data.clients.length)} of ${count(data.total)}`
          : 'those in trouble first, the newest run on the right'
      }
    >
      <Picture data={data} />
    </Section>
  );
}

function Picture({ data }: { data: JobClients }) {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = useWidth(box);
  const themeChanges = useThemeChanges();
  const [, navigate] = useLocation();
  const [at, setAt] = useState<{ row: number; column: number; x: number; y: number } | null>(null);
  const cellPx = Math.min(LARGEST_CELL_PX, Math.max(7, Math.floor(width / Math.max(1, data.runs.length))));
  const heightPx = data.clients.length * ROW_PX;
  useEffect(() => {
    if (canvas.current === null || width === 0) return;
    const context = prepare(canvas.current, Math.min(width, cellPx * data.runs.length), heightPx);
    if (context !== null) paint(context, data, cellPx);
  }, [data, width, cellPx, heightPx, themeChanges]);

  const place = (event: MouseEvent): { row: number; column: number } | null => {
    const { left, top } = (canvas.current as HTMLCanvasElement).getBoundingClientRect();
    const row = Math.floor((event.clientY - top) / ROW_PX);
    const column = Math.floor((event.clientX - left) / cellPx);
    return data.clients[row]?.verdicts[column] == null ? null : { row, column };
  };
  const client = at === null ? undefined : data.clients[at.row];
  const verdict = at === null ? undefined : client?.verdicts[at.column];
  return (
    <div class="panel heat" tabIndex={0} role="region" aria-label="Clients, run by run">
      <ul class="heat-names">
        {data.clients.map(({ clientId, verdicts }) => {
          const troubled = verdicts.filter((one) => one !== null && TO_RUN_AGAIN.has(one)).length;
          return (
            <li key={clientId}>
              <Link href={pathTo('clients', clientId)} title={clientId}>
                {clientId}
              </Link>
              <span
                class={troubled > 0 ? 'num bad' : 'num dim'}
                title={`${troubled} of ${verdicts.length} runs in trouble`}
              >
                {troubled}
              </span>
            </li>
          );
        })}
      </ul>
      <div ref={box} class="heat-picture">
        <canvas
          ref={canvas}
          role="img"
          aria-label={`Verdicts of ${count(data.clients.length)} clients in ${count(data.runs.length)} runs. The number beside each name says in how many it was in trouble.`}
          onPointerMove={(event) => {
            const found = place(event);
            setAt(found === null ? null : { ...found, x: event.clientX, y: event.clientY });
          }}
          onPointerLeave={() => setAt(null)}
          onClick={(event) => {
            const found = place(event);
            const runId = found === null ? undefined : data.runs[found.column]?.runId;
            const clientId = found === null ? undefined : data.clients[found.row]?.clientId;
            if (runId !== undefined && clientId !== undefined)
              navigate(`${pathTo('runs', runId)}?client=${encodeURIComponent(clientId)}`);
          }}
        />
      </div>
      {at !== null && client !== undefined && verdict != null && (
        <Tooltip x={at.x} y={at.y}>
          <div class="tooltip-title">{client.clientId}</div>
          <div class={`verdict v-${verdict}`}>
            <Mark verdict={verdict} size={13} /> {wordsOf(verdict)}
          </div>
          <div class="mono dim">{data.runs[at.column]?.runId}</div>
        </Tooltip>
      )}
    </div>
  );
}

function paint(context: CanvasRenderingContext2D, { clients }: JobClients, cellPx: number): void {
  const palette = readPalette();
  const [w, h] = [cellPx - 2, ROW_PX - 3];
  for (const [row, { verdicts }] of clients.entries()) {
    for (const [column, verdict] of verdicts.entries()) {
      if (verdict === null) continue;
      const [x, y] = [column * cellPx, row * ROW_PX];
      const isSolid = TO_RUN_AGAIN.has(verdict) && verdict !== 'never_started';
      context.fillStyle = isSolid ? palette.verdict(verdict) : palette.tint(verdict);
      context.beginPath();
      context.roundRect(x, y, w, h, 3);
      context.fill();
      const shape = SHAPE_PATHS.get(verdict);
      if (shape === undefined) continue;
      const size = Math.min(12, w);
      context.save();
      context.translate(x + (w - size) / 2, y + (h - size) / 2);
      context.scale(size / 16, size / 16);
      context.strokeStyle = isSolid ? palette.onSolid : palette.verdict(verdict);
      context.fillStyle = context.strokeStyle;
      context.lineWidth = 2.2;
      context.lineCap = 'round';
      if (shape.filled) context.fill(shape.path);
      else context.stroke(shape.path);
      context.restore();
    }
  }
}
