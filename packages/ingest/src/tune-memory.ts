/** Tells V8 how to look after the memory of a process that mostly moves bytes. */
import { setFlagsFromString } from 'node:v8';

/**
 * Bodies arrive in pieces of 64 KB that lie outside of V8's heap. For every 32 to 64 MB of them V8 went through the whole
 * heap; at full load that was twenty times a second and took half of the processor. Told to weigh them like all other
 * memory, it does so when the heap and they together have grown by a good part. How good a part it guesses from what it
 * has measured, and in one run of two it guessed a tenth: it went through the heap three times a second again, and senders
 * waited. So it is told to wait until they are four times as large: some 80 MB more pile up until then.
 * Node has no option for this once it runs; a V8 that does not know a flag goes on as before.
 */
export function tuneMemory(): void {
  setFlagsFromString('--external-memory-accounted-in-global-limit');
  setFlagsFromString('--heap-growing-percent=300');
}
