/** How charts look: colours, dashes, letters, and the pixels around a panel. */

/** Okabe and Ito's colours, which colour-blind readers and grey printers keep apart; yellow left out as too faint. */
export const COLOURS = [
  '#0072b2',
  '#d55e00',
  '#009e73',
  '#cc79a7',
  '#56b4e9',
  '#e69f00',
  '#000000',
  '#7f5fc4',
  '#8c6d31',
  '#a3a3a3',
] as const;

/** The dashes of more than five series, so that lines on each other and grey prints can be told apart. */
export const DASHES = ['solid', [8, 4], [2, 3]] as const;

export const FONT = 'DejaVu Sans, Verdana, sans-serif';
export const INK = '#1a1a1a';
export const GRID = '#d9d9d9';
/** Contours and references. */
export const MUTED = '#b0b0b0';

/** What lies below the middle of signed values; above it is the first of the colours. */
export const NEGATIVE = COLOURS[1];

/** Colours of points in the order of time, each lighter than the one before: viridis (van der Walt & Smith 2015) without its yellow. */
export const TIMES = ['#440154', '#3b528b', '#21918c', '#5ec962', '#c8d93a'];

/** Letters of `size` pixels, for ECharts. */
export const letters = (size: number) => ({ fontFamily: FONT, color: INK, fontSize: size });

/** Advances of DejaVu Sans from the space to the tilde in hundredths of the size, each as the character whose code is 20 more. */
const ADVANCES = `4<BhTsb/;;Fh4846TTTTTTTTTT66hhhIxXYZaSNa_11VLj_cPcYSQ]XwYQY;6;hFFQSKSR7SS00N0uSQSS=H;SOfOOHT6Th`;

/** Pixels that a text of `size` pixels takes in FONT; a letter beyond ASCII counts as a digit does. */
export const widthOf = (text: string, size: number): number =>
  Array.from(text).reduce((sum, letter) => sum + (ADVANCES.charCodeAt(letter.charCodeAt(0) - 32) || 84) - 20, 0) * (size / 100);

/** Letters of names and numbers, pixels. */
export const SMALL = 12;

/** Pixels of an entry of a legend beside its name: its symbol, from there to the name, and on to the next entry. */
export const ENTRY = { symbol: 28, inside: 5, gap: 14 } as const;

/** Pixels around a panel, and of a row of its legend. */
export const MARGIN = { left: 84, right: 28, head: 40, foot: 62, row: 22 } as const;
