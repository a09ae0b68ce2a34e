/** Nobody loads this. */
export function main() {}
