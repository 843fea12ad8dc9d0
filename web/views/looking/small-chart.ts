/** A small chart among others: a few curves on common axes, drawn once. */
import { el } from '../dom.ts';
import { svg } from '../svg.ts';
import './small-chart.css';

type Points = readonly (readonly [x: number, y: number])[];

interface SmallChart {
  readonly title: string;
  /** Read out in place of the picture. */
  readonly label: string;
  /** The muted ones behind the others. */
  readonly curves: readonly { readonly points: Points; readonly kind: 'muted' | 'main' | 'other' }[];
  readonly x: readonly [from: number, to: number];
  readonly y: readonly [from: number, to: number];
  /** Whether x is on a logarithmic scale. */
  readonly log?: boolean;
  /** Where a line stands, and the word at it. */
  readonly mark?: { readonly x: number; readonly text: string } | undefined;
  /** What stands at the ends of the axes. */
  readonly ends: { readonly left: string; readonly right: string; readonly top: string };
}

const [WIDTH, HEIGHT] = [220, 110];
const [LEFT, RIGHT, TOP, BOTTOM] = [4, 4, 18, 18];

export function smallChart({ title, label, curves, x, y, log, mark, ends }: SmallChart): HTMLElement {
  const scale = log ? Math.log : (v: number) => v;
  const [from, to] = x.map(scale) as [number, number];
  const across = (v: number) => LEFT + ((scale(v) - from) / (to - from || 1)) * (WIDTH - LEFT - RIGHT);
  const up = (v: number) => TOP + (1 - (Math.min(y[1], Math.max(y[0], v)) - y[0]) / (y[1] - y[0] || 1)) * (HEIGHT - TOP - BOTTOM);
  const path = (points: Points) => points.map(([a, b], i) => `${i ? 'L' : 'M'}${across(a).toFixed(1)} ${up(b).toFixed(1)}`).join('');
  const anchorAt = (at: number) => (at < WIDTH / 4 ? 'start' : at > (3 * WIDTH) / 4 ? 'end' : 'middle');
  const word = (at: number, down: number, text: string, anchor = 'start') => svg('text', { x: at, y: down, 'text-anchor': anchor }, text);
  return el(
    'figure',
    { class: 'small-chart' },
    el('figcaption', { textContent: title }),
    svg(
      'svg',
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': label },
      svg('path', { class: 'axis', d: `M${LEFT} ${HEIGHT - BOTTOM}H${WIDTH - RIGHT}` }),
      ...curves.map(({ points, kind }) => svg('path', { class: kind, d: path(points) })),
      mark && svg('path', { class: 'end', d: `M${across(mark.x)} ${TOP}V${HEIGHT - BOTTOM}` }),
      mark && word(across(mark.x), TOP - 5, mark.text, anchorAt(across(mark.x))),
      word(LEFT, mark ? TOP + 12 : 13, ends.top),
      word(LEFT, HEIGHT - 4, ends.left),
      word(WIDTH - RIGHT, HEIGHT - 4, ends.right, 'end'),
    ),
  );
}
