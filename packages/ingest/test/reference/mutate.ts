/** Changes bodies at random, the same way each time. */

/** Flips, cuts, inserts and repeats a few bytes. */
export function mutate(body: Buffer, random: () => number): Buffer {
  let bytes = Buffer.from(body);
  const at = () => Math.floor(random() * (bytes.length + 1));
  for (let change = 0; change <= random() * 3; change++) {
    const kind = Math.floor(random() * 4);
    const start = at();
    if (kind === 0 && start < bytes.length) bytes[start] = Math.floor(random() * 256);
    else if (kind === 1) bytes = Buffer.concat([bytes.subarray(0, start), bytes.subarray(at())]);
    else if (kind === 2)
      bytes = Buffer.concat([bytes.subarray(0, start), Buffer.from([255 * random()]), bytes.subarray(start)]);
    else bytes = bytes.subarray(0, start);
  }
  return bytes;
}

/** A small seeded generator: a failure comes back with the same bytes. Source: https://github.com/bryc/code/blob/master/jshash/PRNGs.md */
export function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
