/** A small label that follows the pointer over a picture. It never catches the pointer itself. */

import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

const AWAY_PX = 14;

export function Tooltip({ x, y, children }: { x: number; y: number; children: ComponentChildren }) {
  const box = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState({ left: x + AWAY_PX, top: y + AWAY_PX });
  useLayoutEffect(() => {
    const { offsetWidth = 0, offsetHeight = 0 } = box.current ?? {};
    setPlace({
      left: x + AWAY_PX + offsetWidth > window.innerWidth ? x - AWAY_PX - offsetWidth : x + AWAY_PX,
      top: y + AWAY_PX + offsetHeight > window.innerHeight ? y - AWAY_PX - offsetHeight : y + AWAY_PX,
    });
  }, [x, y]);
  return (
    <div
      ref={box}
      class="tooltip"
      style={{ left: `${Math.max(4, place.left)}px`, top: `${Math.max(4, place.top)}px` }}
    >
      {children}
    </div>
  );
}
