/** Reads the clients that a run is to expect from a file. */

import { readFile } from 'node:fs/promises';

export type Roster = { status: 'ok'; clientIds: string[] } | { status: 'unreadable'; reason: string };

/** One client ID per line (`#` begins a comment line), or a JSON array of texts. */
export async function readRoster(path: string): Promise<Roster> {
  let text: string;
  try {
    text = (await readFile(path, 'utf8')).replace(/^\uFEFF/, '');
  } catch (error) {
    return {
      status: 'unreadable',
      reason: `The roster '${path}' can not be read: ${(error as Error).message}`,
    };
  }
  return text.trimStart().startsWith('[')
    ? fromJson(path, text)
    : { status: 'ok', clientIds: fromLines(text) };
}

function fromLines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

function fromJson(path: string, text: string): Roster {
  try {
    const list: unknown = JSON.parse(text);
    if (Array.isArray(list) && list.every((id) => typeof id === 'string'))
      return { status: 'ok', clientIds: list };
  } catch {
    // Said below.
  }
  return {
    status: 'unreadable',
    reason: `The roster '${path}' begins with '[' and is no JSON array of client IDs`,
  };
}
