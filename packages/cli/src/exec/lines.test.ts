import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { LineFilter, LineSplitter, LONGEST_LINE_BYTES, type Line } from './lines.ts';

function split(chunks: readonly Uint8Array[]): Line[] {
  const lines: Line[] = [];
  const splitter = new LineSplitter((line) => lines.push(line));
  for (const chunk of chunks) splitter.push(Buffer.from(chunk));
  splitter.end();
  return lines;
}

function textsOf(text: string): string[] {
  return split([Buffer.from(text)]).map(({ bytes }) => bytes.toString());
}

/** Cuts bytes wherever the numbers say. */
function cut(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [
    0,
    ...cuts.map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b),
    bytes.length,
  ];
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}

const output = fc
  .array(
    fc.constantFrom('a', 'bc', '\n', '\r', '\r\n', '::rollcall', '::roll', '::rollcall note x\n', 'é', ' '),
  )
  .map((parts) => Buffer.from(parts.join('')));
const cuts = fc.array(fc.nat(500), { maxLength: 20 });

test('lines end at line feeds; the last may lack one', () => {
  expect(textsOf('a\nb\r\n\nc')).toEqual(['a', 'b', '', 'c']);
});

test('of a progress display the last state is kept', () => {
  expect(textsOf('10 %\r20 %\r100 %\nnext\r\r\n')).toEqual(['100 %', 'next']);
});

test('wherever the output is cut into chunks, the lines are the same', () => {
  fc.assert(
    fc.property(output, cuts, (bytes, places) => {
      expect(split(cut(bytes, places))).toEqual(split([bytes]));
    }),
  );
});

test('of a line without end only the beginning is held', () => {
  const chunk = Buffer.alloc(65_536, 'x');
  const [line] = split([...Array.from({ length: 100 }, () => chunk), Buffer.from('\n')]);

  expect(line?.bytes.length).toBe(LONGEST_LINE_BYTES);
  expect(line?.lostBytes).toBe(100 * chunk.length - LONGEST_LINE_BYTES);
});

function filter(chunks: readonly Buffer[]): string {
  const lines = new LineFilter('::rollcall');
  return Buffer.concat([...chunks.map((chunk) => lines.push(chunk)), lines.end()]).toString();
}

test('the filter takes out the lines with the prefix and nothing else, wherever the output is cut', () => {
  fc.assert(
    fc.property(output, cuts, (bytes, places) => {
      const expected = bytes
        .toString()
        .replaceAll(/^::rollcall[^\n]*(\n|(?![\s\S]))/gm, (match, _end, at: number) =>
          at === 0 || bytes.toString()[at - 1] === '\n' ? '' : match,
        );

      expect(filter(cut(bytes, places))).toBe(expected);
    }),
  );
});
