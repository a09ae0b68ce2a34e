/** Keeps a canvas as large as its place, sharp on every screen, and painted anew when the colours change. */

import type { RefObject } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Verdict } from '../parts/verdict.tsx';

/** The width of an element in CSS pixels, anew when it changes. */
export function useWidth(element: RefObject<HTMLElement>): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const { current } = element;
    if (current === null) return undefined;
    setWidth(Math.floor(current.clientWidth));
    const observer = new ResizeObserver(() => setWidth(Math.floor(current.clientWidth)));
    observer.observe(current);
    return () => observer.disconnect();
  }, [element]);
  return width;
}

/** Grows by one when the theme changes. */
export function useThemeChanges(): number {
  const [changes, setChanges] = useState(0);
  useEffect(() => {
    const onChange = (): void => setChanges((before) => before + 1);
    window.addEventListener('rollcall:theme', onChange);
    return () => window.removeEventListener('rollcall:theme', onChange);
  }, []);
  return changes;
}

/** A context whose units are CSS pixels, and an empty canvas. */
export function prepare(
  canvas: HTMLCanvasElement,
  width: number,
  height: number,
): CanvasRenderingContext2D | null {
  const ratio = window.devicePixelRatio;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w) canvas.width = w;
  if (canvas.height !== h) canvas.height = h;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext('2d');
  context?.setTransform(ratio, 0, 0, ratio, 0, 0);
  context?.clearRect(0, 0, width, height);
  return context;
}

/** The colours of the style sheet, so that a picture looks like the text beside it. */
export interface Palette {
  readonly ink: string;
  readonly dim: string;
  readonly line: string;
  readonly surface: string;
  readonly onSolid: string;
  /** Of words, and of shapes on the surface. */
  readonly verdict: (verdict: Verdict) => string;
  /** Of areas; always beside a shape. */
  readonly tint: (verdict: Verdict) => string;
}

export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const known = new Map<string, string>();
  const of = (name: string): string => {
    let value = known.get(name);
    if (value === undefined) {
      value = style.getPropertyValue(name).trim();
      known.set(name, value);
    }
    return value;
  };
  return {
    ink: of('--ink'),
    dim: of('--dim'),
    line: of('--line'),
    surface: of('--surface'),
    onSolid: of('--on-solid'),
    verdict: (verdict) => of(`--v-${verdict}`),
    tint: (verdict) => of(`--t-${verdict}`),
  };
}
