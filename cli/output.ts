/** What the user reads: results and progress on standard output, errors and notes on the user's standard error. */
import { writeSync } from 'node:fs';

/** The launcher keeps descriptor 2 for the noise of drivers and hands the user's standard error over under this number. */
const ERRORS = Number(process.env.DESCENT_STDERR_FD ?? 2);

/** What is in control characters and in marks that turn the direction of a line is shown, not done: names of files may hold them. */
export const escaped = (text: string, but: string): string =>
  text.replace(/[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu, c => (but.includes(c) ? c : `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`));

/** A line of results, or several. */
export function print(line: string): void {
  process.stdout.write(`${escaped(line, '\n\t')}\n`);
}

/** A line beside the results, on standard error. */
export function note(line: string): void {
  const bytes = Buffer.from(`${escaped(line, '\n\t')}\n`);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(ERRORS, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return; // nobody reads: there is no one left to tell
    }
  }
}

/**
 * A reader that closes the pipe early, as `head` does, ends the command without a word, and a full disk with one, but for one that trains:
 * that keeps what it has, as when its terminal is closed. A closed terminal itself is no error.
 */
export function endWithReader(): void {
  let isClosed = false;
  process.stdout.on('error', async (error: NodeJS.ErrnoException) => {
    if (error.code === 'EIO' || isClosed) return;
    isClosed = true;
    const hasReader = error.code !== 'EPIPE';
    if (hasReader) {
      const { fileError, isFull } = await import('../train/run/node/files.ts'); // help does without
      note(fileError('standard output', 'written', error, isFull(error) ? 'free some space' : 'send it elsewhere').message);
    }
    if (!process.emit('SIGHUP', 'SIGHUP')) process.exit(hasReader ? 1 : 0);
  });
}

/** `12,345`, or with three digits where that is less: `3.21`. */
export const count = (n: number): string =>
  n >= 100 || Number.isInteger(n) ? Math.round(n).toLocaleString('en-US') : String(Number(n.toPrecision(3)));

/** A number with as many digits as say something: `0.0312`, `12,345`, `3.1e-7`. */
export function figure(n: number): string {
  if (Number.isSafeInteger(n)) return count(n);
  const size = Math.abs(n);
  return size >= 1e6 || size < 1e-3 ? n.toExponential(2) : String(Number(n.toPrecision(3)));
}

export const percent = (share: number): string => `${(share * 100).toFixed(1)}%`;

/** `1:05`, `2:00:09`. */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  const two = (n: number) => String(n).padStart(2, '0');
  if (s < 3600) return `${Math.floor(s / 60)}:${two(s % 60)}`;
  return `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}

/** Characters that terminals give two columns: those that Unicode's East Asian Width calls wide or full, and pictures. */
const WIDE =
  /^(?:[\p{sc=Han}\p{sc=Hira}\p{sc=Hang}\p{sc=Bopo}\p{sc=Yi}\u3000-\u30ff\uff01-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}|\p{Extended_Pictographic}\ufe0f)/u;

/** The columns that a text takes in a terminal: accents join the letter before them. */
function widthOf(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of new Intl.Segmenter().segment(text)) width += WIDE.test(segment) ? 2 : 1;
  return width;
}

/** Rows as aligned columns, numbers to the right; the first row is the head. */
export function table(given: readonly (readonly string[])[]): string {
  const rows = given.map(cells => cells.map(cell => escaped(cell, '')));
  const widths = rows[0]!.map((_, k) => Math.max(...rows.map(r => widthOf(r[k]!))));
  const right = rows[0]!.map((_, k) => rows.slice(1).every(r => /^[\d.,%xe+-]*$/.test(r[k]!)));
  const aligned = (cell: string, k: number) => {
    const room = ' '.repeat(widths[k]! - widthOf(cell));
    return right[k] ? room + cell : cell + room;
  };
  return rows.map(cells => cells.map(aligned).join('  ').trimEnd()).join('\n');
}
