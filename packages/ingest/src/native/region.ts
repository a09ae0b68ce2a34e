/** Grows a piece of memory as values are written into it: the ground that all columns stand on. */

/** Memory beyond this is given back when the region is emptied. */
const KEPT_BYTES = 4 * 1024 * 1024;
const FIRST_BYTES = 64;

/**
 * Values of one width, one behind the other. The fields are open on purpose: columns write into `bytes` and `view`
 * directly, after `reserve`, because a call per value would cost more than the value.
 */
export class Region {
  bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  view: DataView = viewOf(this.bytes);
  /** Number of values; setting it back forgets the values behind it. */
  at = 0;
  /** Bytes of one value: 1, 2, 4 or 8. */
  width: number;
  /** Values that there is room for. */
  #limit: number;

  constructor(width: number) {
    this.width = width;
    this.#limit = FIRST_BYTES / width;
  }

  get sizeBytes(): number {
    return this.at * this.width;
  }

  /** Makes room for `count` more values. */
  reserve(count: number): void {
    if (this.at + count > this.#limit) this.#grow((this.at + count) * this.width);
  }

  clear(): void {
    this.at = 0;
    if (this.bytes.length > KEPT_BYTES) this.#replace(FIRST_BYTES);
  }

  /** Empties it, for values of another width. */
  restart(width: number): void {
    this.clear();
    this.width = width;
    this.#limit = Math.floor(this.bytes.length / width);
  }

  /** Appends the `count` values behind `from` again and again, until they are there `times` times. */
  repeat(from: number, count: number, times: number): void {
    if (count === 0 || times <= 1) return;
    const wanted = count * times;
    this.at = from;
    this.reserve(wanted);
    const start = from * this.width;
    const end = start + wanted * this.width;
    // Doubling: what has been written is the source of the next copy.
    for (let filled = count * this.width; start + filled < end; filled *= 2) {
      this.bytes.copyWithin(start + filled, start, Math.min(start + filled, end - filled));
    }
    this.at = from + wanted;
  }

  /** Appends all values to `target`, and returns where it ends. */
  copyTo(target: Buffer, offset: number): number {
    target.set(this.bytes.subarray(0, this.sizeBytes), offset);
    return offset + this.sizeBytes;
  }

  /** Rewrites the values in a greater width. */
  widen(width: 2 | 4): void {
    const { bytes, view, at } = this;
    const narrow = this.width;
    this.width = width;
    this.#replace(bytes.length * (width / narrow));
    for (let index = 0; index < at; index++) {
      const value = narrow === 1 ? (bytes[index] ?? 0) : view.getUint16(index * 2, true);
      if (width === 2) this.view.setUint16(index * 2, value, true);
      else this.view.setUint32(index * 4, value, true);
    }
  }

  #grow(neededBytes: number): void {
    const { bytes } = this;
    this.#replace(Math.max(neededBytes, bytes.length * 2));
    this.bytes.set(bytes);
  }

  #replace(sizeBytes: number): void {
    this.bytes = Buffer.allocUnsafeSlow(sizeBytes);
    this.view = viewOf(this.bytes);
    this.#limit = Math.floor(sizeBytes / this.width);
  }
}

/** A view of the same bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
