/** Writes down how ingest is, four times a minute, for dashboards and alerts that read nothing but ClickHouse. */

import type { Logger } from 'pino';
import type { Engine } from '../store/engine.ts';

/** Counters count from the start of the process. */
export interface Health {
  readonly acceptedRows: number;
  readonly refusedRecords: number;
  readonly refusedRequests: number;
  readonly repeatedRequests: number;
  readonly setAsideSegments: number;
  readonly spoolBytes: number;
  readonly spoolSegments: number;
  readonly spoolAgeMs: number;
  readonly rollupLagMs: number;
}

/** What the last comparison of rollups with raw rows found. */
export interface Verified {
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly drifted: number;
}

export interface HealthLogOptions {
  readonly engine: Engine;
  /** Host and port. */
  readonly instance: string;
  readonly read: () => Promise<Health>;
  readonly log: Pick<Logger, 'warn'>;
  readonly tickMs?: number;
}

const TICK_MS = 15_000;

export class HealthLog {
  readonly #options: HealthLogOptions;
  readonly #startedMs = performance.now();
  #verified: Verified | undefined;
  #timer: NodeJS.Timeout | undefined;
  #tick: Promise<void> = Promise.resolve();

  constructor(options: HealthLogOptions) {
    this.#options = options;
  }

  /** Undefined where nobody ever compared. */
  get verified(): Verified | undefined {
    return this.#verified;
  }

  async start(): Promise<void> {
    const [last] = await this.#options.engine.rows<{ atMs: string; drifted: string }>(
      `SELECT toString(toUnixTimestamp64Milli(at)) AS atMs, toString(sum(drifted)) AS drifted
       FROM verifications GROUP BY at ORDER BY at DESC LIMIT 1`,
    );
    if (last !== undefined) this.#verified = { atMs: Number(last.atMs), drifted: Number(last.drifted) };
    const write = (): void => {
      this.#tick = this.#tick.then(async () => this.#write());
    };
    write();
    this.#timer = setInterval(write, this.#options.tickMs ?? TICK_MS).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#tick;
  }

  /** Keeps what a comparison found. */
  async noteVerification(
    results: readonly { readonly rollup: string; readonly compared: number; readonly drifted: number }[],
    nowMs: number,
  ): Promise<void> {
    await this.#options.engine.command(
      `INSERT INTO verifications (at, rollup, compared, drifted)
       SELECT fromUnixTimestamp64Milli({at:Int64}, 'UTC'), JSONExtractString(row, 'rollup'), JSONExtractUInt(row, 'compared'), JSONExtractUInt(row, 'drifted')
       FROM (SELECT arrayJoin({rows:Array(String)}) AS row)`,
      { at: nowMs, rows: results.map((result) => JSON.stringify(result)) },
    );
    const drifted = results.reduce((sum, result) => sum + result.drifted, 0);
    this.#verified = { atMs: nowMs, drifted };
  }

  async #write(): Promise<void> {
    const { engine, instance, read, log } = this.#options;
    try {
      const health = await read();
      const verified = this.#verified;
      const row = {
        ...health,
        memoryBytes: process.memoryUsage.rss(),
        ageMs: Math.round(performance.now() - this.#startedMs),
      };
      const number = (name: keyof typeof row): string => `JSONExtractUInt({row:String}, '${name}')`;
      await engine.background(
        `INSERT INTO ingest_health (at, instance, started_at, accepted_rows, refused_records, refused_requests, repeated_requests,
             set_aside_segments, spool_bytes, spool_segments, spool_age_ms, rollup_lag_ms, memory_bytes, drifted_values, verified_at)
         SELECT now64(3), {instance:String}, now64(3) - toIntervalMillisecond(${number('ageMs')}), ${number('acceptedRows')},
             ${number('refusedRecords')}, ${number('refusedRequests')}, ${number('repeatedRequests')}, ${number('setAsideSegments')},
             ${number('spoolBytes')}, ${number('spoolSegments')}, ${number('spoolAgeMs')}, ${number('rollupLagMs')}, ${number('memoryBytes')},
             if({verifiedAt:Int64} = 0, NULL, {drifted:UInt64}), if({verifiedAt:Int64} = 0, NULL, fromUnixTimestamp64Milli({verifiedAt:Int64}, 'UTC'))`,
        {
          instance,
          row: JSON.stringify(row),
          verifiedAt: verified?.atMs ?? 0,
          drifted: verified?.drifted ?? 0,
        },
      );
    } catch (error) {
      log.warn({ err: error }, 'could not write down how ingest is; trying again');
    }
  }
}
