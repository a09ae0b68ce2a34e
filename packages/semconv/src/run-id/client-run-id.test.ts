/** Facts about adding a client's suffix and taking it off. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isValidClientId } from './client-id.ts';
import { baseRunId, clientRunId, isValidClientRunId } from './client-run-id.ts';
import { generateRunId } from './job-run-id.ts';
import { parseRunId } from './parse-run-id.ts';

const anyRunId = fc
  .date({ min: new Date('2000-01-01'), max: new Date('2099-12-31'), noInvalidDate: true })
  .map(generateRunId);
const anyClientId = fc
  .oneof(
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: 'binary' }),
    fc.stringMatching(/^[-a'. ]{1,9}$/),
    anyRunId,
  )
  .filter(isValidClientId);

test('any client ID is found again behind any run ID', () => {
  fc.assert(
    fc.property(anyRunId, anyClientId, (runId, clientId) => {
      const id = clientRunId(runId, clientId);
      expect(parseRunId(id)).toMatchObject({ status: 'ok', runId, clientId });
      expect(baseRunId(id)).toBe(runId);
      expect(isValidClientRunId(id)).toBe(true);
    }),
  );
});

test('a suffix is added once, however often it is asked for', () => {
  fc.assert(
    fc.property(anyRunId, anyClientId, (runId, clientId) => {
      const id = clientRunId(runId, clientId);
      expect(clientRunId(id, clientId)).toBe(id);
      expect(clientRunId(baseRunId(id), clientId)).toBe(id);
    }),
  );
});

test('two clients never share a client run ID', () => {
  fc.assert(
    fc.property(anyRunId, anyClientId, anyClientId, (runId, one, other) => {
      fc.pre(one !== other);
      expect(clientRunId(runId, one)).not.toBe(clientRunId(runId, other));
      expect(() => clientRunId(clientRunId(runId, one), other)).toThrow(
        expect.objectContaining({ name: 'RunIdError', code: 'client_mismatch' }),
      );
    }),
  );
});

test('a client whose ID begins as another one does is another client', () => {
  for (const [one, other] of [
    ['a-b', 'a'],
    ['a', 'a-b'],
    ['a-a', 'a'],
    ['Acme', 'acme'],
  ] as const) {
    expect(() => clientRunId(`250930-123045-${one}`, other)).toThrow(
      `"250930-123045-${one}" belongs to the client "${one}", not "${other}"; start from the job run's ID, 250930-123045.`,
    );
  }
});

test('swapped arguments are named as such', () => {
  expect(() => clientRunId('Guy-Wilson', '250930-123045')).toThrow(
    expect.objectContaining({ code: 'invalid_run_id', message: expect.stringContaining('swapped') }),
  );
});

test('an object or a Promise becomes neither a run ID nor a client ID', () => {
  for (const [value, name] of [
    [{}, 'an object'],
    [Promise.resolve(), 'a Promise'],
    [undefined, 'undefined'],
  ] as const) {
    // @ts-expect-error no string
    expect(() => clientRunId(value, 'acme')).toThrow(
      expect.objectContaining({ code: 'invalid_run_id', message: expect.stringContaining(name) }),
    );
    // @ts-expect-error no string
    expect(() => clientRunId('250930-123045', value)).toThrow(
      expect.objectContaining({ code: 'invalid_client_id', message: expect.stringContaining(name) }),
    );
  }
});

test('the base of a job run ID is itself', () => {
  expect(baseRunId('250930-123045')).toBe('250930-123045');
});

test('the base of what is no run ID is an error', () => {
  expect(() => baseRunId('250230-120000-acme')).toThrow(expect.objectContaining({ code: 'invalid_run_id' }));
});

test('a job run ID, an empty suffix and a value that is no string are not client run IDs', () => {
  for (const value of ['250930-123045', '250930-123045-', '250230-120000-acme', null]) {
    expect(isValidClientRunId(value)).toBe(false);
  }
});
