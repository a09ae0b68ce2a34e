/** The kernel: the innermost loops of the path from OTLP to ClickHouse's Native format, compiled to WebAssembly. */
export { checksum } from './checksum';
export { setSeed } from './dictionary';
export { jsonObjects, readJson } from './json';
export { walkLogs } from './logs';
export { walkNumberPoints } from './points';
export { walkSpans } from './spans';
export { passRecords } from './wire';
