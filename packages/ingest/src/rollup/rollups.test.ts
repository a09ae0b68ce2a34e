/** The lag that the rollups tell: never 0 while a pass has something to take into account. */

import { expect, test } from 'vitest';
import type { Parameters } from '../store/engine.ts';
import { Rollups } from './rollups.ts';
import { AHEAD, CLOCK, TOUCHED_SINCE, WAITING } from './statements.ts';

/** An engine that answers each statement when it is told to. */
class HeldEngine {
  readonly #held: { sql: string; parameters: Parameters | undefined; answer: () => void }[] = [];
  readonly #clockMs: () => number;

  constructor(clockMs = Date.now) {
    this.#clockMs = clockMs;
  }

  async rows<Row>(sql: string, parameters?: Parameters): Promise<Row[]> {
    if (sql === CLOCK) return [{ ms: this.#clockMs() }] as Row[];
    if (sql === AHEAD) return [];
    await new Promise<void>((answer) => this.#held.push({ sql, parameters, answer }));
    return [];
  }

  parametersOf(sql: string): Parameters | undefined {
    return this.#held.find((held) => held.sql === sql)?.parameters;
  }

  background(): Promise<void> {
    return Promise.resolve();
  }

  count(sql: string): number {
    return this.#held.filter((one) => one.sql === sql).length;
  }

  async asked(sql: string): Promise<void> {
    await expect.poll(() => this.count(sql), { timeout: 5_000 }).toBeGreaterThan(0);
  }

  answer(sql: string): void {
    const [one] = this.#held.splice(
      this.#held.findIndex((held) => held.sql === sql),
      1,
    );
    one?.answer();
  }
}

/** Longer than the longest pause before a pass. */
const PAUSE_MS = 1_500;

async function pause(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}

test('a sweep that begins before a planned pass does not run beside it', async () => {
  const engine = new HeldEngine();
  const rollups = new Rollups({ engine, log: { warn: () => undefined } });
  rollups.touched(performance.now());
  rollups.start();
  await engine.asked(WAITING);
  await pause();

  expect(engine.count(TOUCHED_SINCE)).toBe(0);
  expect(rollups.lagMs).toBeGreaterThan(0);

  engine.answer(WAITING);
  await engine.asked(TOUCHED_SINCE);
  rollups.touched(performance.now());
  await pause();

  expect(engine.count(TOUCHED_SINCE)).toBe(1);

  engine.answer(TOUCHED_SINCE);
  await engine.asked(TOUCHED_SINCE);

  expect(rollups.lagMs).toBeGreaterThan(0);

  engine.answer(TOUCHED_SINCE);
  await expect.poll(() => rollups.lagMs).toBe(0);
  await rollups.close();
});

test('a pass asks for what was touched since the insert began, by the clock of ClickHouse', async () => {
  const clockMs = Date.parse('2026-01-02T03:04:05.000Z');
  const engine = new HeldEngine(() => clockMs);
  const rollups = new Rollups({ engine, log: { warn: () => undefined } });
  rollups.touched(performance.now() - 500);
  await engine.asked(TOUCHED_SINCE);

  const { since } = engine.parametersOf(TOUCHED_SINCE) ?? {};
  const agoMs = clockMs - Date.parse(`${String(since)}Z`);
  expect(agoMs).toBeGreaterThanOrEqual(500);
  // What was rolled up a second ago is not rolled up again.
  expect(agoMs).toBeLessThan(1_000);

  engine.answer(TOUCHED_SINCE);
  await rollups.close();
});

test('what is being caught up with is lag until it is done', async () => {
  const engine = new HeldEngine();
  const rollups = new Rollups({ engine, log: { warn: () => undefined } });
  rollups.touched(performance.now());
  const caughtUp = rollups.catchUp();
  await engine.asked(TOUCHED_SINCE);

  expect(rollups.lagMs).toBeGreaterThan(0);

  engine.answer(TOUCHED_SINCE);
  await engine.asked(WAITING);
  engine.answer(WAITING);
  await caughtUp;

  expect(rollups.lagMs).toBe(0);
  await rollups.close();
});

test('what an earlier process left is lag until it is rolled up', async () => {
  const engine = new HeldEngine();
  const rollups = new Rollups({ engine, log: { warn: () => undefined } });
  rollups.start();
  await engine.asked(WAITING);

  expect(rollups.lagMs).toBeGreaterThan(0);

  engine.answer(WAITING);
  await expect.poll(() => rollups.lagMs).toBe(0);
  await rollups.close();
});
