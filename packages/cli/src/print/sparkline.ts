/** Draws a series as one line of bars. */

const BARS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;

/** Zero is a dot: nothing happened there, which is not the same as little. `null` is a gap. */
export function drawSparkline(values: readonly (number | null)[]): string {
  const highest = Math.max(...values.map((value) => value ?? 0));
  return values
    .map((value) => {
      if (value === null) return ' ';
      if (value <= 0 || highest <= 0) return '·';
      return BARS[Math.min(BARS.length - 1, Math.ceil((value / highest) * BARS.length) - 1)];
    })
    .join('');
}
