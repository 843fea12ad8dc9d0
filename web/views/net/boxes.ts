/** Boxes of a net and the lines between them, as elements of an SVG. */
import { counted } from '../../../engine/counted.ts';
import type { LayerStats } from '../../../train/study/layer-stats.ts';
import { LOOKED_AT } from '../../worker/protocol.ts';
import { svg } from '../svg.ts';
import { TITLE, type Link, type Placed } from './layout.ts';
import { sumOf, type NetNode } from './tree.ts';

const text = (x: number, y: number, said: string, size: number, fill = 'var(--soft)', weight?: number) =>
  svg('text', { x, y, 'font-size': size, fill, 'font-weight': weight }, said);

/** Pixels of a box, and of what is added while its net is there. */
export const HEIGHT = 72;
export const LIVE = 54;

const kilo = (n: number, units: readonly string[], base: number): string => {
  const at = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log(Math.max(1, n)) / Math.log(base))));
  const scaled = n / base ** at;
  return `${at > 0 && scaled < 100 ? scaled.toPrecision(3) : Math.round(scaled)} ${units[at]}`;
};
const flopsOf = (n: number): string => kilo(n, ['FLOPs', 'kFLOPs', 'MFLOPs', 'GFLOPs'], 1000);
const bytesOf = (n: number): string => kilo(n, ['B', 'KiB', 'MiB', 'GiB'], 1024);
const shapeOf = (shape: readonly number[]): string => shape.join('×') || 'no output';

/** What a node learns and costs, in words. */
export function factsOf(node: Pick<NetNode, 'children' | 'layers'>): { shape: string; parameters: string; cost: string } {
  const { shape, parameters, flops, bytes } = sumOf(node);
  const inside = node.children.length ? ` · ${counted(node.layers.length, 'layer')}` : '';
  return {
    shape: `${shapeOf(shape)}${inside}`,
    parameters: counted(parameters, 'parameter'),
    cost: `${flopsOf(flops)} · ${bytesOf(bytes)}`,
  };
}

/** One of those that a net's layers show while it trains: as a group, and as a share of its bar. */
interface Measure {
  readonly sign: string;
  readonly name: string;
  of(stats: readonly LayerStats[]): number | undefined;
  share(value: number): number;
  text(value: number): string;
}

const found = (stats: readonly LayerStats[], of: (s: LayerStats) => number | undefined) => stats.flatMap(s => of(s) ?? []);
const largest = (values: readonly number[]) => (values.length ? Math.max(...values) : undefined);
const rootMeanSquare = (values: readonly number[]) =>
  values.length ? Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length) : undefined;
/** Where a value lies between two powers of ten. */
const decades = (low: number, high: number) => (v: number) => (v > 0 ? (Math.log10(v) - low) / (high - low) : 0);
const short = (v: number): string => (v !== 0 && Math.abs(v) < 1e-2 ? v.toExponential(0) : v.toPrecision(2));
const percent = (v: number): string => `${Math.round(100 * v)} %`;

/** Of a group the activations of its output, the largest share of zeros, and the root mean square of the rest. */
const MEASURES: readonly Measure[] = [
  { sign: 'σ', name: 'deviation', of: s => found(s, l => l.std).at(-1), share: decades(-3, 2), text: short },
  { sign: 'zeros', name: 'zeros', of: s => largest(found(s, l => l.zeros)), share: v => v, text: percent },
  { sign: '∇', name: 'gradient', of: s => rootMeanSquare(found(s, l => l.gradient)), share: decades(-8, 1), text: short },
  { sign: 'Δ', name: 'update', of: s => rootMeanSquare(found(s, l => l.update)), share: decades(-8, 0), text: short },
];

/** More than half of the units of a layer are 0 for all images. */
const isDead = (stats: readonly LayerStats[]): boolean => (largest(found(stats, l => l.dead)) ?? 0) > 0.5;

/** What is alive in a node, in words. */
export function livingOf(stats: readonly LayerStats[]): string {
  const mean = found(stats, l => l.mean).at(-1);
  const dead = largest(found(stats, l => l.dead));
  const said = MEASURES.flatMap(({ name, of, text }) => {
    const value = of(stats);
    return value === undefined ? [] : `${name} ${text(value)}`;
  });
  return [mean !== undefined && `mean ${short(mean)}`, ...said, dead ? `dead units ${percent(dead)}` : false].filter(Boolean).join(', ');
}

/** The bars of a box `w` wide. */
export function liveBars(stats: readonly LayerStats[], w: number): SVGElement[] {
  const width = (w - 30) / 2;
  return MEASURES.flatMap(({ sign, of, share, text: written }, i) => {
    const value = of(stats);
    if (value === undefined) return [];
    const [x, y] = [10 + (i % 2) * (width + 10), HEIGHT + 6 + Math.floor(i / 2) * 23];
    const isBad = sign === 'zeros' && isDead(stats);
    const long = width * Math.min(1, Math.max(0, share(value)));
    return [
      text(x, y + 4, `${sign} ${written(value)}`, 10.5, isBad ? 'var(--bad)' : 'var(--soft)'),
      svg('rect', { x, y: y + 8, width, height: 4, rx: 2, fill: 'var(--line)' }),
      svg('rect', { x, y: y + 8, width: long, height: 4, rx: 2, fill: isBad ? 'var(--bad)' : 'var(--accent)' }),
    ];
  });
}

/** The signs before each bar, what they mean. */
export const SIGNS =
  'While its net is there each box shows σ, the deviation of its activations; the share of zeros (red where more than half of the units ' +
  `are 0 for all of ${LOOKED_AT} test images); ∇, the root mean square of its gradient; Δ, how far its weights went a step since the last look, as ` +
  'a share of their own. All but the zeros by logarithm.';

export interface Box {
  /** What is pressed, and has the focus. */
  readonly element: SVGGElement;
  /** What is written in it, beside it for those who see: its name for others says the same. */
  readonly words: SVGGElement;
  /** Of the words those that change. */
  readonly live: SVGGElement;
}

/** A box or a frame; `share` is that of all parameters. */
export function boxOf({ node, x, y, w, h, isOpen }: Placed, share: number): Box {
  const { shape, parameters, cost } = factsOf(node);
  const isGroup = node.children.length > 0;
  const transform = `translate(${x} ${y})`;
  const live = svg('g');
  const words = svg('g', { transform, 'pointer-events': 'none', 'aria-hidden': 'true' });
  const element = svg(
    'g',
    { class: 'box', transform, 'data-key': node.key },
    svg('rect', {
      class: 'edge',
      width: w,
      height: h,
      rx: 9,
      fill: isOpen ? 'none' : 'var(--card)',
      stroke: isGroup ? 'var(--accent)' : 'var(--edge)',
      'stroke-dasharray': isOpen ? '4 4' : undefined,
    }),
  );
  const name = `${isGroup ? (isOpen ? '▾ ' : '▸ ') : ''}${node.label}`;
  if (isOpen) {
    const room = Math.floor((w - 40) / 6.2) - node.label.length;
    const facts = [shape, parameters, cost].reduce(
      (all, next) => (all.length + next.length + 3 > room ? all : [all, next].filter(Boolean).join(' · ')),
      '',
    );
    const title = svg('text', { x: 12, y: 22, 'font-size': 13, fill: 'var(--ink)', 'font-weight': 600 }, name);
    title.append(svg('tspan', { 'font-size': 11, 'font-weight': 400, fill: 'var(--soft)', dx: 8 }, facts));
    element.append(svg('rect', { width: w, height: TITLE, fill: 'transparent' }));
    words.append(title);
  } else {
    words.append(
      svg('rect', { x: 10, y: HEIGHT - 6, width: w - 20, height: 2, fill: 'var(--line)' }),
      svg('rect', { x: 10, y: HEIGHT - 6, width: (w - 20) * share, height: 2, fill: 'var(--soft)' }),
      text(10, 18, name.length > 20 ? `${name.slice(0, 19)}…` : name, 13, 'var(--ink)', 600),
      text(10, 33, shape, 11, 'var(--ink)'),
      text(10, 47, parameters, 11),
      text(10, 60, cost, 11),
      live,
    );
  }
  return { element, words, live };
}

/** Pixels from a box to a line that goes along it. */
const BESIDE = 8;

/**
 * A line from what gives values to what takes them. To the next box it is straight, or goes down to the next row; to where branches join it
 * goes down at the right of them; the input of a frame comes along its left, and from above to boxes in the middle of a row.
 */
export function lineOf({ from, to, kind }: Link): SVGPathElement {
  const middle = to.x + to.w / 2;
  const [left, right] = [from.x + BESIDE, from.x + from.w + (to.w > from.w ? 0 : BESIDE - 2)];
  const isFirst = to.x < from.x + 3 * BESIDE;
  const isBeside = Math.abs(from.y - to.y) < 1;
  const ways: Record<Link['kind'], string> = {
    next: isBeside
      ? `M${from.x + from.w} ${to.y + 20}H${to.x - 1}`
      : `M${from.x + from.w / 2} ${from.y + from.h}V${to.y - BESIDE}H${middle}V${to.y - 1}`,
    join: `M${from.x + from.w} ${from.y + 34}H${right}V${to.y + 34}H${to.x + to.w + 1}`,
    input: `M${left} ${from.y + TITLE - 4}V${isFirst ? `${to.y + 20}H${to.x - 1}` : `${to.y - 6}H${middle}V${to.y - 1}`}`,
  };
  const d = ways[kind];
  return svg('path', { d, fill: 'none', stroke: 'var(--edge)', 'stroke-width': 1.4, 'marker-end': 'url(#net-arrow)' });
}

/** The head of the lines. */
export const arrow = (): SVGDefsElement =>
  svg(
    'defs',
    {},
    svg(
      'marker',
      { id: 'net-arrow', viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: 'auto' },
      svg('path', { d: 'M0 0L8 4L0 8z', fill: 'var(--edge)' }),
    ),
  );
