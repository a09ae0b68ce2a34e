/** The roll call of few clients: a tile with a name for each. */

import type { Answer } from '../api/types.ts';
import { Mark, wordsOf } from '../parts/verdict.tsx';
import { duration } from '../parts/words.ts';

export interface RollCallProps {
  readonly clients: readonly Answer[];
  readonly isWanted: (answer: Answer) => boolean;
  readonly chosen: string;
  readonly onClient: (clientId: string) => void;
}

export function RollCallTiles({ clients, isWanted, chosen, onClient }: RollCallProps) {
  return (
    <div class="tiles">
      {clients.map((answer) => (
        <button
          key={answer.clientId}
          type="button"
          class={`tile v-${answer.verdict}${isWanted(answer) ? '' : ' faint'}`}
          aria-pressed={chosen === answer.clientId}
          onClick={() => onClient(answer.clientId)}
        >
          <Mark verdict={answer.verdict} size={18} />
          <span class="tile-text">
            <b>{answer.clientId}</b>
            <span>
              {wordsOf(answer.verdict)}
              {answer.durationMs === undefined ? '' : ` · ${duration(answer.durationMs)}`}
            </span>
          </span>
        </button>
      ))}
    </div>
  );
}
