/** The shared vectors, each a fact of its own. */
import { expect, test } from 'vitest';
import vectors from '../../test/run-id-vectors.json' with { type: 'json' };
import { convertToStandardFormat } from './convert.ts';

test.each(vectors.standard)('the standard ID $input converts to itself', ({ input, ...expected }) => {
  expect(convertToStandardFormat(input)).toEqual({ status: 'converted', lossy: false, ...expected });
});

test.each(vectors.legacy)('the $form ID $input converts to $runId', ({ input, ...expected }) => {
  expect(convertToStandardFormat(input)).toMatchObject({ status: 'converted', ...expected });
});

test.each(vectors.refused)('$input is refused with a reason', ({ input }) => {
  expect(convertToStandardFormat(input)).toEqual({
    status: 'refused',
    reason: expect.stringMatching(/\w.*\.$/),
  });
});
