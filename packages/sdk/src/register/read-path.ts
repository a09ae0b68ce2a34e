/** Reads a value out of another by a path such as `stats.rows`, `0.id` or `clients[].id`. */

/** `.` and the empty path are the value itself; `[]` goes through a list. Undefined where there is nothing. */
export function readPath(value: unknown, path: string): unknown {
  return follow(value, segmentsOf(path));
}

/** `a.b[0][]` → `['a', 'b', '0', '[]']` */
function segmentsOf(path: string): string[] {
  const dotted = path.replaceAll('[]', '.[]').replaceAll(/\[(\w+)\]/g, '.$1');
  return dotted.split('.').filter((segment) => segment !== '');
}

function follow(value: unknown, segments: readonly string[]): unknown {
  const [segment, ...rest] = segments;
  if (segment === undefined) return value;
  if (segment === '[]') {
    return isIterable(value) ? Array.from(value, (element) => follow(element, rest)) : undefined;
  }
  if (value === undefined || value === null) return undefined;
  return follow((value as Record<string, unknown>)[segment], rest);
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}
