/** Writes down when ingest was away, slept, or is behind, so that nobody takes for silence what was not heard. */

import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { Engine } from '../store/engine.ts';

export interface HearingOptions {
  readonly engine: Engine;
  /** Host and port. */
  readonly instance: string;
  /** For how long the oldest of what was accepted has waited ({@link waitedMs}), milliseconds. */
  readonly behindMs: () => number;
  readonly log: Pick<Logger, 'warn'>;
  readonly tickMs?: number;
  /** Of this machine, milliseconds since 1970. */
  readonly clock?: () => number;
}

const TICK_MS = 1_000;
/** Less is the ordinary way from the request to the table. */
const BEHIND_MS = 3_000;
/** For so long the views see by themselves which runs wait for their rollup (`runs_waiting` looks back five minutes). */
const SEEN_LAG_MS = 60_000;
/** Whoever is behind says so again and again; should it die, nobody waits for it longer than this. */
const LEASE_MS = 15_000;
const RENEW_MS = 3_000;
/** By so much or more the clock of the machine goes ahead of the steady one only where it is set, or where the machine slept. */
const JUMP_MS = 2_000;
/** Two absences with less time between them are one: no run has so little patience. */
const BREATH_MS = 15_000;
/** So often it is looked whether the clock was set back. */
const CLOCK_CHECK_MS = 60_000;
/** The latest row counts, so it must not be older than one of a clock that was ahead. */
const WRITTEN_AT =
  '(SELECT greatest(now64(3), max(ingest_absences.written_at) + INTERVAL 1 MILLISECOND) FROM ingest_absences WHERE ingest_absences.instance = {instance:String})';

/** Times are told to ClickHouse as ages: its clock is the one that verdicts go by. */
export class Hearing {
  readonly #options: HearingOptions;
  readonly #self: { readonly instance: string; readonly process: string };
  #isBehind = false;
  #writtenAtMs = 0;
  #clockCheckedAtMs = 0;
  /** By how much the clock of the machine is ahead of the steady one. */
  #aheadMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #tick: Promise<void> = Promise.resolve();

  constructor(options: HearingOptions) {
    this.#options = options;
    this.#self = { instance: options.instance, process: randomUUID() };
  }

  /** Says from when until now nobody listened. To be called when it can be spoken to again. */
  async start(): Promise<void> {
    await this.#endWhatIsAhead();
    await this.#options.engine.command(
      `INSERT INTO ingest_absences (instance, process, reason, absent_from, absent_until, written_at)
       SELECT {instance:String}, {process:String}, 'away', if(before.until >= up.until - INTERVAL {breathMs:UInt32} MILLISECOND, least(before.since, up.until), up.until), now64(3), ${WRITTEN_AT}
       FROM (SELECT max(ingest_alive.until) AS until, count() AS times FROM ingest_alive WHERE ingest_alive.until <= now64(3)) AS up,
            (SELECT argMax(away.absent_from, away.absent_until) AS since, max(away.absent_until) AS until FROM ingest_absences AS away FINAL WHERE away.reason = 'away') AS before
       WHERE up.times > 0`,
      { ...this.#self, breathMs: BREATH_MS },
    );
    this.#aheadMs = this.#readAheadMs();
    this.#timer = setInterval(() => {
      this.#tick = this.#tick.then(async () => this.#look());
    }, this.#options.tickMs ?? TICK_MS).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#tick;
  }

  /**
   * A clock that was ahead, and was set back, has left an absence that lasts until then: silence would mean nothing so
   * long, and whoever died would be running. It ends now.
   */
  async #endWhatIsAhead(): Promise<void> {
    this.#clockCheckedAtMs = performance.now();
    await this.#options.engine.background(
      `INSERT INTO ingest_absences (instance, process, reason, absent_from, absent_until, written_at)
       SELECT ahead.instance, ahead.process, ahead.reason, least(ahead.absent_from, now64(3)), now64(3), ahead.written_at + INTERVAL 1 MILLISECOND
       FROM ingest_absences AS ahead FINAL
       WHERE ahead.absent_until > now64(3) + toIntervalMillisecond({lease:UInt64})`,
      { lease: 2 * LEASE_MS },
    );
  }

  #readAheadMs(): number {
    return (this.#options.clock ?? Date.now)() - performance.now();
  }

  /** While the machine slept nobody was heard, and by a clock that was set ahead everybody has been silent for long. */
  async #lookWhetherItSlept(): Promise<void> {
    const aheadMs = this.#readAheadMs();
    const jumpMs = aheadMs - this.#aheadMs;
    if (jumpMs >= JUMP_MS) {
      await this.#write('slept', { fromAgeMs: jumpMs + 2 * (this.#options.tickMs ?? TICK_MS), leaseMs: 0 });
    }
    this.#aheadMs = aheadMs;
  }

  async #look(): Promise<void> {
    await this.#lookWhetherItSlept().catch((error: unknown) =>
      this.#options.log.warn({ err: error }, 'could not write down that it slept; trying again'),
    );
    if (performance.now() - this.#clockCheckedAtMs > CLOCK_CHECK_MS)
      await this.#endWhatIsAhead().catch((error: unknown) =>
        this.#options.log.warn({ err: error }, 'could not see whether the clock was set back; trying again'),
      );
    const behindMs = this.#options.behindMs();
    const isBehind = behindMs > BEHIND_MS;
    const hasChanged = isBehind !== this.#isBehind;
    if (!hasChanged && !(isBehind && performance.now() - this.#writtenAtMs > RENEW_MS)) return;
    try {
      // What came in less than that long ago may not be seen yet, and is not missed yet: every run is given two seconds
      // more than that beyond its interval. So whoever is lost by then stays so.
      await this.#write('behind', {
        fromAgeMs: isBehind ? behindMs - BEHIND_MS : 0,
        leaseMs: isBehind ? LEASE_MS : 0,
      });
      this.#isBehind = isBehind;
      this.#writtenAtMs = performance.now();
    } catch (error) {
      this.#options.log.warn({ err: error }, 'could not write down that it is behind; trying again');
    }
  }

  async #write(
    reason: 'behind' | 'slept',
    { fromAgeMs, leaseMs }: { fromAgeMs: number; leaseMs: number },
  ): Promise<void> {
    await this.#options.engine.background(
      `INSERT INTO ingest_absences (instance, process, reason, absent_from, absent_until, written_at)
       SELECT {instance:String}, {process:String}, {reason:String}, now64(3) - toIntervalMillisecond({age:UInt64}), now64(3) + toIntervalMillisecond({lease:UInt64}), ${WRITTEN_AT}`,
      { ...this.#self, reason, age: Math.round(fromAgeMs), lease: leaseMs },
    );
  }
}

/**
 * For how long evidence has waited of which no verdict knows: in the spool, or in ClickHouse for its rollup.
 * All are milliseconds.
 */
export function waitedMs({ spooledMs, rollupLagMs }: { spooledMs: number; rollupLagMs: number }): number {
  return rollupLagMs > SEEN_LAG_MS ? Math.max(spooledMs, rollupLagMs) : spooledMs;
}
