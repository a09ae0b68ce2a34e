/** A worker thread that works until it is told to stop. */
import { parentPort } from 'node:worker_threads';

parentPort?.on('message', (message) => {
  if (message === 'cancel') parentPort?.postMessage('cancelled');
});
