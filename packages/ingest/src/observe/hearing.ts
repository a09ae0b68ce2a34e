/** Writes down when ingest was away, or is behind, so that nobody takes for silence what was not heard. */

import type { Logger } from 'pino';
import type { Engine } from '../store/engine.ts';

export interface HearingOptions {
  readonly engine: Engine;
  /** Host and port. */
  readonly instance: string;
  /** For how long the oldest of what was accepted has waited for ClickHouse, milliseconds. */
  readonly behindMs: () => number;
  readonly log: Pick<Logger, 'warn'>;
  readonly tickMs?: number;
}

const TICK_MS = 1_000;
/** Less is the ordinary way from the request to the table. */
const BEHIND_MS = 3_000;
/** Whoever is behind says so again and again; should it die, nobody waits for it longer than this. */
const LEASE_MS = 15_000;
const RENEW_MS = 3_000;
/** Two absences with less time between them are one: runs had no time to be heard again. */
const BREATH_MS = 60_000;
/** So often it is looked whether the clock was set back. */
const CLOCK_CHECK_MS = 60_000;
/** The latest row of an instance counts, so it must not be older than one of a clock that was ahead. */
const WRITTEN_AT =
  '(SELECT greatest(now64(3), max(ingest_deafness.written_at) + INTERVAL 1 MILLISECOND) FROM ingest_deafness WHERE ingest_deafness.instance = {instance:String})';

/** Times are told to ClickHouse as ages: its clock is the one that verdicts go by. */
export class Hearing {
  readonly #options: HearingOptions;
  #isBehind = false;
  #writtenAtMs = 0;
  #clockCheckedAtMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #tick: Promise<void> = Promise.resolve();

  constructor(options: HearingOptions) {
    this.#options = options;
  }

  /** Says from when until now nobody listened. To be called when it can be spoken to again. */
  async start(): Promise<void> {
    await this.#endWhatIsAhead();
    await this.#options.engine.command(
      `INSERT INTO ingest_deafness (instance, deaf_from, deaf_until, written_at)
       SELECT {instance:String}, least(up.until, if(before.deaf_until >= up.until - INTERVAL {breathS:UInt32} SECOND, before.deaf_from, up.until)), now64(3), ${WRITTEN_AT}
       FROM (SELECT max(ingest_alive.until) AS until, count() AS times FROM ingest_alive WHERE ingest_alive.until <= now64(3)) AS up,
            (SELECT argMax(ingest_deafness.deaf_from, ingest_deafness.deaf_until) AS deaf_from, max(ingest_deafness.deaf_until) AS deaf_until FROM ingest_deafness FINAL) AS before
       WHERE up.times > 0`,
      { instance: this.#options.instance, breathS: BREATH_MS / 1000 },
    );
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
      `INSERT INTO ingest_deafness (instance, deaf_from, deaf_until, written_at)
       SELECT ahead.instance, least(ahead.deaf_from, now64(3)), now64(3), ahead.written_at + INTERVAL 1 MILLISECOND
       FROM ingest_deafness AS ahead FINAL
       WHERE ahead.deaf_until > now64(3) + toIntervalMillisecond({lease:UInt64})`,
      { lease: 2 * LEASE_MS },
    );
  }

  async #look(): Promise<void> {
    if (performance.now() - this.#clockCheckedAtMs > CLOCK_CHECK_MS)
      await this.#endWhatIsAhead().catch((error: unknown) =>
        this.#options.log.warn({ err: error }, 'could not see whether the clock was set back; trying again'),
      );
    const behindMs = this.#options.behindMs();
    const isBehind = behindMs > BEHIND_MS;
    const hasChanged = isBehind !== this.#isBehind;
    if (!hasChanged && !(isBehind && performance.now() - this.#writtenAtMs > RENEW_MS)) return;
    try {
      // Of what came in while it was behind, the latest came just now.
      await this.#write(isBehind ? behindMs : BEHIND_MS, isBehind ? LEASE_MS : 0);
      this.#isBehind = isBehind;
      this.#writtenAtMs = performance.now();
    } catch (error) {
      this.#options.log.warn({ err: error }, 'could not write down that it is behind; trying again');
    }
  }

  async #write(fromAgeMs: number, leaseMs: number): Promise<void> {
    await this.#options.engine.background(
      `INSERT INTO ingest_deafness (instance, deaf_from, deaf_until, written_at)
       SELECT {instance:String}, now64(3) - toIntervalMillisecond({age:UInt64}), now64(3) + toIntervalMillisecond({lease:UInt64}), ${WRITTEN_AT}`,
      { instance: this.#options.instance, age: Math.round(fromAgeMs), lease: leaseMs },
    );
  }
}
