/** Tells the kernel where the columns of a table stand, and the columns what it wrote. */
import type { Arena } from './arena.ts';
import type { LowCardinalityColumn, MapColumn } from './columns.ts';
import type { Dictionary } from './dictionary.ts';
import * as layout from './kernel-layout.ts';
import { Region } from './region.ts';

/** A list of attributes: its column, and what its keys mean. */
export interface KernelList {
  readonly column: MapColumn;
  /** By the number of the key. */
  readonly roles: Uint8Array;
  /** Changes with the roles. */
  readonly rolesVersion: number;
}

/** What the records of one origin have in common. */
interface KernelOrigin {
  readonly runId: Uint8Array;
  readonly clientId: Uint8Array;
  readonly jobIndex: number;
  /** Bytes that each row has in common with others. */
  readonly sharedBytes: number;
}

/** Of one call. */
interface KernelCall extends KernelOrigin {
  readonly receivedAtMs: number;
  readonly leftBytes: number;
  readonly mostRows: number;
}

const WORD_BYTES = 4;
const MOST_IDENTITY_BYTES = 512;

/** One table's control block (`kernel-layout.ts`). */
export class KernelTable {
  readonly address: number;
  readonly #arena: Arena;
  readonly #regions: readonly Region[];
  /** Of the regions' structs, as words. */
  readonly #places: readonly number[];
  readonly #dictionaries: readonly Dictionary[];
  readonly #dictionaryPlaces: readonly number[];
  readonly #lists: readonly KernelList[];
  readonly #versions: number[];
  readonly #identities: Region;

  /** `regions` and `dictionaries` in the order of `kernel-layout.ts`. */
  constructor(
    arena: Arena,
    regions: readonly Region[],
    dictionaries: readonly LowCardinalityColumn[],
    lists: readonly KernelList[],
  ) {
    this.#arena = arena;
    this.address = arena.take(layout.CONTROL_BYTES).address;
    arena.bytes.fill(0, this.address, this.address + layout.CONTROL_BYTES);
    this.#identities = new Region(1, arena);
    this.#identities.reserve(2 * MOST_IDENTITY_BYTES);
    const dictionaryOffsets = dictionaries.map(
      (_, index) => layout.DICTIONARIES + index * layout.DICTIONARY_BYTES,
    );
    const listOffsets = lists.map((_, index) => layout.LISTS + index * layout.LIST_BYTES);
    this.#dictionaries = [...dictionaries, ...lists.map(({ column }) => column.keys)].map(
      ({ dictionary }) => dictionary,
    );
    this.#dictionaryPlaces = [
      ...dictionaryOffsets,
      ...listOffsets.map((offset) => offset + layout.KEY_DICTIONARY),
    ].map((offset) => this.#word(offset));
    this.#regions = [
      ...regions,
      ...lists.flatMap(({ column }) => [column.ends, ...column.keys.regions, column.values]),
      ...this.#dictionaries.map(({ keys }) => keys),
    ];
    this.#places = [
      ...regions.map((_, index) => this.#word(layout.REGIONS + index * layout.REGION_BYTES)),
      ...listOffsets.flatMap((offset) =>
        [0, layout.KEYS, layout.VALUES].map((field) => this.#word(offset + field)),
      ),
      ...this.#dictionaryPlaces,
    ];
    this.#lists = lists;
    this.#versions = lists.map(() => -1);
  }

  /** Writes down where everything is; to be called right before the kernel. */
  enter({ runId, clientId, jobIndex, sharedBytes, receivedAtMs, leftBytes, mostRows }: KernelCall): void {
    const { words, doubles, bytes } = this.#arena;
    this.#regions.forEach((region, index) => {
      const place = this.#places[index] as number;
      words[place] = region.address;
      words[place + 1] = region.at;
      words[place + 2] = region.bytes.length;
      words[place + 3] = region.width;
    });
    this.#dictionaries.forEach((dictionary, index) => {
      const place = this.#dictionaryPlaces[index] as number;
      words[place + 4] = dictionary.starts.address;
      words[place + 5] = dictionary.lengths.address;
      words[place + 6] = dictionary.slots.address;
      words[place + 7] = dictionary.capacity * 2 - 1;
      words[place + 8] = dictionary.count;
      words[place + 9] = dictionary.capacity;
    });
    this.#lists.forEach(({ roles, rolesVersion }, index) => {
      if (this.#versions[index] === rolesVersion) return;
      this.#versions[index] = rolesVersion;
      const at = this.address + layout.LISTS + index * layout.LIST_BYTES + layout.ROLES;
      bytes.set(roles.subarray(0, layout.KNOWN_KEYS), at);
    });
    const texts = this.#identities;
    texts.bytes.set(runId, 0);
    texts.bytes.set(clientId, MOST_IDENTITY_BYTES);
    const head = this.#word(0);
    words[head + layout.RUN_ID_AT / WORD_BYTES] = texts.address;
    words[head + layout.RUN_ID_LENGTH / WORD_BYTES] = runId.length;
    words[head + layout.CLIENT_ID_AT / WORD_BYTES] = texts.address + MOST_IDENTITY_BYTES;
    words[head + layout.CLIENT_ID_LENGTH / WORD_BYTES] = clientId.length;
    words[head + layout.JOB_INDEX / WORD_BYTES] = jobIndex;
    words[head + layout.MOST_ROWS / WORD_BYTES] = mostRows;
    doubles[(this.address + layout.LEFT_BYTES) / 8] = leftBytes;
    doubles[(this.address + layout.SHARED_BYTES) / 8] = sharedBytes;
    doubles[(this.address + layout.RECEIVED_AT) / 8] = receivedAtMs;
  }

  /** The numbers of our words in a dictionary, -1 where they are in none. */
  setWords(offset: typeof layout.WORDS | typeof layout.MORE_WORDS, indexes: Int32Array): void {
    this.#arena.words.set(indexes, this.#word(offset));
  }

  /** Moves the regions to where the kernel left them. */
  leave(): { rows: number; leftBytes: number; isAtEnd: boolean } {
    const { words, doubles } = this.#arena;
    this.#regions.forEach((region, index) => {
      region.at = words[(this.#places[index] as number) + 1] as number;
    });
    this.#dictionaries.forEach((dictionary, index) => {
      dictionary.count = words[(this.#dictionaryPlaces[index] as number) + 8] as number;
    });
    return {
      rows: words[this.#word(layout.ROWS)] as number,
      leftBytes: doubles[(this.address + layout.LEFT_BYTES) / 8] as number,
      isAtEnd: words[this.#word(layout.STOP)] === layout.AT_END,
    };
  }

  #word(offset: number): number {
    return (this.address + offset) / WORD_BYTES;
  }
}
