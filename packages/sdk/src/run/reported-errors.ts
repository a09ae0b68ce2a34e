/** Remembers which errors were reported where, so that each is reported once on its way up. */
import type { Scope } from './scope.ts';

const MOST_PRIMITIVES = 100;

/**
 * An error is reported by the innermost wrapper that sees it. That counts for all scopes around it,
 * but not for a neighbour: two clients that throw the same error object have both failed.
 */
export class ReportedErrors {
  readonly #places = new WeakMap<object, WeakSet<Scope>>();
  readonly #primitives = new WeakMap<Scope, Set<unknown>>();

  /** Whether this error was not yet reported in this scope or below it; from now on it was. */
  isNew(error: unknown, scope: Scope): boolean {
    if ((typeof error !== 'object' && typeof error !== 'function') || error === null) {
      return this.#isNewPrimitive(error, scope);
    }
    const places = this.#places.get(error) ?? new WeakSet<Scope>();
    if (places.has(scope)) return false;
    this.#places.set(error, places);
    for (let place: Scope | undefined = scope; place !== undefined; place = place.outer) places.add(place);
    return true;
  }

  /** `throw 'no such lead'`: told apart by its value. */
  #isNewPrimitive(error: unknown, scope: Scope): boolean {
    if (this.#primitives.get(scope)?.has(error) === true) return false;
    for (let place: Scope | undefined = scope; place !== undefined; place = place.outer) {
      const seen = this.#primitives.get(place) ?? new Set();
      if (seen.size < MOST_PRIMITIVES) this.#primitives.set(place, seen.add(error));
    }
    return true;
  }
}
