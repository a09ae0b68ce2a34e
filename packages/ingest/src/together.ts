/** Answers together what is asked while an earlier question of the same group is under way. */

interface Group<Item, Answer> {
  /** The question that has not begun yet. */
  next: { readonly items: Item[]; readonly answer: Promise<Answer> } | undefined;
  /** Resolves when the last question is over. */
  tail: Promise<void>;
}

export class Together<Item, Answer> {
  readonly #answer: (items: readonly Item[]) => Promise<Answer>;
  readonly #groups = new Map<string, Group<Item, Answer>>();

  /** `answer` takes the items of one group, some of them twice perhaps. */
  constructor(answer: (items: readonly Item[]) => Promise<Answer>) {
    this.#answer = answer;
  }

  /** The answer to a question that begins after this call, and is about this item among others of its group. */
  async ask(name: string, item: Item): Promise<Answer> {
    const group = this.#groups.get(name) ?? { next: undefined, tail: Promise.resolve() };
    this.#groups.set(name, group);
    if (group.next === undefined) {
      const items: Item[] = [];
      const answer = group.tail.then(async () => {
        group.next = undefined;
        return this.#answer(items);
      });
      const tail: Promise<void> = answer.then(nothing, nothing).then(() => {
        if (group.tail === tail) this.#groups.delete(name);
      });
      group.next = { items, answer };
      group.tail = tail;
    }
    group.next.items.push(item);
    return group.next.answer;
  }

  /** Resolves when all that was asked before is answered. */
  async idle(): Promise<void> {
    await Promise.all([...this.#groups.values()].map(({ tail }) => tail));
  }
}

function nothing(): void {
  // An error is told to those who asked.
}
