/** Measures what people and dashboards read in a project of a million runs. */

import { table, type Suite } from '../report.ts';
import { measureReads, RUNS } from './million-runs.ts';

export const readsSuite: Suite = {
  name: 'reads',
  title: 'Reads',
  run: async (say) => {
    const measured = await measureReads(say);
    const rows = measured.map(({ read, medianMs, p95Ms, limitMs }) => [
      read,
      `${medianMs.toFixed(1)} ms`,
      `${p95Ms.toFixed(1)} ms`,
      `≤ ${limitMs} ms`,
    ]);
    return `A project of ${RUNS.toLocaleString('en')} runs of three clients each, and one run of 5,000 clients. The service and the asker share the machine.\n\n${table(['read', 'median', 'p95', 'aim at the median'], rows)}`;
  },
};
