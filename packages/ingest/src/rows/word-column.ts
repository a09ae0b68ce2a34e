/** A low-cardinality column that holds one of a few words of ours, by number. */
import type { Arena } from '../native/arena.ts';
import { LowCardinalityColumn } from '../native/columns.ts';

export class WordColumn extends LowCardinalityColumn {
  readonly #words: readonly string[];
  /** The number of each word in the dictionary, -1 while it is not in it. */
  readonly indexes: Int32Array;

  constructor(words: readonly string[], arena?: Arena) {
    super(arena);
    this.#words = words;
    this.indexes = new Int32Array(words.length).fill(-1);
  }

  /** An unknown number is the first word. */
  word(number: number): void {
    const known = number >= 0 && number < this.#words.length ? number : 0;
    let index = this.indexes[known] as number;
    if (index < 0) {
      index = this.findString(this.#words[known] ?? '');
      this.indexes[known] = index;
    }
    this.push(index);
  }

  override clear(): void {
    super.clear();
    this.indexes.fill(-1);
  }
}
