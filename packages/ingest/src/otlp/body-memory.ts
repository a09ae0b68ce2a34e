/** Lends the memory into which bodies are read: fresh memory for each would keep the garbage collector busy. */

const SMALLEST_BYTES = 64 * 1024;
/** Memory beyond this is not kept for the next. */
const KEPT_BYTES = 16 * 1024 * 1024;

/** Pieces are powers of two; one that is given back serves the next that is as large. */
export class BodyMemory {
  readonly #free = new Map<number, Buffer[]>();
  #freeBytes = 0;

  /** At least so many bytes, with what others left in them. */
  take(sizeBytes: number): Buffer {
    const pieceBytes = Math.max(SMALLEST_BYTES, 2 ** Math.ceil(Math.log2(sizeBytes)));
    const piece = this.#free.get(pieceBytes)?.pop();
    if (piece === undefined) return Buffer.allocUnsafeSlow(pieceBytes);
    this.#freeBytes -= pieceBytes;
    return piece;
  }

  /** Nobody may look at it from here on. */
  give(piece: Buffer): void {
    if (this.#freeBytes + piece.length > KEPT_BYTES) return;
    this.#freeBytes += piece.length;
    const pieces = this.#free.get(piece.length) ?? [];
    pieces.push(piece);
    this.#free.set(piece.length, pieces);
  }
}
