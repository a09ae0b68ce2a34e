/** Preloaded into a service whose clock is to jump: at SIGUSR2 the file CHAOS_CLOCK_FILE says by how many milliseconds. */

import { readFileSync } from 'node:fs';

const RealDate = Date;
const realNow = Date.now.bind(Date);
let offsetMs = 0;

process.on('SIGUSR2', () => {
  offsetMs = Number(readFileSync(process.env['CHAOS_CLOCK_FILE'] ?? '', 'utf8'));
});

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args: [], newTarget) =>
    Reflect.construct(target, args.length === 0 ? [realNow() + offsetMs] : args, newTarget) as Date,
  get: (target, name, receiver) =>
    name === 'now' ? () => realNow() + offsetMs : (Reflect.get(target, name, receiver) as unknown),
});
