/** Prints what a benchmark found. */

import { availableParallelism, cpus } from 'node:os';

/** One line of JSON: for people to read and for a report to collect. */
export function report(name: string, figures: Record<string, number>): void {
  const rounded = Object.fromEntries(
    Object.entries(figures).map(([figure, value]) => [figure, Number(value.toPrecision(4))]),
  );
  const machine = `${cpus()[0]?.model.trim() ?? 'unknown'}, ${availableParallelism()} cores, Node ${process.version}`;
  console.log(JSON.stringify({ bench: name, ...rounded, machine }));
}
