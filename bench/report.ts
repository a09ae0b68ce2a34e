/** Puts the sections of the suites together into one report. */

export interface Suite {
  readonly name: string;
  readonly title: string;
  /** Runs the suite and returns its section in Markdown; `say` tells how far it is. */
  readonly run: (say: (line: string) => void) => Promise<string>;
}

const INTRODUCTION =
  '# Benchmarks\n\nWritten by `npm run bench`. Rates are medians of rounds in which the members of a pair take turns; ' +
  'ratios compare figures of one run on one machine, and mean more than the rates do.\n';

/** The report with the section of this suite replaced, or added. */
export function mergeSections(
  report: string,
  { name, title }: Pick<Suite, 'name' | 'title'>,
  section: string,
): string {
  const sections = new Map(
    Array.from(report.matchAll(/<!-- suite (\S+) -->\n([\s\S]*?)(?=<!-- suite |$)/g), ([, key, text]) => [
      key,
      text,
    ]),
  );
  sections.set(name, `\n## ${title}\n\n${section.trim()}\n\n`);
  return (
    INTRODUCTION +
    Array.from(sections, ([key, text]) => `\n<!-- suite ${key} -->\n${text}`)
      .join('')
      .replaceAll(/\n{3,}/g, '\n\n')
  );
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
