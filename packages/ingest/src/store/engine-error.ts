/** Names what can go wrong when an engine is opened or asked. */

export type EngineErrorCode =
  | 'data_dir_in_use'
  | 'data_dir_unwritable'
  | 'no_data'
  | 'server_unreachable'
  | 'not_read_only'
  | 'busy'
  | 'engine_closed';

/** An expected trouble with the engine; `code` is stable, the message says what would work. */
export class EngineError extends Error {
  readonly code: EngineErrorCode;

  constructor(code: EngineErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'EngineError';
    this.code = code;
  }
}

/** A statement that a stranger may not run; `type` is what a ClickHouse server would call it. */
export class RefusedStatement extends EngineError {
  readonly type: 'READONLY' | 'ACCESS_DENIED' | 'INTO_OUTFILE_NOT_ALLOWED';

  constructor(type: RefusedStatement['type'], message: string, options?: ErrorOptions) {
    super('not_read_only', message, options);
    this.type = type;
  }
}
