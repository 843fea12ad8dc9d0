/** What the user sees while data sets are fetched or decoded. */
import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import type { FetchOptions } from './fetch.ts';

const mb = (bytes: number) => (bytes / 1e6).toFixed(1);

/**
 * Shows downloads on standard error: one line that is overwritten on a terminal, else one plain line a file. bin/launch.mjs moves standard
 * error to another descriptor to keep the noise of GPU drivers apart, and says so in DESCENT_STDERR_FD.
 */
export function reporter(): Required<Pick<FetchOptions, 'onProgress' | 'onNote'>> {
  const fd = Number(process.env.DESCENT_STDERR_FD ?? 2);
  const terminal = isatty(fd);
  let shown = '';
  let last = 0;
  const write = (text: string) => {
    try {
      writeSync(fd, text);
    } catch {
      /* a closed or full pipe is no reason to stop */
    }
  };
  return {
    onProgress(file, bytes, total) {
      const done = bytes === total;
      if (terminal && (performance.now() - last > 100 || done)) {
        last = performance.now();
        const share = total ? ` of ${mb(total)} MB, ${Math.floor((bytes / total) * 100)} %` : ' MB';
        write(`\r\x1b[K  ${file}  ${mb(bytes)}${share}${done ? '\r\x1b[K' : ''}`);
      } else if (!terminal && shown !== file) write(`fetching ${file}${total ? ` (${mb(total)} MB)` : ''}\n`);
      shown = file;
    },
    onNote(line) {
      write(`${terminal ? '\r\x1b[K' : ''}${line}\n`);
    },
  };
}
