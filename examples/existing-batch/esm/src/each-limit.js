/** Calls `fn` with each item, at most `limit` at a time. */
export async function eachLimit(items, limit, fn) {
  const queue = items.values();
  const work = async () => {
    for (const item of queue) await fn(item);
  };
  await Promise.all(Array.from({ length: limit }, work));
}
