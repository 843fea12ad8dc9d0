/** Where the parts of a chart lie: panels in rows, their legends, titles and margins. All in pixels. */
import type { Panel } from './panel.ts';
import { ENTRY, MARGIN, SMALL, widthOf } from './style.ts';

/** The size of a panel's drawing area, panels beside each other, and the chart's title. */
export interface LayoutOptions {
  readonly title?: string | undefined;
  readonly width: number;
  readonly height: number;
  readonly columns: number;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  /** The names in a legend on top, which panels that show the same ones share. None where panels have one each, nor for a single name. */
  readonly shared: readonly string[];
  /** The place of the legend inside a panel's head; 0 where there is none. */
  readonly legendHeight: number;
  /** The upper left corner of the drawing area of panel `i`. */
  place(i: number): { left: number; top: number };
}

/** The names in the legend of a panel. */
export function namesOf(panel: Panel): string[] {
  if (panel.kind === 'matrix') return [];
  if (panel.kind === 'bar') return panel.series.length === 1 ? [] : panel.series.map(s => s.name);
  return panel.series.filter(s => !s.muted && !s.shades).map(s => s.name);
}

export function layoutOf(panels: readonly Panel[], { title, width, height, columns }: LayoutOptions): Layout {
  const names = [...new Set(panels.flatMap(namesOf))];
  const across = Math.min(columns, panels.length);
  const down = Math.ceil(panels.length / across);
  const left = MARGIN.left + Math.max(0, ...panels.map(roomForCategories));
  const total = across * (left + width + MARGIN.right);
  const isAlone = names.length < 2;
  const isShared = panels.every(panel => namesOf(panel).length === names.length);
  const shared = isShared && !isAlone ? names : [];
  const rowsInside = isShared || isAlone ? 0 : Math.max(...panels.map(panel => legendRows(namesOf(panel), width)));
  const legendHeight = rowsInside * MARGIN.row;
  const top = (title ? 44 : 12) + legendRows(shared, total - 40) * 24;
  const head = (panels.some(panel => panel.title) ? MARGIN.head : 14) + legendHeight;
  return {
    width: total,
    height: top + down * (head + height + MARGIN.foot),
    shared,
    legendHeight,
    place: i => ({
      left: (i % across) * (left + width + MARGIN.right) + left,
      top: top + Math.floor(i / across) * (head + height + MARGIN.foot) + head,
    }),
  };
}

/** What long names of bars and rows need beside the usual margin. */
const roomForCategories = (panel: Panel): number =>
  'categories' in panel ? Math.max(...panel.categories.map(name => widthOf(name, SMALL))) - 40 : 0;

/** Rows that a legend of `names` takes in `room` pixels. */
function legendRows(names: readonly string[], room: number): number {
  let rows = Math.min(1, names.length);
  let used = 0;
  for (const name of names) {
    const wide = ENTRY.symbol + ENTRY.inside + widthOf(name, SMALL) + ENTRY.gap;
    if (used && used + wide > room) {
      rows++;
      used = 0;
    }
    used += wide;
  }
  return rows;
}
