/** Paints the part of a timeline that is seen. */

import { prepare, readPalette, type Palette } from './canvas.ts';
import type { Bar, Timeline } from './lay-out-bars.ts';

export const ROW_PX = 20;
export const AXIS_PX = 26;
export const LABEL_PX = 150;
const BAR_PX = 14;
/** Words need room. */
const NAMED_FROM_PX = 44;

export interface View {
  readonly startMs: number;
  readonly endMs: number;
}

export interface TimelinePicture {
  readonly timeline: Timeline;
  readonly view: View;
  readonly scrollTop: number;
  readonly width: number;
  readonly heightPx: number;
  readonly labelPx: number;
  /** The client under the pointer; empty where there is none. */
  readonly hovered: string;
}

export function paintTimeline(canvas: HTMLCanvasElement, picture: TimelinePicture): void {
  const { timeline, view, scrollTop, width, heightPx, labelPx, hovered } = picture;
  const context = prepare(canvas, width, heightPx);
  if (context === null) return;
  const palette = readPalette();
  const pxPerMs = (width - labelPx) / Math.max(1, view.endMs - view.startMs);
  const font = getComputedStyle(canvas).fontFamily;
  const first = Math.max(0, Math.floor(scrollTop / ROW_PX));
  const last = Math.min(timeline.rows.length, Math.ceil((scrollTop + heightPx) / ROW_PX));
  paintGrid(context, picture, pxPerMs, palette, font);

  context.save();
  context.beginPath();
  context.rect(labelPx, AXIS_PX, width - labelPx, heightPx - AXIS_PX);
  context.clip();
  context.font = `11px ${font}`;
  context.textBaseline = 'middle';
  for (let index = first; index < last; index += 1) {
    const row = timeline.rows[index];
    if (row === undefined) continue;
    const y = AXIS_PX + index * ROW_PX - scrollTop + (ROW_PX - BAR_PX) / 2;
    let paintedTo = -1;
    for (const bar of row.bars) {
      if (bar.endMs < view.startMs || bar.startMs > view.endMs) continue;
      const x = labelPx + (bar.startMs - view.startMs) * pxPerMs;
      const end = labelPx + (bar.endMs - view.startMs) * pxPerMs;
      // Several within one pixel look like one.
      if (end < paintedTo + 0.4 && bar.verdict === 'completed') continue;
      paintedTo = end;
      paintBar(
        context,
        bar,
        { x, y, w: Math.max(1.5, end - x), labelPx, width },
        pxPerMs,
        view,
        palette,
        bar.clientId !== '' && bar.clientId === hovered,
      );
    }
  }
  context.restore();

  if (labelPx === 0) return;
  context.font = `12px ${font}`;
  context.textBaseline = 'middle';
  context.fillStyle = palette.dim;
  context.save();
  context.beginPath();
  context.rect(0, AXIS_PX, labelPx - 8, heightPx - AXIS_PX);
  context.clip();
  for (let index = first; index < last; index += 1) {
    const row = timeline.rows[index];
    if (row !== undefined) context.fillText(row.label, 2, AXIS_PX + index * ROW_PX - scrollTop + ROW_PX / 2);
  }
  context.restore();
}

function paintBar(
  context: CanvasRenderingContext2D,
  bar: Bar,
  { x, y, w, labelPx, width }: { x: number; y: number; w: number; labelPx: number; width: number },
  pxPerMs: number,
  view: View,
  palette: Palette,
  isHovered: boolean,
): void {
  const colour = palette.verdict(bar.verdict);
  context.fillStyle = palette.tint(bar.verdict);
  context.fillRect(x, y, w, BAR_PX);
  // A troubled bar bears a thick edge: the colour does not stand alone.
  const isQuiet = bar.verdict === 'completed' || bar.verdict === 'nothing_to_do' || bar.verdict === 'running';
  context.fillStyle = colour;
  if (w > 6 || !isQuiet) context.fillRect(x, y, Math.min(w, isQuiet ? 1.5 : 4), BAR_PX);
  if (!isQuiet) context.fillRect(x, y + BAR_PX - 2, w, 2);
  if (w > 6) {
    for (const step of bar.steps) {
      const from = labelPx + (step.startedMs - view.startMs) * pxPerMs;
      const length = Math.max(1, step.durationMs * pxPerMs);
      context.globalAlpha = step.isError ? 1 : 0.5;
      context.fillStyle = step.isError ? palette.verdict('failed') : colour;
      context.fillRect(from + 0.5, y + BAR_PX - 5, Math.max(0.5, length - 1), 3);
      context.globalAlpha = 1;
    }
  }
  if (isHovered) {
    context.strokeStyle = palette.ink;
    context.lineWidth = 1.5;
    context.strokeRect(x + 0.5, y + 0.5, Math.max(1, w - 1), BAR_PX - 1);
  }
  const left = Math.max(x, labelPx);
  const room = Math.min(x + w, width) - left;
  if (room > NAMED_FROM_PX) {
    context.save();
    context.beginPath();
    context.rect(left, y, room - 3, BAR_PX);
    context.clip();
    context.fillStyle = palette.ink;
    context.fillText(bar.name, left + 7, y + (bar.steps.length > 0 ? BAR_PX / 2 - 1.5 : BAR_PX / 2 + 0.5));
    context.restore();
  }
}

const STEPS_MS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000,
  600_000, 900_000, 1_800_000, 3_600_000, 7_200_000, 14_400_000, 43_200_000, 86_400_000,
];
const TICK_EVERY_PX = 96;

function paintGrid(
  context: CanvasRenderingContext2D,
  { timeline, view, width, heightPx, labelPx }: TimelinePicture,
  pxPerMs: number,
  palette: Palette,
  font: string,
): void {
  const stepMs = STEPS_MS.find((ms) => ms * pxPerMs >= TICK_EVERY_PX) ?? 86_400_000;
  context.font = `11px ${font}`;
  context.textBaseline = 'middle';
  context.strokeStyle = palette.line;
  context.fillStyle = palette.dim;
  context.lineWidth = 1;
  const firstTick = Math.ceil((view.startMs - timeline.startMs) / stepMs) * stepMs;
  for (let offset = firstTick; timeline.startMs + offset <= view.endMs; offset += stepMs) {
    const x = Math.round(labelPx + (timeline.startMs + offset - view.startMs) * pxPerMs) + 0.5;
    context.beginPath();
    context.moveTo(x, AXIS_PX - 5);
    context.lineTo(x, heightPx);
    context.stroke();
    if (x < width - 40) context.fillText(tickWords(offset, stepMs), x + 4, AXIS_PX / 2 - 1);
  }
}

function tickWords(ms: number, stepMs: number): string {
  if (ms === 0) return '0';
  if (stepMs < 1_000) return `${ms} ms`.replace(/^(\d+)(\d{3}) ms$/, '$1.$2 s');
  const seconds = ms / 1_000;
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  const rest = Math.round(seconds % 60);
  if (minutes < 60) return rest === 0 ? `${minutes} min` : `${minutes}:${String(rest).padStart(2, '0')}`;
  const restMinutes = minutes % 60;
  return restMinutes === 0 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 60)} h ${restMinutes}`;
}
