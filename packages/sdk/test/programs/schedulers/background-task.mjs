/** A background task of node-cron, which runs in a process of its own. */
export function task() {
  return 42;
}
