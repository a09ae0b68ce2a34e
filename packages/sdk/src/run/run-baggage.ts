/** Lets a run travel with requests to other processes. */
import {
  propagation,
  type Attributes,
  type Baggage,
  type BaggageEntry,
  type Context,
} from '@opentelemetry/api';
import { ATTR } from '@rollcall/semconv';

/** What other processes need in order to join a run. */
export const CARRIED = [ATTR.RUN_ID, ATTR.RUN_ORIGIN, ATTR.JOB_NAME, ATTR.CLIENT_ID, ATTR.ATTEMPT];

/** Adds the run to the baggage, and leaves what else is in there. */
export function withBaggage(parent: Context, stamp: Attributes): Context {
  return propagation.setBaggage(parent, new RunBaggage(parent, stamp));
}

/** Baggage that is packed when somebody looks: few client runs call another process. */
export class RunBaggage implements Baggage {
  readonly #stamp: Attributes;
  readonly #outer: Baggage | undefined;
  #packed: Baggage | undefined;

  constructor(parent: Context, stamp: Attributes) {
    this.#stamp = stamp;
    this.#outer = propagation.getBaggage(parent);
  }

  getEntry(key: string): BaggageEntry | undefined {
    return this.#pack().getEntry(key);
  }

  getAllEntries(): [string, BaggageEntry][] {
    return this.#pack().getAllEntries();
  }

  setEntry(key: string, entry: BaggageEntry): Baggage {
    return this.#pack().setEntry(key, entry);
  }

  removeEntry(key: string): Baggage {
    return this.#pack().removeEntry(key);
  }

  removeEntries(...keys: string[]): Baggage {
    return this.#pack().removeEntries(...keys);
  }

  clear(): Baggage {
    return this.#pack().clear();
  }

  #pack(): Baggage {
    if (this.#packed !== undefined) return this.#packed;
    const entries = Object.fromEntries(this.#outer?.getAllEntries() ?? []);
    for (const key of CARRIED) {
      const value = this.#stamp[key];
      if (typeof value === 'string' || typeof value === 'number') entries[key] = { value: String(value) };
    }
    this.#packed = propagation.createBaggage(entries);
    return this.#packed;
  }
}
