/** `rollcall import`: the history of an old job table. */

import ora from 'ora';
import { importFiles, type Progress } from '../import/import-files.ts';
import { Mapping, readMappingFile } from '../import/mapping.ts';
import { drawReport } from '../import/print-report.ts';
import { openSource } from '../import/read-rows.ts';
import { Sender } from '../import/sender.ts';
import { UsageError } from '../print/failure.ts';
import { drawNumber } from '../print/numbers.ts';
import { loadConfig, type GlobalOptions } from '../reader/reader.ts';

export interface ImportCommandOptions extends GlobalOptions {
  readonly map?: string;
  readonly job?: string;
  readonly format?: string;
  readonly jobTotals: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** Exits with 0 where everything was taken, with 1 where something was refused. */
export async function importHistory(
  files: readonly string[],
  { map, job = '', format, jobTotals, dryRun = false, json = false, ...options }: ImportCommandOptions,
): Promise<void> {
  const sources = [];
  for (const file of files) sources.push(await openSource(file, format));
  const mapping = new Mapping(await readMappingFile(map));
  const sender = dryRun ? null : new Sender(await findReceiver(options));
  await sender?.check();

  const progress = startProgress();
  try {
    const report = await importFiles(sources, {
      reading: { mapping, job, nowMs: Date.now() },
      sender,
      jobTotals,
      onProgress: progress.show,
    });
    progress.stop();
    console.log(json ? JSON.stringify(report, null, 2) : drawReport(report));
    const { rows, values, refusedByService } = report;
    if (rows.refused + values.refused + refusedByService.length > 0) process.exitCode = 1;
  } finally {
    progress.stop();
  }
}

async function findReceiver(options: GlobalOptions): Promise<{ url: string; key: string | undefined }> {
  const key = process.env['ROLLCALL_API_KEY'];
  if (options.url !== undefined) return { url: options.url, key };
  const { findService } = await import('@rollcall/ingest');
  const { dataDir } = await loadConfig(options);
  const service = await findService(dataDir);
  if (service !== null) return { url: service.url, key: key ?? service.localKey };
  throw new UsageError(
    `No service runs on the data folder '${dataDir}'. Start one with 'rollcall up' in another terminal, or name one with --url. --dry-run needs none.`,
  );
}

const REDRAW_MS = 100;

/** Draws how far it is, where somebody watches. */
function startProgress(): { show: (progress: Progress) => void; stop: () => void } {
  if (!process.stderr.isTTY) return { show: () => undefined, stop: () => undefined };
  const spinner = ora({ stream: process.stderr, discardStdin: false }).start();
  let drawnMs = 0;
  return {
    show: ({ step, rows, total, refused }) => {
      if (performance.now() - drawnMs < REDRAW_MS) return;
      drawnMs = performance.now();
      const of = total === 0 ? '' : ` of ${drawNumber(total)}`;
      spinner.text = `${step}: ${drawNumber(rows)}${of} rows${refused === 0 ? '' : `, ${drawNumber(refused)} refused`}`;
    },
    stop: () => spinner.stop(),
  };
}
