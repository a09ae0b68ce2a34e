/** Tells V8 how to look after the memory of a process that mostly moves bytes. */
import { setFlagsFromString } from 'node:v8';

/**
 * Bodies arrive in pieces of 64 KB that lie outside of V8's heap. For every 32 to 64 MB of them V8 went through the whole
 * heap; at full load that was twenty times a second and took half of the processor. Told to weigh them like all other
 * memory, it does so when the heap and they together have grown by a good part: some 60 MB more pile up until then.
 * Node has no option for this once it runs; a V8 that does not know the flag goes on as before.
 */
export function tuneMemory(): void {
  setFlagsFromString('--external-memory-accounted-in-global-limit');
}
