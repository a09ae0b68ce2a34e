/** Lists the subcommands and their options. */

import { Command } from 'commander';

const JSON_OPTION = ['--json', 'print data as JSON'] as const;

/** Builds the command; nothing runs before it is parsed. */
export function createProgram(): Command {
  const program = new Command('rollcall')
    .description('Every run, every client, accounted for.')
    .version('0.1.0')
    .showHelpAfterError('(rollcall --help lists the commands)')
    // Whoever calls it wrongly gets 2, as for everything else that can not be done.
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
    .option('--url <url>', 'a running service, instead of the one that holds the data folder')
    .option(
      '--data-dir <folder>',
      'data folder of the embedded engine (ROLLCALL_DATA_DIR, default .rollcall)',
    )
    .addHelpText(
      'after',
      `
Exit codes: 0 done, 1 the answer is no (a check failed, there is no such run), 2 it could not be done.
Settings come from ROLLCALL_* variables; docs/configuration.md lists them.`,
    );

  program
    .command('up')
    .description('start the service: OTLP in on port 4318, rows in ClickHouse')
    .option('--port <port>', 'port to listen on (ROLLCALL_PORT, default 4318)')
    .option('--host <address>', 'address to listen on (ROLLCALL_HOST, default 127.0.0.1)')
    .action(async (options, command: Command) => {
      const { up } = await import('./commands/up.ts');
      await up({ ...command.optsWithGlobals(), ...options });
    });

  program
    .command('demo')
    .description('run a real job on real data, and compare what Rollcall says with the file itself')
    .option('--once', 'end after the printout; exit code 0 only if the numbers agree')
    .option('--pace <ms>', 'pretend that each client takes this long', '10')
    .option('--port <port>', 'port of the service it starts when none runs')
    .action(async (options, command: Command) => {
      const { demo } = await import('./commands/demo.ts');
      await demo({ ...command.optsWithGlobals(), ...options });
    });

  program
    .command('runs')
    .description('list job runs, the newest first')
    .option('--job <name>', 'only this job')
    .option('--verdict <verdict>', 'only this verdict')
    .option('--project <name>', 'only this project')
    .option('--limit <n>', 'at most so many', '20')
    .option(...JSON_OPTION)
    .action(async (options, command: Command) => {
      const { runs } = await import('./commands/runs.ts');
      await runs({ ...command.optsWithGlobals(), ...options });
    });

  program
    .command('show')
    .description('show one job run: verdict, clients, metrics, failures')
    .argument('<run>', "a run ID, a client run ID, or 'latest'")
    .option('--project <name>', 'the project, where two have this run ID')
    .option(...JSON_OPTION)
    .action(async (run: string, options, command: Command) => {
      const { show } = await import('./commands/show.ts');
      await show(run, { ...command.optsWithGlobals(), ...options });
    });

  addAnswerCommands(program);

  program
    .command('import')
    .description('import the history of an old job table: CSV, JSON or NDJSON; safe to run twice')
    .argument('<file...>', 'exports of one old system: its job table, its client table, or both')
    .option('--map <file>', 'what columns and statuses mean, where their names do not tell (docs/import.md)')
    .option('--job <name>', 'the job of rows that name none')
    .option('--format <format>', 'csv, json or ndjson, where the name of the file does not tell')
    .option('--no-job-totals', 'leave out the sums of job rows: their clients are imported on their own')
    .option('--dry-run', 'read and report, and send nothing')
    .option(...JSON_OPTION)
    .action(async (files: string[], options, command: Command) => {
      const { importHistory } = await import('./commands/import.ts');
      await importHistory(files, { ...command.optsWithGlobals(), ...options });
    });

  program
    .command('schedules')
    .description('list when jobs are due, and which are late, missed, or running too long')
    .option('--job <name>', 'only this job')
    .option('--project <name>', 'only this project')
    .option('--all', 'also jobs without a schedule')
    .option(...JSON_OPTION)
    .action(async (options, command: Command) => {
      const { schedules } = await import('./commands/schedules.ts');
      await schedules({ ...command.optsWithGlobals(), ...options });
    });

  program
    .command('webhooks')
    .description('list who is told what deserves attention; with --test, tell them that this is a test')
    .option('--test [name]', 'send a test to all, or to one')
    .action(async (options, command: Command) => {
      const { webhooks } = await import('./commands/webhooks.ts');
      await webhooks({ ...command.optsWithGlobals(), ...options });
    });
  program
    .command('alerts')
    .description('list what deserves attention now: what failed, is lost, late, slow or unusual')
    .option('--job <name>', 'only this job')
    .option('--project <name>', 'only this project')
    .option(...JSON_OPTION)
    .action(async (options, command: Command) => {
      const { alerts } = await import('./commands/alerts.ts');
      await alerts({ ...command.optsWithGlobals(), ...options });
    });

  addExecCommand(program);

  program
    .command('flush')
    .description('send what programs on this machine kept because Rollcall was away')
    .option('--spool-dir <folder>', 'where they kept it (ROLLCALL_SPOOL_DIR)')
    .option('--other-keys', 'also what was kept for this service under another key')
    .addHelpText(
      'after',
      `
It sends to --url, else to OTEL_EXPORTER_OTLP_ENDPOINT, else to http://127.0.0.1:4318, with ROLLCALL_API_KEY.`,
    )
    .option(...JSON_OPTION)
    .action(async (options, command: Command) => {
      const { flush } = await import('./commands/flush.ts');
      await flush({ ...command.optsWithGlobals(), ...options });
    });

  program
    .command('verify')
    .description('recompute every rollup from raw rows and print the drift')
    .option(...JSON_OPTION)
    .action(async (options, command: Command) => {
      const { verify } = await import('./commands/verify.ts');
      await verify({ ...command.optsWithGlobals(), ...options });
    });

  program
    .command('sql')
    .description('ask the data in SQL, read-only')
    .argument('<statement>', "the statement; '-' reads it from standard input")
    .option(
      '--format <name>',
      'a ClickHouse output format (on a terminal PrettyCompact, else TabSeparatedWithNames)',
    )
    .option('--param <name=value>', 'a value for a {name:Type} placeholder; may be repeated', collect, [])
    .action(async (statement: string, options, command: Command) => {
      const { sql } = await import('./commands/sql.ts');
      await sql(statement, { ...command.optsWithGlobals(), ...options });
    });

  program
    .command('migrate')
    .description('bring the schema up to date (the service does this when it starts)')
    .option(...JSON_OPTION)
    .action(async (options, command: Command) => {
      const { migrate } = await import('./commands/migrate.ts');
      await migrate({ ...command.optsWithGlobals(), ...options });
    });

  addIdCommands(program);
  addKeyCommands(program);
  return program;
}

/** What broke, for whom, why, and what to run again. */
function addAnswerCommands(program: Command): void {
  program
    .command('failures')
    .description('list kinds of failure: trend, clients, first bad run, what is new today; or show one')
    .argument('[fingerprint]', 'one kind: its stack, clients and runs; the first 4 digits are enough')
    .option('--job <name>', 'only this job')
    .option('--client <id>', 'only this client')
    .option('--project <name>', 'only this project')
    .option('--since <time>', '24h, 7d, 2w, or a day of UTC (24h; 30d for one fingerprint)')
    .option('--limit <n>', 'at most so many', '20')
    .option('--exit-code', 'exit with 3 where there are failures')
    .option(...JSON_OPTION)
    .addHelpText(
      'after',
      `
Exit codes: 0 answered; 1 there is no such job, client or fingerprint; 2 it could not be done;
3 with --exit-code: there are failures.`,
    )
    .action(async (fingerprint: string | undefined, options, command: Command) => {
      const { failures } = await import('./commands/failures.ts');
      await failures(fingerprint, { ...command.optsWithGlobals(), ...options });
    });

  program
    .command('diff')
    .description('tell which clients and steps explain what changed between two runs')
    .argument(
      '<run>',
      "the earlier run; 'latest' and aliases work too. Alone: what changed since the run before it",
    )
    .argument('[other]', 'the later run')
    .option('--project <name>', 'the project, where two have this run ID')
    .option('--limit <n>', 'rows per table', '10')
    .option('--exit-code', 'exit with 3 where something changed')
    .option(...JSON_OPTION)
    .addHelpText(
      'after',
      `
Exit codes: 0 answered; 1 there is no such run; 2 it could not be done;
3 with --exit-code: something changed.`,
    )
    .action(async (run: string, other: string | undefined, options, command: Command) => {
      const { diff } = await import('./commands/diff.ts');
      await diff(run, other, { ...command.optsWithGlobals(), ...options });
    });

  program
    .command('rerun-list')
    .description('list the clients of a run that must run again, with attempt and idempotency key')
    .argument('<run>', "a run ID, an alias or 'latest'")
    .option('--format <format>', 'table, args (shell words), json, env (shell assignments)', 'table')
    .option('--project <name>', 'the project, where two have this run ID')
    .addHelpText(
      'after',
      `
Clients that failed, were lost, timed out, were cancelled or never started.
  rollcall rerun-list 261125-021500 --format args | xargs my-job --
  set -a; eval "$(rollcall rerun-list latest --format env)"; set +a; my-job

Exit codes: 0 there are some; 1 there is no such run; 2 it could not be done; 3 nothing to run again.`,
    )
    .action(async (run: string, options, command: Command) => {
      const { rerunList } = await import('./commands/rerun-list.ts');
      await rerunList(run, { ...command.optsWithGlobals(), ...options });
    });

  program
    .command('history')
    .description('list the runs of a job over time, and tell where something changed')
    .argument('<job>', 'the job')
    .option('--client <id>', 'this client of it')
    .option('--days <n>', 'how far back', '30')
    .option('--metric <name>', 'show this total')
    .option('--project <name>', 'only this project')
    .option('--limit <n>', 'show at most so many runs; changes are looked for in all', '40')
    .option(...JSON_OPTION)
    .addHelpText(
      'after',
      `
Exit codes: 0 answered; 1 there is no such job or client; 2 it could not be done.`,
    )
    .action(async (job: string, options, command: Command) => {
      const { history } = await import('./commands/history.ts');
      await history(job, { ...command.optsWithGlobals(), ...options });
    });
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

function addExecCommand(program: Command): void {
  program
    .command('exec')
    .description('run any program under a run, and exit as it exits')
    .usage('--job <name> [options] -- <command> [args...]')
    .argument('<command...>', "the program and its arguments, behind '--'")
    .option('--job <name>', 'name of the job (ROLLCALL_JOB_NAME inside another run: joins that run)')
    .option('--client <id>', 'run it for this client, as a client run')
    .option('--expect <file>', 'the clients to expect: one per line, or a JSON array')
    .option('--timeout <duration>', 'end an attempt after so long (90s, 30m, 1h30m): SIGTERM, then SIGKILL')
    .option('--grace <duration>', 'time between SIGTERM and SIGKILL', '10s')
    .option('--retries <n>', 'try again so often when it fails, as further attempts of the same run', '0')
    .option('--retry-delay <duration>', 'pause before the first retry; doubles each time, up to 5m', '1s')
    .option('--run-id <id>', 'the run ID, where it is already known')
    .option('--quiet-lines', "do not print the program's ::rollcall lines")
    .option(
      '--schedule <cron>',
      "when the job is due: a cron expression, or 'none'; late and missed runs then show",
    )
    .option('--tz <zone>', 'time zone of --schedule, such as Europe/Berlin (UTC)')
    .option('--every <duration>', 'instead of --schedule: the time from one start to the next')
    .option('--late-after <duration>', 'how long after it was due a start may come (5m)')
    .option('--max-runtime <duration>', 'show a run that takes longer as running too long; nothing stops it')
    .option('--no-capture', 'leave the terminal to the program: neither its lines nor its output are read')
    // As for timeout(1), env(1) and their like: the codes below belong to the program.
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 125))
    .addHelpText(
      'after',
      `
Exit codes: the program's own; 128+n when signal n killed it; 124 after --timeout; 127 there is no such
program; 126 it can not be executed; 125 rollcall exec itself was called wrongly.
Lines it prints that begin with ::rollcall report numbers and clients; docs/exec.md tells which.`,
    )
    .action(async (words: string[], options, command: Command) => {
      const { exec } = await import('./commands/exec.ts');
      await exec(words, { ...command.optsWithGlobals(), ...options });
    });
}

function addIdCommands(program: Command): void {
  const id = program.command('id').description('make, check and convert run IDs');
  id.command('new', { isDefault: true })
    .description('print a new run ID')
    .action(async () => {
      const { newId } = await import('./commands/id.ts');
      newId();
    });
  id.command('check')
    .description('exit with 0 if this is a run ID, with or without a client')
    .argument('<id>')
    .option(...JSON_OPTION)
    .action(async (value: string, options) => {
      const { checkId } = await import('./commands/id.ts');
      checkId(value, options);
    });
  id.command('convert')
    .description('convert legacy IDs to the standard form')
    .argument('<id...>')
    .option(...JSON_OPTION)
    .action(async (values: string[], options) => {
      const { convertIds } = await import('./commands/id.ts');
      convertIds(values, options);
    });
}

function addKeyCommands(program: Command): void {
  const keys = program.command('keys').description('make, list and remove API keys');
  keys
    .command('add')
    .description('make a key; it is shown once, and only its hash is stored')
    .requiredOption('--project <name>', 'project that the key belongs to')
    .option('--scopes <list>', 'ingest, read, admin', 'ingest,read')
    .option(...JSON_OPTION)
    .action(async (options, command: Command) => {
      const { addKey } = await import('./commands/keys.ts');
      await addKey({ ...command.optsWithGlobals(), ...options });
    });
  keys
    .command('list')
    .description('list the keys by their IDs')
    .option(...JSON_OPTION)
    .action(async (options, command: Command) => {
      const { listKeys } = await import('./commands/keys.ts');
      await listKeys({ ...command.optsWithGlobals(), ...options });
    });
  keys
    .command('remove')
    .description('remove a key')
    .argument('<id>')
    .action(async (id: string, options, command: Command) => {
      const { removeKey } = await import('./commands/keys.ts');
      await removeKey(id, { ...command.optsWithGlobals(), ...options });
    });
}
