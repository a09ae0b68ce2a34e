/** Knows which function of which module is to be tracked, and replaces it when the module hands it over. */
import type { Tracked } from '../run/handles.ts';
import { sdkLog } from '../faults.ts';
import type { Entry } from './entries.ts';
import { trackFunction } from './track-function.ts';

/** Where the code that is inserted into modules finds the registry. */
const PLACE = Symbol.for('rollcall.register');

type AnyFunction = (...args: unknown[]) => unknown;
type Members = Record<string, unknown>;

export class Registry {
  readonly #entries = new Map<number, Entry>();
  readonly #missing = new Map<number, string>();
  /** Functions that are tracked already, by entry: a method is seen with its class and with the module. */
  readonly #tracked = new WeakMap<object, Set<Entry>>();

  constructor(entries: readonly Entry[]) {
    // Applied in the order of the list, so that what is applied last is outermost: jobs.
    for (const entry of entries.toReversed()) {
      this.#entries.set(entry.id, entry);
      this.#missing.set(entry.id, `module ${entry.module} was not loaded`);
    }
  }

  publish(): void {
    Object.defineProperty(globalThis, PLACE, { value: this, configurable: true });
  }

  /** Called by the modules: with the value of the name that the paths of these entries begin with. */
  wrap(ids: string, value: unknown): unknown {
    return this.#each(ids).reduce((wrapped, entry) => this.#at(wrapped, entry, entry.path.slice(1)), value);
  }

  /** Called by the modules: with an object that has the names which the paths of these entries begin with. */
  wrapMembers(ids: string, members: unknown): unknown {
    for (const entry of this.#each(ids)) this.#at(members, entry, entry.path);
    return members;
  }

  /** Entries of the module that are not found yet. */
  pending(entries: readonly Entry[]): Entry[] {
    return entries.filter(({ id }) => this.#missing.has(id));
  }

  /** Why an entry's function could not be found so far. */
  explain(entry: Entry, why: string): void {
    if (!this.#missing.has(entry.id)) return;
    this.#missing.set(entry.id, why);
    sdkLog.warn(`${entry.place} (${entry.module}, ${entry.path.join('.')}): ${why}`);
  }

  /** Says on a run which functions nobody has found: what they would have told, the run lacks. */
  readonly noteMissing = (run: Tracked): void => {
    for (const [id, why] of this.#missing) {
      const { place, module, path } = this.#entries.get(id)!;
      run.note(
        'function_not_found',
        `${module} ${path.join('.')}`,
        `${place} names a function that was not found: ${why}`,
      );
    }
  };

  #each(ids: string): Entry[] {
    const wanted = new Set(ids.split(',').map(Number));
    return [...this.#entries.values()].filter(({ id }) => wanted.has(id));
  }

  #at(value: unknown, entry: Entry, path: readonly string[]): unknown {
    const [name, ...rest] = path;
    if (name === undefined) return this.#function(value, entry);
    const owner = ownerOf(value, name);
    if (owner === undefined) {
      this.explain(
        entry,
        `there is no '${name}' in what was found; a method must be one of the class, not set by its constructor`,
      );
      return value;
    }
    const member = owner[name];
    const replaced = this.#at(member, entry, rest);
    if (replaced !== member && !replace(owner, name, replaced)) {
      this.explain(entry, `'${name}' cannot be replaced: the object is frozen, or has a getter there`);
      this.#missing.set(entry.id, `'${name}' cannot be replaced`);
    }
    return value;
  }

  #function(value: unknown, entry: Entry): unknown {
    if (typeof value !== 'function') {
      this.explain(entry, `it is ${value === null ? 'null' : `of type ${typeof value}`}, not a function`);
      return value;
    }
    if (/^(?:Async)?GeneratorFunction$/.test(value.constructor?.name ?? '')) {
      this.explain(
        entry,
        'it is a generator, whose work is done by whoever reads it; name the function that does',
      );
      return value;
    }
    this.#missing.delete(entry.id);
    const known = this.#tracked.get(value) ?? new Set<Entry>();
    if (known.has(entry)) return value;
    const tracked = trackFunction(value as AnyFunction, entry, this.noteMissing);
    this.#tracked.set(tracked, new Set([...known, entry]));
    return tracked;
  }
}

/** The object that has the member: the value itself, or the prototype of the class that it is. */
function ownerOf(value: unknown, name: string): Members | undefined {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined;
  const members = value as Members;
  if (name in members && !(typeof value === 'function' && name in Function.prototype))
    return holderOf(members, name);
  const prototype = (value as { prototype?: unknown }).prototype;
  return typeof prototype === 'object' && prototype !== null && name in prototype
    ? holderOf(prototype as Members, name)
    : undefined;
}

/** Of an instance the method belongs to its class, and other instances are meant as well. */
function holderOf(members: Members, name: string): Members {
  for (
    let holder: Members | null = members;
    holder !== null;
    holder = Object.getPrototypeOf(holder) as Members | null
  ) {
    if (Object.hasOwn(holder, name)) return holder;
  }
  return members;
}

function replace(owner: Members, name: string, value: unknown): boolean {
  const descriptor = Object.getOwnPropertyDescriptor(owner, name);
  if (descriptor === undefined) return false;
  if (!('value' in descriptor)) return false;
  return descriptor.configurable === true
    ? Reflect.defineProperty(owner, name, { ...descriptor, value })
    : Reflect.set(owner, name, value);
}
