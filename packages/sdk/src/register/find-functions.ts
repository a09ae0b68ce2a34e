/** Finds where a module defines the functions that a config names, and says what to insert there so that they are tracked. */
import { parse, type AnyNode, type Program } from 'acorn';

/** A function that is looked for: the first part of its path is a name in the module. */
export interface Wanted {
  id: number;
  path: readonly string[];
}

export interface Found {
  /** The source with what was inserted; its lines are where they were. */
  code: string;
  /** IDs of what was found. */
  found: ReadonlySet<number>;
  /** What the module defines at its top level, for a message. */
  names: readonly string[];
  /** Names that it has from elsewhere, and from where. */
  imported: ReadonlyMap<string, string>;
}

const REGISTRY = 'globalThis[Symbol.for("rollcall.register")]';

/** Throws a SyntaxError where the source is no JavaScript. */
export function findFunctions(source: string, wanted: readonly Wanted[], kind: 'module' | 'commonjs'): Found {
  const program = parse(source, {
    ecmaVersion: 'latest',
    sourceType: kind === 'module' ? 'module' : 'script',
    allowHashBang: true,
    allowReturnOutsideFunction: kind === 'commonjs',
    allowAwaitOutsideFunction: kind === 'module',
  });
  return new Finder(source, program, wanted).run();
}

class Finder {
  readonly #source: string;
  readonly #program: Program;
  readonly #wanted: readonly Wanted[];
  readonly #insertions: { at: number; text: string }[] = [];
  readonly #found = new Set<number>();
  readonly #names = new Set<string>();
  readonly #imported = new Map<string, string>();
  /** Exported name → local name. */
  readonly #locals = new Map<string, string>();
  #prelude = '';

  constructor(source: string, program: Program, wanted: readonly Wanted[]) {
    this.#source = source;
    this.#program = program;
    this.#wanted = wanted;
  }

  run(): Found {
    for (const statement of this.#program.body) this.#noteAliases(statement);
    for (const statement of this.#program.body) this.#visit(statement);
    if (this.#prelude !== '') this.#insert(this.#startOfCode(), this.#prelude);
    return { code: this.#inserted(), found: this.#found, names: [...this.#names], imported: this.#imported };
  }

  #noteAliases(statement: AnyNode): void {
    if (statement.type === 'ImportDeclaration') {
      for (const { local } of statement.specifiers)
        this.#imported.set(local.name, String(statement.source.value));
    }
    if (statement.type === 'ExportNamedDeclaration') {
      for (const { local, exported } of statement.specifiers) {
        const from = statement.source?.value;
        if (from !== undefined && from !== null) this.#imported.set(nameOf(exported), String(from));
        else this.#locals.set(nameOf(exported), nameOf(local));
      }
    }
    const assignment = assignmentOf(statement);
    if (assignment === undefined) return;
    const { targets, value } = assignment;
    const exported = targets.map(exportedName).find((name) => name !== undefined);
    if (exported !== undefined && value.type === 'Identifier') this.#locals.set(exported, value.name);
    if (exported !== 'default' || value.type !== 'ObjectExpression') return;
    for (const property of value.properties) {
      if (property.type === 'Property' && property.value.type === 'Identifier') {
        this.#locals.set(nameOf(property.key), property.value.name);
      }
    }
  }

  #visit(statement: AnyNode): void {
    // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- most kinds of statement declare nothing
    switch (statement.type) {
      case 'FunctionDeclaration':
        this.#function(statement.id?.name);
        break;
      case 'ClassDeclaration':
        this.#class(statement, statement.id?.name);
        break;
      case 'VariableDeclaration':
        for (const { id, init } of statement.declarations) {
          if (id.type !== 'Identifier' || init === null || init === undefined) continue;
          this.#names.add(id.name);
          this.#expression(rightmost(init), id.name, this.#idsOf(id.name));
        }
        break;
      case 'ExportNamedDeclaration':
        if (statement.declaration !== null && statement.declaration !== undefined)
          this.#visit(statement.declaration);
        break;
      case 'ExportDefaultDeclaration':
        this.#exportDefault(statement.declaration);
        break;
      default:
        this.#assignment(statement);
    }
  }

  /** Declared functions are there before the first statement runs, so they are replaced before it. */
  #function(name: string | undefined, alias?: string): void {
    if (name === undefined) return;
    this.#names.add(name);
    const ids = [...this.#idsOf(name), ...(alias === undefined ? [] : this.#idsOf(alias))];
    if (ids.length > 0) this.#prelude += `${name}=${REGISTRY}.wrap("${ids.join()}",${name});`;
  }

  /** A class stays what it is; its methods are replaced. */
  #class(node: AnyNode, name: string | undefined, alias?: string): void {
    if (name === undefined) return;
    this.#names.add(name);
    const ids = [...this.#idsOf(name), ...(alias === undefined ? [] : this.#idsOf(alias))];
    if (ids.length > 0) this.#insert(node.end, `;${REGISTRY}.wrap("${ids.join()}",${name});`);
  }

  #exportDefault(declaration: AnyNode): void {
    if (declaration.type === 'FunctionDeclaration' && declaration.id !== null) {
      this.#function(declaration.id.name, 'default');
    } else if (declaration.type === 'ClassDeclaration' && declaration.id !== null) {
      this.#class(declaration, declaration.id.name, 'default');
    } else {
      this.#names.add('default');
      if (declaration.type === 'Identifier') return;
      this.#expression(declaration, 'default', this.#idsOf('default'));
    }
  }

  /** `name = …`, `exports.name = …`, `module.exports = …` */
  #assignment(statement: AnyNode): void {
    const assignment = assignmentOf(statement);
    if (assignment === undefined) return;
    const { targets, value } = assignment;
    if (value.type === 'Identifier') return;
    const names = targets.flatMap(
      (target) => exportedName(target) ?? (target.type === 'Identifier' ? target.name : []),
    );
    const own = 'id' in value && value.id !== null && value.id !== undefined ? nameOf(value.id) : undefined;
    for (const name of names) this.#names.add(name);
    const [first] = names;
    if (first === undefined) return;
    const isWhole = names.includes('default');
    const ids = [...names, ...(own === undefined || names.includes(own) ? [] : [own])].flatMap((name) =>
      this.#idsOf(name),
    );
    if (isWhole && value.type === 'ObjectExpression') this.#members(value, ids);
    else this.#expression(value, own ?? first, ids);
  }

  /** `module.exports = { … }`: what it holds is meant by its name there, or below `default`. */
  #members(value: AnyNode & { type: 'ObjectExpression' }, whole: readonly number[]): void {
    const ids = [...whole];
    for (const property of value.properties) {
      if (property.type !== 'Property') continue;
      const name = nameOf(property.key);
      this.#names.add(name);
      if (property.value.type !== 'Identifier') ids.push(...this.#idsOf(name, false));
    }
    const members = ids.filter((id) => !whole.includes(id));
    for (const id of members) this.#found.add(id);
    if (ids.length === 0) return;
    this.#insert(
      value.start,
      `${REGISTRY}.wrapMembers("${members.join()}",${REGISTRY}.wrap("${whole.join()}",`,
    );
    this.#insert(value.end, '))');
  }

  #expression(value: AnyNode, name: string, ids: readonly number[]): void {
    if (ids.length === 0) return;
    // A function without a name takes that of the variable or member it is put into; it shall keep that.
    const isNameless = /^(?:Arrow)?Function|^Class/.test(value.type) && !('id' in value && value.id !== null);
    const [open, close] = isNameless ? [`{${JSON.stringify(name)}:`, `}[${JSON.stringify(name)}]`] : ['', ''];
    this.#insert(value.start, `${REGISTRY}.wrap("${ids.join()}",${open}`);
    this.#insert(value.end, `${close})`);
  }

  /** What is wanted under this local name. From here on it is found. */
  #idsOf(local: string, isFinal = true): number[] {
    const ids = this.#wanted
      .filter(
        ({ id, path: [root = ''] }) => !this.#found.has(id) && (this.#locals.get(root) ?? root) === local,
      )
      .map(({ id }) => id);
    if (isFinal) for (const id of ids) this.#found.add(id);
    return ids;
  }

  #insert(at: number, text: string): void {
    this.#insertions.push({ at, text });
  }

  /** After the directives, which must come first: 'use strict'. */
  #startOfCode(): number {
    const first = this.#program.body.find(
      (one) => !('directive' in one && typeof one.directive === 'string'),
    );
    return first?.start ?? this.#source.length;
  }

  #inserted(): string {
    let code = '';
    let at = 0;
    for (const insertion of this.#insertions.toSorted((a, b) => a.at - b.at)) {
      code += this.#source.slice(at, insertion.at) + insertion.text;
      at = insertion.at;
    }
    return code + this.#source.slice(at);
  }
}

/** `a = exports.b = value` → its targets and the value. */
function assignmentOf(statement: AnyNode): { targets: AnyNode[]; value: AnyNode } | undefined {
  if (statement.type !== 'ExpressionStatement') return undefined;
  const targets: AnyNode[] = [];
  let value: AnyNode = statement.expression;
  while (value.type === 'AssignmentExpression' && value.operator === '=') {
    targets.push(value.left);
    value = value.right;
  }
  return targets.length === 0 ? undefined : { targets, value };
}

function rightmost(value: AnyNode): AnyNode {
  return value.type === 'AssignmentExpression' && value.operator === '=' ? rightmost(value.right) : value;
}

/** `exports.name`, `module.exports.name`; `module.exports` itself is `default`. */
function exportedName(target: AnyNode): string | undefined {
  if (target.type !== 'MemberExpression' || target.computed) return undefined;
  const { object, property } = target;
  if (object.type === 'Identifier' && object.name === 'module' && nameOf(property) === 'exports')
    return 'default';
  const isExports = object.type === 'Identifier' && object.name === 'exports';
  return isExports || exportedName(object) === 'default' ? nameOf(property) : undefined;
}

function nameOf(node: AnyNode): string {
  if (node.type === 'Identifier' || node.type === 'PrivateIdentifier') return node.name;
  return node.type === 'Literal' ? String(node.value) : '';
}
