/** How help is laid out: to the width of the terminal, with examples at its end. */
import { Help, type HelpConfiguration } from 'commander';

/** Columns of a terminal that nobody knows, as where help goes into a pipe and COLUMNS is not set. */
const UNKNOWN = 80;

/** Columns that a description beside its term takes at least; with less room it stands below. */
const BESIDE = 40;

/** Of what stands before a description below its term. */
const INDENT = 6;

interface Terminal {
  readonly columns?: number | undefined;
}

/** The columns that help may take. A pager behind a pipe has those of the terminal that errors go to. */
export function helpWidth(out: Terminal = process.stdout, { COLUMNS } = process.env, err: Terminal = process.stderr): number {
  return [out.columns, Number(COLUMNS), err.columns].find(n => Number.isInteger(n) && n! > 0) ?? UNKNOWN;
}

export const layout: HelpConfiguration = {
  sortSubcommands: false,
  minWidthToWrap: 2 * INDENT,
  formatItem(term, termWidth, description, helper) {
    const width = helper.helpWidth!;
    const isBeside = width - termWidth - 4 >= BESIDE; // an indent of two before the term, two columns after it
    if (isBeside || !description) return Help.prototype.formatItem.call(helper, term, termWidth, description, helper);
    const below = ' '.repeat(INDENT);
    return `  ${term}\n${helper.boxWrap(description, width - INDENT).replace(/^/gm, below)}`;
  },
};

/** For `.addHelpText('after', …)`. */
export function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map(line => `  $ ${line}`).join('\n')}`;
}
