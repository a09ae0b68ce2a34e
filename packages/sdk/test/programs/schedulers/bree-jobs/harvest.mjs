/** A worker thread that works until it is told to stop. */
import { parentPort } from 'node:worker_threads';

parentPort?.on('message', (message) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, not a window
  if (message === 'cancel') parentPort?.postMessage('cancelled');
});
