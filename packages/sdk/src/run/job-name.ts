/** Makes of what a job was called a name that ingest takes. */
import { toIdentityText } from '@rollcall/semconv';

/** The name without spaces around it, printable and at most 128 characters long. */
export function nameOfJob(name: unknown): string {
  const text = typeof name === 'string' ? toIdentityText(name) : '';
  return text === '' ? 'unnamed_job' : text;
}
