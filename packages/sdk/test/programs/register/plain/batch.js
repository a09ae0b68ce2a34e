/** A program that ends in several ways. */
import { fork } from 'node:child_process';

const [, , how] = process.argv;
console.log('working');
if (how === 'exit') process.exit(3);
if (how === 'done') process.exit(0);
if (how === 'throw') throw new RangeError('no leads');
if (how === 'code') process.exitCode = 4;
if (how === 'fork') fork(new URL(import.meta.url), ['late']);
if (how === 'late') setTimeout(() => console.log('done'), 20);
