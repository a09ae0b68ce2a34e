/** Answers the front's clients from the embedded engine: they only read, within limits, and what is theirs. */

import type { Answer } from '../store/embedded-connection.ts';
import type { Engine } from '../store/engine.ts';
import { EngineError, RefusedStatement } from '../store/engine-error.ts';
import type { Guests } from '../store/guests.ts';
import type { Account } from './accounts.ts';
import { describeEngine } from './describe-engine.ts';
import { FrontError } from './exception.ts';
import type { Respondent } from './front.ts';
import { acceptSettings } from './guest-settings.ts';
import { readStatement, type Credentials, type Question } from './question.ts';

const STATEMENT_MAX_BYTES = 1024 ** 2;
const PARAMETERS_MAX_BYTES = 2 * 1024 ** 2;

export interface ReadOnlyOptions {
  readonly engine: Engine;
  readonly guests: Guests;
  readonly accountOf: (credentials: Credentials) => Account | null;
}

export async function createReadOnlyRespondent({
  engine,
  guests,
  accountOf,
}: ReadOnlyOptions): Promise<Respondent> {
  const known = new Set(
    (await engine.rows<{ name: string }>('SELECT name FROM system.settings')).map(({ name }) => name),
  );
  return { ...(await describeEngine((sql) => engine.rows(sql))), answer };

  async function answer(question: Question): Promise<Answer> {
    const { credentials, parameters, settings, defaultFormat: format, signal } = question;
    const account = accountOf(credentials);
    if (account === null) {
      throw new FrontError(
        'AUTHENTICATION_FAILED',
        `${credentials.user}: Authentication failed: password is incorrect, or there is no user with such name.`,
      );
    }
    const database = databaseFor(question, account, engine.database);
    const accepted = acceptSettings(settings, known);
    if (JSON.stringify(parameters).length > PARAMETERS_MAX_BYTES) {
      throw new FrontError(
        'QUERY_IS_TOO_LARGE',
        `Parameters have at most ${PARAMETERS_MAX_BYTES} bytes together here.`,
      );
    }
    const sql = await readStatement(question, STATEMENT_MAX_BYTES);
    if (sql.trim() === '') throw new FrontError('SYNTAX_ERROR', 'Syntax error: Empty query.');
    try {
      return await guests.answer(sql, {
        format,
        parameters,
        settings: accepted,
        database,
        project: account.project,
        signal,
      });
    } catch (error) {
      throw inServerWords(error);
    }
  }
}

/** A client that names none is in `default` on a server; here it is in ours, so that names need no prefix. */
function databaseFor({ database = 'default' }: Question, account: Account, ours: string): string {
  if (database === 'default' || database === ours) return ours;
  if (!/^(system|information_schema)$/i.test(database)) {
    throw new FrontError('UNKNOWN_DATABASE', `Database ${database} does not exist.`);
  }
  if (account.project === undefined) return database;
  throw new FrontError(
    'ACCESS_DENIED',
    `Not enough privileges: a project's user is in database ${ours}, not in ${database}.`,
  );
}

function inServerWords(error: unknown): unknown {
  if (error instanceof RefusedStatement) return new FrontError(error.type, error.message);
  if (error instanceof EngineError && error.code === 'busy')
    return new FrontError('TOO_MANY_SIMULTANEOUS_QUERIES', error.message);
  if (error instanceof EngineError) return new FrontError('ABORTED', 'The service is stopping.');
  return error;
}
