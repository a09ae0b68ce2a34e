/** Tells webhooks what begins to deserve attention, and what no longer does. */

import type { Logger } from 'pino';
import type { Engine } from '../../store/engine.ts';
import { ALERT_RULES, readConditionsOf, type AlertCondition, type AlertRule } from '../conditions.ts';
import type { Change } from './message.ts';
import { postToWebhook, reasonOf } from './post-to-webhook.ts';
import { keyOf, readTold, writeTold, type Told } from './told.ts';
import { isQuiet, type Webhook } from './webhook-file.ts';

export interface NotifierOptions {
  readonly engine: Engine;
  readonly webhooks: readonly Webhook[];
  readonly intervalMs: number;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  readonly log: Pick<Logger, 'warn' | 'info'>;
  readonly onOutcome?: (webhook: string, outcome: 'delivered' | 'failed') => void;
}

/** What is seen once may be gone at the next look: evidence was still on its way. */
const LOOKS_TO_BELIEVE = 2;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 5 * 60_000;
const HOUR_MS = 3_600_000;
/** So long ClickHouse may not answer before that is told itself. */
const BLIND_MS = 2 * 60_000;

interface Seen {
  condition: AlertCondition;
  /** How often in a row it was there, or not. */
  present: number;
  absent: number;
}

interface Target {
  readonly webhook: Webhook;
  told: Map<string, Told> | undefined;
  failures: number;
  restUntilMs: number;
}

/**
 * Compares what holds with what each webhook was told last, and tells the difference. What is not delivered is told at
 * a later look, as it is then; what came and went in between is not told at all.
 */
export class Notifier {
  readonly #options: NotifierOptions;
  readonly #seen = new Map<string, Seen>();
  readonly #targets: Target[];
  /** Those that anybody wants to hear of. */
  readonly #rules: readonly AlertRule[];
  /** Times that ClickHouse has answered. */
  #looks = 0;
  #blindSinceMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #look: Promise<void> = Promise.resolve();
  readonly #stopping = new AbortController();

  constructor(options: NotifierOptions) {
    this.#options = options;
    this.#rules = ALERT_RULES.filter((rule) =>
      options.webhooks.some(({ rules }) => rules === undefined || rules.includes(rule)),
    );
    this.#targets = options.webhooks.map((webhook) => ({
      webhook,
      told: undefined,
      failures: 0,
      restUntilMs: 0,
    }));
  }

  start(): void {
    if (this.#targets.length === 0) return;
    const plan = (): void => {
      if (this.#stopping.signal.aborted) return;
      this.#timer = setTimeout(() => {
        this.#look = this.#lookOnce().finally(plan);
      }, this.#options.intervalMs).unref();
    };
    plan();
  }

  /** What is being told is broken off: the next start tells it again, under the same ID. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    clearTimeout(this.#timer);
    await this.#look;
  }

  async #lookOnce(): Promise<void> {
    const { engine, clock, log } = this.#options;
    try {
      this.#note(await readConditionsOf(engine, this.#rules));
      this.#looks++;
      this.#blindSinceMs = undefined;
    } catch (error) {
      log.warn({ err: error }, 'could not see what deserves attention; trying again');
      this.#blindSinceMs ??= clock();
      if (clock() - this.#blindSinceMs >= BLIND_MS) this.#note([blindness(this.#blindSinceMs)], 'too');
    }
    await Promise.all(this.#targets.map(async (target) => this.#serve(target)));
  }

  /** `too`: of the others nothing is known. */
  #note(conditions: readonly AlertCondition[], others: 'gone' | 'too' = 'gone'): void {
    const now = new Map(conditions.map((condition) => [keyOf(condition), condition]));
    for (const [key, seen] of this.#seen) {
      if (now.has(key) || others === 'too') continue;
      seen.present = 0;
      seen.absent++;
      if (seen.absent >= LOOKS_TO_BELIEVE) this.#seen.delete(key);
    }
    for (const [key, condition] of now) {
      const seen = this.#seen.get(key) ?? { condition, present: 0, absent: 0 };
      this.#seen.set(key, { condition, present: seen.present + 1, absent: 0 });
    }
  }

  async #serve(target: Target): Promise<void> {
    const { engine, clock, log, onOutcome } = this.#options;
    const { webhook } = target;
    if (clock() < target.restUntilMs) return;
    try {
      target.told ??= await readTold(engine, webhook.name);
      const changes = this.#changesFor(webhook, target.told, clock());
      if (changes.length === 0) return;
      await postToWebhook(webhook, changes, clock(), this.#stopping.signal);
      for (const { status, condition } of changes) {
        if (status === 'resolved') target.told.delete(keyOf(condition));
        else target.told.set(keyOf(condition), { condition, atMs: clock() });
      }
      target.failures = 0;
      onOutcome?.(webhook.name, 'delivered');
      log.info({ webhook: webhook.name, changes: changes.length }, 'a webhook was told');
      await writeTold(engine, webhook.name, changes);
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** target.failures++);
      target.restUntilMs = clock() + pauseMs * (0.5 + Math.random() / 2);
      onOutcome?.(webhook.name, 'failed');
      log.warn(
        { webhook: webhook.name, reason: reasonOf(error) },
        'a webhook could not be told; trying again',
      );
    }
  }

  #changesFor(webhook: Webhook, told: ReadonlyMap<string, Told>, nowMs: number): Change[] {
    const isSilent = webhook.quietHours !== undefined && isQuiet(webhook.quietHours, nowMs);
    const begun = [...this.#seen]
      .filter(
        ([key, { condition, present }]) =>
          !told.has(key) && present >= LOOKS_TO_BELIEVE && concerns(webhook, condition),
      )
      .map(([, { condition }]): Change => ({ status: 'firing', condition }));
    const over = [...told]
      .filter(([key]) => this.#isOver(key))
      .map(([, { condition }]): Change => ({ status: 'resolved', condition }));
    const lasting = [...told]
      .filter(
        ([key, { atMs }]) =>
          this.#seen.has(key) && nowMs - atMs >= (webhook.remindAfterHours ?? Infinity) * HOUR_MS,
      )
      .map(([key, { condition }]): Change => ({
        status: 'reminder',
        condition: this.#seen.get(key)?.condition ?? condition,
      }));
    return [...begun, ...lasting, ...over].filter(
      ({ condition }) => !isSilent || condition.severity === 'critical',
    );
  }

  /** While ClickHouse does not answer, nothing is over. After a start it takes some looks to know. */
  #isOver(key: string): boolean {
    return this.#blindSinceMs === undefined && this.#looks >= LOOKS_TO_BELIEVE && !this.#seen.has(key);
  }
}

function concerns({ project, jobs, rules, severities }: Webhook, condition: AlertCondition): boolean {
  // What is said of Rollcall itself concerns everybody.
  const isOurs = condition.project === '' || project === undefined || condition.project === project;
  const isOfJob = jobs === undefined || condition.job === '' || jobs.includes(condition.job);
  const isWanted = rules === undefined || rules.includes(condition.rule);
  return (
    isOurs && isOfJob && isWanted && (severities === undefined || severities.includes(condition.severity))
  );
}

function blindness(sinceMs: number): AlertCondition {
  const since = new Date(sinceMs).toISOString().replace(/\.\d+Z$/, 'Z');
  return {
    project: '',
    rule: 'ingest_down',
    severity: 'critical',
    job: '',
    runId: '',
    clientId: '',
    subject: 'clickhouse',
    since,
    value: 0,
    threshold: BLIND_MS / 1000,
    summary: `ClickHouse has not answered since ${since}: what is accepted waits on disk, and nobody can see what becomes of the runs`,
  };
}
