/** Tells V8 how to look after the memory of a process that mostly moves bytes. */
import { setFlagsFromString } from 'node:v8';

/**
 * Bodies lie outside of V8's heap. For every 32 to 64 MB of them V8 goes through the whole heap, to find those that are
 * no longer needed; at full load that is twenty times a second and took more than half of the processor. Told to weigh
 * them like all other memory, it does so when the heap and they together have grown by a good part. Node has no option
 * for this; a V8 that does not know the flag goes on as before.
 */
export function tuneMemory(): void {
  setFlagsFromString('--external-memory-accounted-in-global-limit');
}
