/** Imports the rows of old job tables: reads, tells the evidence, and keeps account. */

import { hash } from 'node:crypto';
import { Batch } from './batch.ts';
import { evidenceOf } from './evidence.ts';
import { readRun, type ImportedRun, type Reading } from './read-run.ts';
import { readRows, type Row, type Source } from './read-rows.ts';
import { Tally, type ImportReport, type Place } from './report.ts';
import { RowIndex } from './row-index.ts';
import type { Sender } from './sender.ts';
import { runKey, surveyFiles, type Survey } from './survey.ts';

export interface ImportOptions {
  readonly reading: Reading;
  /** null for a rehearsal: everything but the sending. */
  readonly sender: Sender | null;
  /** Whether the sums of job rows are taken at all. */
  readonly jobTotals: boolean;
  readonly onProgress?: (progress: Progress) => void;
}

export interface Progress {
  readonly step: 'looking through' | 'importing';
  readonly rows: number;
  /** 0 while it is not known. */
  readonly total: number;
  readonly refused: number;
}

/**
 * Looks through the files, then sends what they say. Memory stays bounded: one batch is gathered while two are under
 * way, and some 50 bytes are kept of each row.
 * @throws UsageError where a file can not be read or the service can not be reached; what was sent until then stays
 */
export async function importFiles(
  sources: readonly Source[],
  { reading, sender, jobTotals, onProgress = () => undefined }: ImportOptions,
): Promise<ImportReport> {
  const startedMs = performance.now();
  const survey = await surveyFiles(sources, reading, (rows) =>
    onProgress({ step: 'looking through', rows, total: 0, refused: 0 }),
  );
  const history = new History(survey, jobTotals);
  let batch = new Batch();
  for (const source of sources) {
    history.open(source);
    for await (const row of readRows(source)) {
      const run = history.take(row, reading);
      if (run !== null) batch.add(evidenceOf(run, { isAliasNew: history.isAliasNew(run) }));
      if (batch.isFull) {
        await sender?.add(batch);
        batch = new Batch();
      }
      const { taken, rowsRefused: refused } = history.tally;
      onProgress({ step: 'importing', rows: taken + refused, total: survey.rows, refused });
    }
  }
  await sender?.add(batch);
  await sender?.finish();
  return history.tally.report({
    dryRun: sender === null,
    missingJobRuns: survey.missingJobRuns,
    unusedColumns: reading.mapping.unusedColumns(),
    refusedByService: sender?.refused ?? [],
    durationMs: performance.now() - startedMs,
  });
}

/** What the rows have said so far. */
class History {
  readonly tally = new Tally();
  readonly #survey: Survey;
  readonly #jobTotals: boolean;
  readonly #files: { readonly file: string; readonly before: number }[] = [];
  /** By second, by run, by (run, client), by alias: the row that came first, counted over all files. */
  readonly #seconds = new RowIndex();
  readonly #runs = new RowIndex();
  readonly #records = new RowIndex();
  readonly #aliases = new RowIndex();
  #row = 0;

  constructor(survey: Survey, jobTotals: boolean) {
    this.#survey = survey;
    this.#jobTotals = jobTotals;
  }

  open({ path }: Source): void {
    this.#files.push({ file: path, before: this.#row });
  }

  /** The run that a row is about, without the sums that its clients bring; null where the row is refused. */
  take(row: Row, reading: Reading): ImportedRun | null {
    this.#row = (this.#files.at(-1)?.before ?? 0) + row.number;
    const place = this.#placeOf(this.#row);
    if ('fault' in row) {
      this.tally.refuse(place, { column: '', value: '', reason: row.fault }, 'row');
      return null;
    }
    const read = readRun(row.cells, reading);
    if (read.status === 'refused') {
      this.tally.refuse(place, read, 'row');
      return null;
    }
    const run = this.#leaveSums(read.run);
    for (const refusal of run.refusedValues) this.tally.refuse(place, refusal, 'value');
    this.#count(run);
    this.#compare(run, place);
    return run;
  }

  /** Whether no row before has told this other name of the same run. */
  isAliasNew({ alias, aliasClientId, origin }: ImportedRun): boolean {
    if (alias === null) return false;
    const isNew = this.#aliases.claim(keyOf(`${origin}\0${aliasClientId ?? ''}\0${alias}`), this.#row) === 0;
    if (isNew) this.tally.aliases++;
    return isNew;
  }

  #leaveSums(run: ImportedRun): ImportedRun {
    if (run.clientId !== null) return run;
    const metrics = run.metrics.filter(
      ({ name, aggregation }) =>
        aggregation !== 'sum' || (this.#jobTotals && !this.#survey.isSumOfClients(run, name)),
    );
    this.tally.valuesLeftToClients += run.metrics.length - metrics.length;
    if (metrics.some(({ aggregation }) => aggregation === 'sum')) this.tally.jobRunsWithSums++;
    return { ...run, metrics };
  }

  #count(run: ImportedRun): void {
    this.tally.taken++;
    if (run.assumed.length > 0) this.tally.assumed++;
    this.tally.valuesTaken += run.metrics.length;
  }

  #compare(run: ImportedRun, place: Place): void {
    const { origin, clientId, runId, idNs } = run;
    const record = clientId === null ? runKey(run) : keyOf(`${origin}\0${clientId}`);
    if (this.#records.claim(record, this.#row) > 0) {
      this.tally.merged++;
    } else {
      if (clientId === null) this.tally.jobRuns++;
      else this.tally.clientRuns++;
      if (run.endedNs === null) this.tally.withoutEnd++;
    }
    if (this.#runs.claim(runKey(run), this.#row) > 0) return;
    const earlier = this.#seconds.claim(Number(idNs / 1_000_000_000n), this.#row);
    if (earlier === 0) return;
    this.tally.collide({ runId, legacyId: run.alias ?? runId, at: place, earlier: this.#placeOf(earlier) });
  }

  #placeOf(row: number): Place {
    const { file, before } = this.#files.findLast((one) => one.before < row) ?? { file: '', before: 0 };
    return { file, row: row - before };
  }
}

function keyOf(text: string): number {
  return runKey({ origin: hash('sha256', text, 'hex') });
}
