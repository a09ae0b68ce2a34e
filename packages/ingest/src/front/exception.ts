/** Reports what went wrong as ClickHouse does: its code, its words, its HTTP status. */

/** The codes that the front itself gives: ClickHouse's src/Common/ErrorCodes.cpp. */
export const CODES = {
  BAD_ARGUMENTS: '36',
  SYNTAX_ERROR: '62',
  UNKNOWN_DATABASE: '81',
  UNKNOWN_SETTING: '115',
  READONLY: '164',
  TOO_MANY_SIMULTANEOUS_QUERIES: '202',
  QUERY_IS_TOO_LARGE: '229',
  ABORTED: '236',
  CANNOT_DECOMPRESS: '271',
  SUPPORT_IS_DISABLED: '344',
  INTO_OUTFILE_NOT_ALLOWED: '358',
  ACCESS_DENIED: '497',
  UNKNOWN_ROLE: '511',
  AUTHENTICATION_FAILED: '516',
  UNKNOWN_EXCEPTION: '1002',
} as const;

export type ExceptionType = keyof typeof CODES;

/** A refusal with the code that a server would give. */
export class FrontError extends Error {
  readonly code: string;
  readonly type: ExceptionType;

  constructor(type: ExceptionType, message: string) {
    super(message);
    this.code = CODES[type];
    this.type = type;
  }
}

export interface ReportedException {
  readonly code: string;
  readonly httpStatus: number;
  readonly text: string;
}

/** `error` is a FrontError, or a ClickHouseError with the engine's own code; anything else is not told to strangers. */
export function reportException(error: unknown, version: string): ReportedException {
  const { code, type, message } = isCoded(error)
    ? error
    : new FrontError('UNKNOWN_EXCEPTION', 'The service failed; its log says more.');
  const words = message.trim();
  return {
    code,
    httpStatus: statusOf(type),
    text: `Code: ${code}. DB::Exception: ${words}${words.endsWith('.') ? '' : '.'} (${type}) (version ${version})\n`,
  };
}

export function isCoded(error: unknown): error is { code: string; type: string; message: string } {
  const { code, type } = error as { code?: unknown; type?: unknown };
  return typeof code === 'string' && /^\d+$/.test(code) && typeof type === 'string';
}

/** ClickHouse's exceptionCodeToHTTPStatus(). */
function statusOf(type: string): number {
  for (const [status, types] of TYPES_BY_STATUS) if (types.has(type)) return status;
  return 500;
}

const TYPES_BY_STATUS: readonly (readonly [number, ReadonlySet<string>])[] = [
  [401, new Set(['REQUIRED_PASSWORD'])],
  [
    403,
    new Set([
      'UNKNOWN_USER',
      'WRONG_PASSWORD',
      'AUTHENTICATION_FAILED',
      'SET_NON_GRANTED_ROLE',
      'ACCESS_DENIED',
    ]),
  ],
  [
    400,
    new Set([
      'BAD_ARGUMENTS',
      'CANNOT_COMPILE_REGEXP',
      'CANNOT_PARSE_TEXT',
      'CANNOT_PARSE_ESCAPE_SEQUENCE',
      'CANNOT_PARSE_QUOTED_STRING',
      'CANNOT_PARSE_DATE',
      'CANNOT_PARSE_DATETIME',
      'CANNOT_PARSE_NUMBER',
      'CANNOT_PARSE_DOMAIN_VALUE_FROM_STRING',
      'CANNOT_PARSE_IPV4',
      'CANNOT_PARSE_IPV6',
      'CANNOT_PARSE_UUID',
      'CANNOT_PARSE_INPUT_ASSERTION_FAILED',
      'DUPLICATE_COLUMN',
      'ILLEGAL_COLUMN',
      'THERE_IS_NO_COLUMN',
      'UNKNOWN_ELEMENT_IN_AST',
      'UNKNOWN_TYPE_OF_AST_NODE',
      'TOO_DEEP_AST',
      'TOO_BIG_AST',
      'UNEXPECTED_AST_STRUCTURE',
      'SYNTAX_ERROR',
      'INCORRECT_DATA',
      'TYPE_MISMATCH',
      'VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE',
    ]),
  ],
  [
    404,
    new Set([
      'UNKNOWN_TABLE',
      'UNKNOWN_FUNCTION',
      'UNKNOWN_IDENTIFIER',
      'UNKNOWN_TYPE',
      'UNKNOWN_STORAGE',
      'UNKNOWN_DATABASE',
      'UNKNOWN_SETTING',
      'UNKNOWN_DIRECTION_OF_SORTING',
      'UNKNOWN_AGGREGATE_FUNCTION',
      'UNKNOWN_FORMAT',
      'UNKNOWN_DATABASE_ENGINE',
      'UNKNOWN_TYPE_OF_QUERY',
      'UNKNOWN_ROLE',
    ]),
  ],
  [408, new Set(['TIMEOUT_EXCEEDED'])],
  [411, new Set(['HTTP_LENGTH_REQUIRED'])],
  [413, new Set(['QUERY_IS_TOO_LARGE'])],
  [415, new Set(['UNSUPPORTED_MEDIA_TYPE'])],
  [501, new Set(['NOT_IMPLEMENTED'])],
  [503, new Set(['SOCKET_TIMEOUT', 'CANNOT_OPEN_FILE', 'CANNOT_SCHEDULE_TASK'])],
];
