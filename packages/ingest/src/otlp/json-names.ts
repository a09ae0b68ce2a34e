/** Finds the fields of OTLP/JSON objects on the tape: lowerCamelCase first, snake_case is taken too. */
import { sameBytes, Source } from '../native/source.ts';
import { type JsonTape, KIND } from './json-tape.ts';

const BUCKETS = 128;

/**
 * The fields of one kind of object. `collect` notes the value of each, `token` returns it: 0 where a field is absent
 * or null. Of a name that comes twice the last counts, as with `JSON.parse`.
 */
export class FieldNames<Name extends string> {
  readonly names: readonly Name[];
  /** Both spellings of each name, one behind the other. */
  readonly #source: Source;
  readonly #starts: readonly number[];
  readonly #lengths: readonly number[];
  /** Spellings by a hash of length, first and last letter. */
  readonly #buckets: readonly (readonly number[])[];
  readonly #values: Int32Array;

  constructor(names: readonly Name[]) {
    const spellings = names.flatMap((name) => [name, snakeCase(name)]);
    this.names = names;
    this.#source = new Source(Buffer.from(spellings.join('')), true);
    this.#lengths = spellings.map((spelling) => spelling.length);
    this.#starts = this.#lengths.map((_, index) =>
      this.#lengths.slice(0, index).reduce((sum, length) => sum + length, 0),
    );
    const buckets: number[][] = Array.from({ length: BUCKETS }, () => []);
    spellings.forEach((spelling, index) => {
      if (index % 2 === 1 && spelling === spellings[index - 1]) return;
      buckets[
        bucketOf(spelling.length, spelling.charCodeAt(0), spelling.charCodeAt(spelling.length - 1))
      ]?.push(index);
    });
    this.#buckets = buckets;
    this.#values = new Int32Array(spellings.length);
  }

  /** Notes where the fields of an object are. */
  collect(tape: JsonTape, object: number): void {
    const { kinds, nexts } = tape;
    const values = this.#values;
    // A call of `fill` costs more than the few it clears.
    for (let index = 0; index < values.length; index++) values[index] = 0;
    const end = nexts[object] as number;
    for (let key = object + 1; key < end; key = nexts[key + 1] as number) {
      const spelling = this.#find(tape, key);
      if (spelling >= 0) values[spelling] = kinds[key + 1] === KIND.NULL ? 0 : key + 1;
    }
  }

  /** The value of a field by the number of its name. */
  token(name: number): number {
    const camel = this.#values[name * 2] as number;
    return camel === 0 ? (this.#values[name * 2 + 1] as number) : camel;
  }

  #find(tape: JsonTape, key: number): number {
    const at = tape.starts[key] as number;
    const length = (tape.ends[key] as number) - at;
    if (length === 0) return -1;
    const { bytes } = tape;
    const bucket = this.#buckets[
      bucketOf(length, bytes[at] as number, bytes[at + length - 1] as number)
    ] as readonly number[];
    for (let index = 0; index < bucket.length; index++) {
      const spelling = bucket[index] as number;
      if (this.#lengths[spelling] !== length) continue;
      if (sameBytes(tape.view, at, this.#source.view, this.#starts[spelling] as number, length))
        return spelling;
    }
    return -1;
  }
}

function bucketOf(length: number, first: number, last: number): number {
  return (length * 5 + first * 3 + last) & (BUCKETS - 1);
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
