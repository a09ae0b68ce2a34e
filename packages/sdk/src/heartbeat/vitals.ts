/** Measures how the process is, as the attributes of a sign of life. */

import { availableParallelism } from 'node:os';
import { ATTR } from '@rollcall/semconv';
import { readPulse } from './pulse.ts';

export type Vitals = Record<string, number>;

/** Remembers what was used up to the last look, and the longest delay that nobody has heard of yet. */
export class VitalSigns {
  readonly #pulse: SharedArrayBuffer;
  #cpu = process.cpuUsage();
  #lookedMs = performance.now();
  #untoldDelayMs = 0;

  constructor(pulse: SharedArrayBuffer) {
    this.#pulse = pulse;
  }

  /** Looks, from whichever thread. Tells a delay again until `told`. */
  read(): Vitals {
    const { eventLoopDelayMs, heapUsedBytes, heapLimitBytes } = readPulse(this.#pulse);
    this.#untoldDelayMs = Math.max(this.#untoldDelayMs, eventLoopDelayMs);
    const elapsedMs = Math.max(1, performance.now() - this.#lookedMs);
    const cpu = process.cpuUsage();
    const usedUs = cpu.user + cpu.system - this.#cpu.user - this.#cpu.system;
    this.#cpu = cpu;
    this.#lookedMs = performance.now();
    return {
      [ATTR.EVENT_LOOP_DELAY_MS]: this.#untoldDelayMs,
      [ATTR.PROCESS_MEMORY]: process.memoryUsage.rss(),
      [ATTR.PROCESS_CPU]: usedUs / 1_000 / elapsedMs / availableParallelism(),
      ...(heapLimitBytes > 0 ? { [ATTR.HEAP_USED]: heapUsedBytes, [ATTR.HEAP_LIMIT]: heapLimitBytes } : {}),
    };
  }

  told(): void {
    this.#untoldDelayMs = 0;
  }
}
