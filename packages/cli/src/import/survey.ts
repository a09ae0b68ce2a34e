/** Looks through the files once before anything is sent: what there is, and which numbers are there twice. */

import type { RunIdentity } from './identify-run.ts';
import { readIdentity, type ImportedRun, type Reading } from './read-run.ts';
import { readRows, type Cells, type Source } from './read-rows.ts';
import { readMetric } from './read-values.ts';
import { RowIndex } from './row-index.ts';

/** A run as a number; two runs of a million share one with a probability of one in ten thousand. */
export function runKey({ origin }: Pick<RunIdentity, 'origin'>): number {
  return Number.parseInt(origin.slice(0, 13), 16) + 1;
}

/** Knows of all rows which runs have a row of their own, which have clients, and which sums the clients bring. */
export class Survey {
  rows = 0;
  readonly #jobRuns = new RowIndex();
  readonly #runsOfClients = new RowIndex();
  readonly #sumsOfClients = new RowIndex();
  readonly #ordinals = new Map<string, number>();

  add(cells: Cells, reading: Reading): void {
    this.rows++;
    // Every column is looked at, so that the mapping knows all of them.
    const sums = sumsOf(cells, reading);
    const identity = readIdentity(cells, reading);
    if (identity === null) return;
    const key = runKey(identity);
    if (identity.clientId === null) {
      this.#jobRuns.claim(key, 1);
      return;
    }
    this.#runsOfClients.claim(key, 1);
    for (const name of sums) this.#sumsOfClients.claim(this.#sumKey(key, name), 1);
  }

  /** The client runs' job runs that no row describes. */
  get missingJobRuns(): number {
    let missing = 0;
    for (const key of this.#runsOfClients.keys()) if (!this.#jobRuns.has(key)) missing++;
    return missing;
  }

  /** Whether clients of the job run bring this sum themselves: the job run's own would count it a second time. */
  isSumOfClients(run: ImportedRun, metric: string): boolean {
    return this.#sumsOfClients.has(this.#sumKey(runKey(run), metric));
  }

  /** Keeps the 52 bits of the run, turned by the metric. */
  #sumKey(key: number, metric: string): number {
    let ordinal = this.#ordinals.get(metric);
    if (ordinal === undefined) this.#ordinals.set(metric, (ordinal = this.#ordinals.size + 1));
    const high = Math.floor(key / 0x1_0000_0000);
    return high * 0x1_0000_0000 + ((key ^ Math.imul(ordinal, 0x9e3779b1)) >>> 0) + 1;
  }
}

/** The names of the sums that a row brings. */
function sumsOf(cells: Cells, { mapping }: Reading): string[] {
  const names: string[] = [];
  for (const column in cells) {
    const role = mapping.roleOf(column);
    if (role.kind !== 'metric' || role.aggregation !== 'sum') continue;
    const read = readMetric(cells[column], role);
    if (read.status === 'ok' && read.value !== null) names.push(role.name);
  }
  return names;
}

/**
 * Reads all files to their ends, and checks that the mapping fits them.
 * @throws UsageError
 */
export async function surveyFiles(
  sources: readonly Source[],
  reading: Reading,
  onRow: (rows: number) => void,
): Promise<Survey> {
  const survey = new Survey();
  for (const source of sources) {
    for await (const row of readRows(source)) {
      if ('cells' in row) survey.add(row.cells, reading);
      else survey.rows++;
      onRow(survey.rows);
    }
  }
  reading.mapping.check();
  return survey;
}
