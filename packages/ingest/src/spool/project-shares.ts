/** Knows how much of the spool belongs to each project. */

/** Bytes by project, per segment; a segment that leaves the spool takes its bytes along. */
export class ProjectShares {
  readonly #bytes = new Map<string, number>();
  readonly #segments = new Map<string, Map<string, number>>();

  /** Rows of a project went into these segments. */
  add(projectId: string, sizeBytes: number, tokens: readonly string[]): void {
    const part = sizeBytes / Math.max(tokens.length, 1);
    for (const token of tokens) {
      const segment = this.#segments.get(token) ?? new Map<string, number>();
      segment.set(projectId, (segment.get(projectId) ?? 0) + part);
      this.#segments.set(token, segment);
      this.#bytes.set(projectId, this.of(projectId) + part);
    }
  }

  /** The segment has left the spool. */
  remove(token: string): void {
    for (const [projectId, sizeBytes] of this.#segments.get(token) ?? []) {
      const left = this.of(projectId) - sizeBytes;
      if (left >= 1) this.#bytes.set(projectId, left);
      else this.#bytes.delete(projectId);
    }
    this.#segments.delete(token);
  }

  of(projectId: string): number {
    return this.#bytes.get(projectId) ?? 0;
  }
}
