/** Sums in named scalars, stored in a loop. */
import { unroll } from './wgsl.ts';

interface Turns {
  /** Items whose sums are held, and in how many turns at most they are stored. */
  readonly items: number;
  readonly turns: number;
  /** WGSL: the first item of the tile, which is known when it runs alone, and the end of those that there are, where some may not be. */
  readonly first: string;
  readonly end?: string;
  /** The names of the sums of the tile's item i, of each item in the same order. */
  readonly sums: (i: number) => readonly string[];
  /** WGSL that stores the sums of the tile's item i as those of `item`. */
  readonly store: (i: number, item: string) => string;
}

/**
 * WGSL that stores the sums of a tile. On software adapters a store, and what an epilogue reads for it, is kilobytes of machine code, whose
 * compilation would last longer than that of the sums: it stands in the code for one turn, and the sums of the others take their places.
 */
export function storeInTurns({ items, turns: most, first, end, sums, store }: Turns): string {
  const turns = Array.from({ length: most }, (_, i) => most - i).find(n => items % n === 0)!;
  const each = items / turns;
  const stored = (item: string) =>
    unroll(each, i => {
      const one = store(i, `${item} + ${i}`);
      return end ? `\n      if (${item} + ${i} < ${end}) {${one}\n      }` : one;
    });
  if (turns === 1) return stored(first);
  const move = (i: number) => {
    const following = sums(i + each);
    return sums(i)
      .map((sum, at) => `${sum} = ${following[at]};`)
      .join(' ');
  };
  // How many turns there are is not known before it runs, else drivers would unroll them.
  return `
    for (var item = ${first}; item < ${end ? `min(${first} + ${items}, ${end})` : `${first} + ${items}`}; item += ${each}) {${stored('item')}
${unroll(items - each, i => `      ${move(i)}`)}
    }`;
}
