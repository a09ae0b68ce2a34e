/** The roll call: every client that was expected or met, as a picture and as a list. */

import { useQuery } from '@tanstack/preact-query';
import { useMemo, useState } from 'preact/hooks';
import { questions } from '../api/queries.ts';
import { nameOf } from '../parts/run-name.ts';
import type { Answer, JobRun } from '../api/types.ts';
import { useParameter } from '../parts/route.ts';
import { CopyButton, Empty, Trouble, Waiting } from '../parts/small.tsx';
import { BY_TROUBLE, Mark, TO_RUN_AGAIN, wordsOf, type Verdict } from '../parts/verdict.tsx';
import { count, many } from '../parts/words.ts';
import { ClientList } from './client-list.tsx';
import { RollCallGrid } from './roll-call-grid.tsx';
import { RollCallTiles } from './roll-call-tiles.tsx';

/** So many clients have room for their names. */
const NAMED_AT_MOST = 60;

export function RollCallPart({ run, onClient }: { run: JobRun; onClient: (clientId: string) => void }) {
  const { data, error, refetch } = useQuery({
    ...questions.rollCall(nameOf(run)),
    // A client whose process died turns lost without a word of its own.
    refetchInterval: run.verdict === 'running' ? 15_000 : false,
  });
  const [verdict, setVerdict] = useParameter('verdict');
  const [chosen] = useParameter('client');
  const [text, setText] = useState('');
  const clients = data?.clients;
  const counts = useMemo(() => countVerdicts(clients ?? []), [clients]);
  const isWanted = useMemo(() => {
    const words = text.trim().toLowerCase();
    return (answer: Answer): boolean =>
      (verdict === '' || answer.verdict === verdict) &&
      (words === '' ||
        `${answer.clientId} ${answer.errorType ?? ''} ${answer.errorMessage ?? ''} ${answer.reason ?? ''}`
          .toLowerCase()
          .includes(words));
  }, [verdict, text]);

  if (clients === undefined)
    return error === null ? <Waiting rows={10} /> : <Trouble error={error} onAgain={() => void refetch()} />;
  if (clients.length === 0) {
    return (
      <Empty title="No clients in this run.">
        <p>
          Say which clients are expected with <code>run.expectClients([…])</code>, and handle each within{' '}
          <code>run.client(id, …)</code>. Then whoever does not answer shows up here.
        </p>
      </Empty>
    );
  }
  const toRunAgain = clients.filter((one) => TO_RUN_AGAIN.has(one.verdict)).map(({ clientId }) => clientId);
  return (
    <div>
      <div class="chips" role="group" aria-label="Show only clients that are">
        {counts.map(([one, number]) => (
          <button
            key={one}
            type="button"
            class={`chip pick v-${one}`}
            aria-pressed={verdict === one}
            onClick={() => setVerdict(verdict === one ? '' : one)}
          >
            <Mark verdict={one} size={13} />
            <span class="num">{count(number)}</span> {wordsOf(one)}
          </button>
        ))}
        {toRunAgain.length > 0 && run.verdict !== 'running' && (
          <span class="push">
            <CopyButton text={toRunAgain.join('\n')}>
              Copy the {count(toRunAgain.length)} to run again
            </CopyButton>
          </span>
        )}
      </div>
      <div class="roll-call">
        {clients.length <= NAMED_AT_MOST ? (
          <RollCallTiles clients={clients} isWanted={isWanted} chosen={chosen} onClient={onClient} />
        ) : (
          <RollCallGrid
            clients={clients}
            isWanted={isWanted}
            chosen={chosen}
            onClient={onClient}
            label={labelOf(counts, clients.length)}
          />
        )}
        <ClientList clients={clients} isWanted={isWanted} chosen={chosen} text={text} onText={setText} />
      </div>
      {data?.nextCursor != null && (
        <p class="dim">Only the first {count(clients.length)} clients are shown.</p>
      )}
    </div>
  );
}

function countVerdicts(clients: readonly Answer[]): [Verdict, number][] {
  const counts = new Map<Verdict, number>();
  for (const { verdict } of clients) counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
  return BY_TROUBLE.flatMap((verdict) => {
    const number = counts.get(verdict);
    return number === undefined ? [] : [[verdict, number] as [Verdict, number]];
  });
}

function labelOf(counts: readonly [Verdict, number][], total: number): string {
  return `${many(total, 'client')}: ${counts.map(([verdict, number]) => `${count(number)} ${wordsOf(verdict)}`).join(', ')}. The list has the same, by name.`;
}
