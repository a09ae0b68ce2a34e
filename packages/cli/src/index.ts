/** The command, for programs that want to embed it. */
export { createProgram } from './program.ts';
