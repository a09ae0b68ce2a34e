/**
 * Where the kernel and its callers find what they share in the arena: offsets in bytes, from the start of a table's
 * control block. AssemblyScript reads this file too, so it holds plain numbers alone.
 */

/** A region: where it starts, its number of values, the bytes that there is room for, the width of a value. */
export const REGION_BYTES = 16;
export const AT = 4;
export const LIMIT = 8;
export const WIDTH = 12;

/** A dictionary begins with the region of its texts. */
export const DICTIONARY_BYTES = 64;
export const STARTS = 16;
export const LENGTHS = 20;
export const SLOTS = 24;
/** Number of slots, less one. */
export const MASK = 28;
export const COUNT = 32;
/** Texts that there is room for. */
export const CAPACITY = 36;
/** The text that was found last. */
export const PREVIOUS = 40;

/** A list of attributes begins with the regions of its ends, keys and values, and the dictionary of its keys. */
export const LIST_BYTES = 8192;
export const KEYS = 16;
export const VALUES = 32;
export const KEY_DICTIONARY = 48;
/** Addresses at which the next value and the next key are written. */
export const VALUE_TO = 112;
export const KEY_TO = 116;
export const POSITION = 120;
/** Number of the list that is being written: who has seen a key in it, has seen it twice. */
export const STAMP = 124;
/** By role: what was found, and where the text is. */
export const FOUND = 128;
export const FOUND_AT = 148;
export const FOUND_LENGTH = 168;
/** Where the lists of a record start. */
export const MARKS = 188;
export const GUESSES = 256;
export const GUESS_COUNT = 256;
export const SEEN = 1280;
export const ROLES = 5376;
/** Keys beyond these are left to the walkers. */
export const KNOWN_KEYS = 1024;

/** The head of a control block. */
export const ROWS = 0;
/** One of the reasons below. */
export const STOP = 4;
export const LEFT_BYTES = 8;
/** Bytes that each row has in common with others. */
export const SHARED_BYTES = 16;
export const RECEIVED_AT = 24;
/** What the resource says of the run: address and length of each text, and the number of the job's name. */
export const RUN_ID_AT = 32;
export const RUN_ID_LENGTH = 36;
export const CLIENT_ID_AT = 40;
export const CLIENT_ID_LENGTH = 44;
export const JOB_INDEX = 48;
/** Of tables with nested items: how many there are. */
export const MOST_ROWS = 52;
/** Numbers of our own words in their dictionaries, -1 where they are in none yet. */
export const WORDS = 64;
export const MORE_WORDS = 96;
export const REGIONS = 128;
export const DICTIONARIES = 1152;
export const LISTS = 1536;
export const CONTROL_BYTES = 1536 + 3 * 8192;

/** Why the kernel stopped: at the end of what it was given, or at a record that is for the walkers. */
export const AT_END = 0;
export const NOT_MINE = 1;

/** Regions of the tables, in the order of their structs. First those that all have. */
export const RUN_ID = 0;
export const CLIENT_ID = 1;
export const JOB_NAME = 2;
export const TIME = 3;
export const FLAGS = 4;
/** otel_traces */
export const TRACE_ID = 5;
export const SPAN_ID = 6;
export const PARENT_SPAN_ID = 7;
export const TRACE_STATE = 8;
export const STATUS_MESSAGE = 9;
export const SPAN_NAME = 10;
export const SPAN_KIND = 11;
export const STATUS_CODE = 12;
export const DURATION = 13;
export const DROPPED = 14;
export const EVENTS_DROPPED = 15;
export const LINKS_DROPPED = 16;
export const EVENT_ENDS = 17;
export const LINK_ENDS = 18;
export const EVENT_TIMES = 19;
export const EVENT_NAMES = 20;
export const EVENT_DROPPED = 21;
export const LINK_FLAGS = 22;
/** otel_logs */
export const LOG_TRACE_ID = 5;
export const LOG_SPAN_ID = 6;
export const OBSERVED = 7;
export const SEVERITY_TEXT = 8;
export const SEVERITY_NUMBER = 9;
export const EVENT_NAME = 10;
export const BODY = 11;
export const LOG_DROPPED = 12;
/** otel_metrics_gauge and otel_metrics_sum; the other kinds have the first two. */
export const START = 5;
export const EXEMPLAR_ENDS = 6;
export const EXEMPLAR_TIMES = 7;
export const VALUE = 8;

/** Dictionaries: of the jobs in all tables, then of the names of spans or events, then of what else there is. */
export const JOB_NAMES = 0;
export const NAMES = 1;
export const SEVERITIES = 2;
export const SPAN_EVENT_NAMES = 2;

/** Roles of keys, and what was found under one. */
export const ROLE_RUN_ID = 1;
export const ROLE_JOB_NAME = 2;
export const ROLE_CLIENT_ID = 3;
export const ROLE_SPAN_KIND = 4;
export const FOUND_EMPTY = 1;
export const FOUND_TEXT = 2;
export const FOUND_OTHER = 3;

export const MAX_ROW = 16777216;
export const LONGEST_NAME = 1024;
export const LONGEST_IDENTITY = 128;
