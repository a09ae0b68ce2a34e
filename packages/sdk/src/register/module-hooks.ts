/** Looks at the modules that a config names while they are loaded, and has their functions tracked. */
import { existsSync, realpathSync, statSync } from 'node:fs';
import Module, { createRequire, registerHooks, stripTypeScriptTypes } from 'node:module';
import { dirname, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { safely, sdkLog } from '../faults.ts';
import type { Entry } from './entries.ts';
import { findFunctions, type Found } from './find-functions.ts';
import type { Registry } from './registry.ts';

/** The part of a CommonJS module that Node itself calls; it is not in its types. */
interface Compiling {
  _compile(this: { exports: unknown }, content: string, filename: string, format?: string): unknown;
}

const EXTENSIONS = ['', '.js', '.ts', '.mjs', '.cjs', '.mts', '.cts', '/index.js', '/index.ts'];

export class ModuleHooks {
  readonly #registry: Registry;
  readonly #byUrl = new Map<string, Entry[]>();
  /** Packages: which file they are, the program decides when it imports them. */
  readonly #byName = new Map<string, Entry[]>();

  /** `configPath` is where relative modules are meant from. What is not there is named in `problems`. */
  constructor(registry: Registry, entries: readonly Entry[], configPath: string, problems: string[]) {
    this.#registry = registry;
    for (const [module, ofModule] of Map.groupBy(entries, (entry) => entry.module)) {
      if (!/^(?:\.{0,2}\/|file:)/.test(module) && !/^[A-Za-z]:\\/.test(module)) {
        this.#byName.set(module, ofModule);
        const path = safely('look for a package', () => tryResolve(configPath, module));
        if (path !== undefined) this.#add(path, ofModule);
        continue;
      }
      const path = locate(module, configPath);
      if (path !== undefined) this.#add(path, ofModule);
      else {
        const { place } = ofModule[0]!;
        const tried = resolve(dirname(configPath), module);
        problems.push(
          `${place}.module is '${module}', and there is no file ${tried}; paths are relative to the config file`,
        );
      }
    }
  }

  install(): void {
    registerHooks({
      resolve: (specifier, context, next) => {
        const resolved = next(specifier, context);
        const ofPackage = this.#byName.get(specifier);
        if (ofPackage !== undefined) this.#byUrl.set(resolved.url, ofPackage);
        return resolved;
      },
      load: (url, context, next) => {
        const loaded = next(url, context);
        const entries = this.#byUrl.get(url.replace(/[?#].*$/, ''));
        if (entries === undefined || loaded.source === undefined || loaded.source === null) return loaded;
        if (loaded.format !== 'module' && loaded.format !== 'module-typescript') return loaded;
        const source = textOf(loaded.source);
        const plain = loaded.format === 'module-typescript' ? stripTypes(source) : source;
        return { ...loaded, format: 'module', source: this.#transform(plain, entries, 'module') ?? plain };
      },
    });
    const prototype = Module.prototype as unknown as Compiling;
    // oxlint-disable-next-line typescript/unbound-method -- called on the module, and put back
    const compile = prototype._compile;
    const byPath = (path: string) => this.#byUrl.get(pathToFileURL(path).href);
    const transform = this.#transform.bind(this);
    const finish = this.#finish.bind(this);
    // Not the hook above, with which a main script would no longer be `require.main`.
    prototype._compile = function (content, filename, format) {
      const entries = byPath(filename);
      if (entries === undefined || format === 'module' || format === 'module-typescript') {
        return compile.call(this, content, filename, format);
      }
      const isTyped = format === 'commonjs-typescript' || format === 'typescript';
      const plain = isTyped ? stripTypes(content) : content;
      const code = transform(plain, entries, 'commonjs') ?? plain;
      const result = compile.call(this, code, filename, isTyped ? 'commonjs' : format);
      finish(this.exports, entries);
      return result;
    };
  }

  #add(path: string, entries: Entry[]): void {
    const url = pathToFileURL(realpathSync(path)).href;
    this.#byUrl.set(url, [...(this.#byUrl.get(url) ?? []), ...entries]);
  }

  /** Undefined where nothing is to be changed. */
  #transform(source: string, entries: readonly Entry[], kind: 'module' | 'commonjs'): string | undefined {
    return safely(`look into ${entries[0]?.module}`, () => {
      const found = parse(source, entries, kind);
      if (found === undefined) return undefined;
      if (kind === 'module')
        this.#explain(
          entries.filter(({ id }) => !found.found.has(id)),
          found,
        );
      else this.#found.set(entries, found);
      return found.code;
    });
  }

  readonly #found = new WeakMap<readonly Entry[], Found>();

  /** What a CommonJS module has put into its exports in a way that its text does not show. */
  #finish(exports: unknown, entries: readonly Entry[]): void {
    safely(`look at the exports of ${entries[0]?.module}`, () => {
      const found = this.#found.get(entries);
      for (const entry of this.#registry.pending(entries)) {
        const [root = ''] = entry.path;
        if (typeof exports === 'object' && exports !== null && root in exports) {
          this.#registry.wrapMembers(String(entry.id), exports);
        } else if (found !== undefined && !found.found.has(entry.id)) this.#explain([entry], found);
      }
    });
  }

  #explain(entries: readonly Entry[], { names, imported }: Found): void {
    for (const entry of entries) {
      const [root = ''] = entry.path;
      const origin = imported.get(root);
      const there = names.length === 0 ? 'it defines none' : `it defines ${names.slice(0, 20).join(', ')}`;
      this.#registry.explain(
        entry,
        origin === undefined
          ? `the module defines no '${root}' outside its functions; ${there}`
          : `'${root}' comes from '${origin}' there; name that module`,
      );
    }
  }
}

function parse(source: string, entries: readonly Entry[], kind: 'module' | 'commonjs'): Found | undefined {
  try {
    return findFunctions(source, entries, kind);
  } catch (error) {
    // Node tries a file of unknown kind as CommonJS first, and as an ES module then.
    if (kind === 'commonjs' && /import|export|await/.test(String(error))) return undefined;
    sdkLog.warn(`${entries[0]?.module} could not be read: ${String(error)}`);
    return undefined;
  }
}

/** Positions stay: the types become spaces. */
function stripTypes(source: string): string {
  // oxlint-disable-next-line typescript/unbound-method -- put back as it was
  const { emitWarning } = process;
  // That the function is experimental is our concern, and no word to the program's user.
  process.emitWarning = () => undefined;
  try {
    return stripTypeScriptTypes(source);
  } finally {
    process.emitWarning = emitWarning;
  }
}

function locate(module: string, configPath: string): string | undefined {
  const base = module.startsWith('file:') ? fileURLToPath(module) : resolve(dirname(configPath), module);
  const candidates = EXTENSIONS.map((extension) => base + extension);
  return candidates.find((path) => existsSync(path) && statSync(path).isFile());
}

function tryResolve(configPath: string, module: string): string | undefined {
  try {
    return createRequire(configPath).resolve(module);
  } catch {
    // It may be one that only ES modules can import; then its name is waited for.
    return undefined;
  }
}

function textOf(source: string | ArrayBuffer | NodeJS.TypedArray): string {
  return typeof source === 'string' ? source : new TextDecoder().decode(source);
}
