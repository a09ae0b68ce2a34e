/** Transcodes one body alone, for tests. */
import type { RowContext } from './origin-columns.ts';
import type { Block } from './table-writer.ts';
import { type Encoding, type Signal, Transcoder, type Transcoded } from './transcode.ts';

export type TranscodedBlocks =
  | (Transcoded & { status: 'ok'; blocks: Block[] })
  | (Transcoded & { status: 'malformed' });

/** The blocks of a body, and what was refused of it. */
export function transcode(
  signal: Signal,
  encoding: Encoding,
  body: Uint8Array,
  context: RowContext,
): TranscodedBlocks {
  const transcoder = new Transcoder();
  const result = transcoder.add(signal, encoding, body, context);
  const blocks = transcoder.take();
  if (result.status === 'ok') return { ...result, blocks };
  if (blocks.length > 0) throw new Error('A malformed body left rows behind.');
  return result;
}
