/** Remembers the cron expressions of Graphile Worker's cron items, which the library itself forgets once they are parsed. */

/** A parsed cron item. */
export interface CronItem {
  task: string;
  match: (digest: Digest) => boolean;
}

interface Digest {
  min: number;
  hour: number;
  date: number;
  month: number;
  dow: number;
}

/** The five fields at the start of a line. */
const FIELDS = /^\s*((?:\S+\s+){4}\S+)/;

export class CronItems {
  readonly #known: { item: CronItem; cron: string }[] = [];
  readonly #onNoted: (task: string, cron: string) => void;

  /** Hears of each item whose expression is known. */
  constructor(onNoted: (task: string, cron: string) => void) {
    this.#onNoted = onNoted;
  }

  /** Takes note of a crontab's lines; returns the items. */
  ofCrontab(crontab: string, items: CronItem[]): CronItem[] {
    const lines = crontab.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.trim().startsWith('#'));
    for (const [index, item] of items.entries()) this.#note(item, FIELDS.exec(lines[index] ?? '')?.[1]);
    return items;
  }

  /** Takes note of items that the program itself made; returns the parsed ones. */
  ofItems(given: readonly { match: unknown }[], items: CronItem[]): CronItem[] {
    for (const [index, item] of items.entries()) this.#note(item, given[index]?.match);
    return items;
  }

  /** The schedule that a job came of: undefined where it came of none. Its expression may be unknown. */
  scheduleOf(task: string, payload: unknown): { cron: string | undefined } | undefined {
    const { _cron: origin } = (payload ?? {}) as { _cron?: { ts?: string } };
    if (origin?.ts === undefined) return undefined;
    const at = new Date(origin.ts);
    const digest = {
      min: at.getUTCMinutes(),
      hour: at.getUTCHours(),
      date: at.getUTCDate(),
      month: at.getUTCMonth() + 1,
      dow: at.getUTCDay(),
    };
    return { cron: this.#known.find(({ item }) => item.task === task && item.match(digest))?.cron };
  }

  #note(item: CronItem, cron: unknown): void {
    if (typeof cron !== 'string' || typeof item.match !== 'function') return;
    this.#known.push({ item, cron: cron.trim() });
    this.#onNoted(item.task, cron.trim());
  }
}
