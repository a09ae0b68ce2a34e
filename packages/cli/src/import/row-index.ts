/** Remembers which row first said something, in 12 to 24 bytes a row: a Map would take five times as much. */

const SMALLEST = 1024;

/** Numbers from 1 to 2^53 - 1, each with the number of the row that brought it. Open addressing, half full at most. */
export class RowIndex {
  #keys = new Float64Array(SMALLEST);
  #rows = new Uint32Array(SMALLEST);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The row that brought the key before, or 0 where this one is the first. */
  claim(key: number, row: number): number {
    if (this.#size * 2 >= this.#keys.length) this.#grow();
    const slot = this.#slotOf(key);
    if (this.#keys[slot] === key) return this.#rows[slot] ?? 0;
    this.#keys[slot] = key;
    this.#rows[slot] = row;
    this.#size++;
    return 0;
  }

  has(key: number): boolean {
    return this.#keys[this.#slotOf(key)] === key;
  }

  *keys(): Generator<number> {
    for (const key of this.#keys) if (key !== 0) yield key;
  }

  #slotOf(key: number): number {
    const last = this.#keys.length - 1;
    // Neighbouring seconds must not crowd neighbouring slots; both halves of the key take part.
    let slot = (Math.imul(key | 0, 0x9e3779b1) ^ Math.imul((key / 0x1_0000_0000) | 0, 0x85ebca6b)) >>> 7;
    for (slot &= last; this.#keys[slot] !== 0 && this.#keys[slot] !== key; slot = (slot + 1) & last);
    return slot;
  }

  #grow(): void {
    const keys = this.#keys;
    const rows = this.#rows;
    this.#keys = new Float64Array(keys.length * 2);
    this.#rows = new Uint32Array(keys.length * 2);
    this.#size = 0;
    keys.forEach((key, slot) => {
      if (key !== 0) this.claim(key, rows[slot] ?? 0);
    });
  }
}
