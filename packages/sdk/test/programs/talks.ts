/** Logs with console, pino and winston, in and out of a run; what is captured says the argument. */
/* oxlint-disable no-console -- that is what it is about */
import pino from 'pino';
import winston from 'winston';
import { captureWinston, job, logContext } from '@rollcall/sdk';

const captured = process.argv[2] === 'captured';
const log = pino({
  base: null,
  timestamp: false,
  redact: ['password'],
  ...(process.argv[3] === 'fields' ? { mixin: logContext } : {}),
});
const logger = winston.createLogger({
  level: 'info',
  format: winston.format.combine(winston.format.splat(), winston.format.json({ deterministic: true })),
  transports: [new winston.transports.Console()],
});
if (captured) captureWinston(logger);

console.log('before any run');
await job('talking', async (run) => {
  console.info('in %s run, %d client', 'the', 1);
  await run.client('acme', async (client) => {
    console.error(new RangeError('no such lead'));
    log.warn({ leads: 3, password: 'secret' }, 'few %s', 'leads');
    log.debug('not enabled');
    await client.step('score', async () => {
      console.table([{ lead: 4711 }]);
      log.error(new TypeError('pino error'), 'with its error');
      logger.info('winston says %s', 'hello', { posts: 7 });
      logger.debug('not enabled either');
      logger.child({ part: 'child' }).warn('from the child');
    });
  });
});
console.log('after the run');
