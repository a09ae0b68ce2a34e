/** Keeps account of an import: what was taken, what was refused and why. */

import type { Refusal } from './read-run.ts';
import type { RefusedByService } from './sender.ts';

/** Where a person finds a row. */
export interface Place {
  readonly file: string;
  /** Row of the spreadsheet, line of NDJSON, or element of the array, from 1. */
  readonly row: number;
}

/** Two runs of one second, hence with one run ID; they stay two. */
export interface Collision {
  readonly runId: string;
  readonly legacyId: string;
  readonly at: Place;
  readonly earlier: Place;
}

export interface ImportReport {
  readonly dryRun: boolean;
  readonly rows: {
    readonly read: number;
    readonly taken: number;
    readonly refused: number;
    /** Taken, and about a run that an earlier row is about, too. */
    readonly merged: number;
  };
  readonly jobRuns: number;
  readonly clientRuns: number;
  /** Of these, without an end. */
  readonly withoutEnd: number;
  /** Rows in which something had to be assumed; each run says what, in its notes. */
  readonly assumed: number;
  readonly aliases: number;
  readonly values: { readonly taken: number; readonly refused: number; readonly leftToClients: number };
  /** Job runs whose own sums were taken, because none of their clients is here. */
  readonly jobRunsWithSums: number;
  /** Job runs that client rows name and no row describes. */
  readonly missingJobRuns: number;
  /** How often a column was the reason to refuse a row or a value; '' where the whole row could not be read. */
  readonly refusedByColumn: Readonly<Record<string, number>>;
  readonly refused: readonly (Place & Refusal)[];
  readonly collisionCount: number;
  readonly collisions: readonly Collision[];
  readonly unusedColumns: readonly string[];
  readonly refusedByService: readonly RefusedByService[];
  readonly durationMs: number;
}

/** Longer lists are cut; their counts are whole. */
const LONGEST_LIST = 1_000;

/** Counts while the import goes on. */
export class Tally {
  taken = 0;
  rowsRefused = 0;
  merged = 0;
  jobRuns = 0;
  clientRuns = 0;
  withoutEnd = 0;
  assumed = 0;
  aliases = 0;
  valuesTaken = 0;
  valuesRefused = 0;
  valuesLeftToClients = 0;
  jobRunsWithSums = 0;
  collisionCount = 0;
  readonly refused: (Place & Refusal)[] = [];
  readonly collisions: Collision[] = [];
  readonly #byColumn = new Map<string, number>();

  refuse(place: Place, { column, value, reason }: Refusal, what: 'row' | 'value'): void {
    if (what === 'row') this.rowsRefused++;
    else this.valuesRefused++;
    this.#byColumn.set(column, (this.#byColumn.get(column) ?? 0) + 1);
    if (this.refused.length < LONGEST_LIST)
      this.refused.push({ ...place, column, value: value.slice(0, 200), reason });
  }

  collide(collision: Collision): void {
    this.collisionCount++;
    if (this.collisions.length < LONGEST_LIST) this.collisions.push(collision);
  }

  report(
    rest: Pick<
      ImportReport,
      'dryRun' | 'missingJobRuns' | 'unusedColumns' | 'refusedByService' | 'durationMs'
    >,
  ): ImportReport {
    return {
      dryRun: rest.dryRun,
      rows: {
        read: this.taken + this.rowsRefused,
        taken: this.taken,
        refused: this.rowsRefused,
        merged: this.merged,
      },
      jobRuns: this.jobRuns,
      clientRuns: this.clientRuns,
      withoutEnd: this.withoutEnd,
      assumed: this.assumed,
      aliases: this.aliases,
      values: {
        taken: this.valuesTaken,
        refused: this.valuesRefused,
        leftToClients: this.valuesLeftToClients,
      },
      jobRunsWithSums: this.jobRunsWithSums,
      missingJobRuns: rest.missingJobRuns,
      refusedByColumn: Object.fromEntries(this.#byColumn),
      refused: this.refused,
      collisionCount: this.collisionCount,
      collisions: this.collisions,
      unusedColumns: rest.unusedColumns,
      refusedByService: rest.refusedByService,
      durationMs: Math.round(rest.durationMs),
    };
  }
}
