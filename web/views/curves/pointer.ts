/** What a chart tells of a place on x, to which one points by mouse, finger or keys. */
import type uPlot from 'uplot';
import { el } from '../dom.ts';
import type { Format } from './axes.ts';
import { heightAt, type Curve, type View } from './line.ts';
import { Tooltip, type Row } from './tooltip.ts';

/** A chart as it stands. */
export interface Drawn {
  readonly chart: uPlot;
  readonly curves: readonly Curve[];
  readonly view: View;
  readonly format: Format;
}

interface Value {
  readonly curve: Curve;
  readonly value: string;
  /** Pixels between it and the pointer. */
  readonly away: number;
}

/** Points that Page up and Page down pass over. */
const PAGE = 10;

export class Pointer {
  #parent: HTMLElement;
  #drawn: () => Drawn | undefined;
  #onZoom: ((zoom: View['zoom']) => void) | undefined;
  #tooltip: Tooltip;
  /** For screen readers, beside the chart: what is within one that is a picture they do not read. */
  #spoken = el('p', { class: 'spoken', 'aria-live': 'polite' });
  /** The place that was chosen by keys, which stays where it is while curves grow. */
  #at: number | undefined;
  /** What was shown before each step by which keys have zoomed in. */
  #before: View['zoom'][] = [];

  constructor(parent: HTMLElement, drawn: () => Drawn | undefined, onZoom?: (zoom: View['zoom']) => void) {
    this.#parent = parent;
    this.#drawn = drawn;
    this.#onZoom = onZoom;
    this.#tooltip = new Tooltip(parent);
    parent.after(this.#spoken);
    parent.addEventListener('pointermove', () => void (this.#at = undefined));
    parent.addEventListener('blur', () => this.#leave());
    // the page may still scroll to it when a key is pressed
    new IntersectionObserver(() => this.#at !== undefined && this.#show()).observe(parent);
  }

  /** Who comes by the Tab key is at the last point. */
  #enter(): void {
    if (this.#parent.matches(':focus-visible')) this.#go(this.#places().at(-1));
  }

  #leave(): void {
    this.#at = undefined;
    this.#spoken.textContent = '';
    this.#drawn()?.chart.setCursor({ left: -10, top: -10 });
  }

  /** All places on x that have a point, of what is shown. */
  #places(): number[] {
    const { curves = [], view } = this.#drawn() ?? {};
    const [from, to] = view?.zoom ?? [-Infinity, Infinity];
    const all = curves.filter(c => !c.faint).flatMap(c => c.points.map(([x]) => x));
    return [...new Set(all)].filter(x => x >= from && x <= to).sort((a, b) => a - b);
  }

  #go(at: number | undefined): void {
    this.#at = at;
    this.#show();
  }

  #press(event: KeyboardEvent): void {
    const drawn = this.#drawn();
    if (!drawn || event.ctrlKey || event.metaKey || event.altKey) return;
    const { left = -1 } = drawn.chart.cursor;
    const places = this.#places();
    const at = this.#at ?? (left < 0 ? places.at(-1)! : drawn.chart.posToVal(left, 'x'));
    const before = places.filter(x => x < at);
    const after = places.filter(x => x > at);
    const moves: Readonly<Record<string, number | undefined>> = {
      ArrowLeft: before.at(-1) ?? at,
      ArrowRight: after[0] ?? at,
      PageUp: before.at(-PAGE) ?? places[0],
      PageDown: after[PAGE - 1] ?? places.at(-1),
      Home: places[0],
      End: places.at(-1),
    };
    if (event.key in moves) {
      this.#go(moves[event.key]);
      this.#speak();
    } else if (!this.#zoom(event.key, drawn, at, places)) return;
    event.preventDefault();
  }

  /** Whether a key is one that zooms, or ends that; Escape ends what there is. */
  #zoom(key: string, { chart, view }: Drawn, at: number, places: readonly number[]): boolean {
    if (key === 'Escape' && !view.zoom) {
      this.#leave();
      return true;
    }
    const show = this.#onZoom;
    if (!show || !['+', '=', '-', '0', 'Escape'].includes(key)) return false;
    this.#at = at;
    if (!view.zoom) this.#before = [];
    if (key === '+' || key === '=') {
      const { min = 0, max = 1 } = chart.scales.x!;
      const [from, to] = [(at + min) / 2, (at + max) / 2];
      if (places.filter(x => x >= from && x <= to).length < 2) return true;
      this.#before.push(view.zoom);
      show([from, to]);
    } else if (view.zoom) show(key === '-' ? this.#before.pop() : undefined);
    this.#speak();
    return true;
  }

  /** Says what all curves are at the place that is pointed at, once `event`, if it is the focus or a key, has moved that. */
  tell(event?: Event): void {
    if (event instanceof KeyboardEvent) this.#press(event);
    else if (event instanceof FocusEvent) this.#enter();
    else this.#show();
  }

  #show(): void {
    const drawn = this.#drawn();
    if (drawn && this.#at !== undefined) {
      const { chart } = drawn;
      chart.setCursor({ left: chart.valToPos(this.#at, 'x'), top: chart.over.clientHeight / 2 }, false);
    }
    const { left = -1 } = drawn?.chart.cursor ?? {};
    if (!drawn || left < 0 || left > drawn.chart.over.clientWidth) {
      this.#tooltip.hide();
      return;
    }
    const { title, values } = this.#told(drawn);
    const { over } = drawn.chart;
    const keys = this.#at === undefined ? '' : this.#onZoom ? '← → values, + − zoom, 0 whole run' : '← → values';
    this.#tooltip.show(title, rowsOf(values), over.offsetLeft + left, over.offsetTop, keys);
  }

  /** The curves that have a height at the place that is pointed at, and that. */
  #told({ chart, curves, view, format }: Drawn): { title: string; values: Value[] } {
    const { left, top } = chart.cursor;
    const x = this.#at ?? chart.posToVal(left!, 'x');
    const values = curves
      .filter(c => !c.faint && c.points.length && x >= c.points[0]![0] && x <= c.points.at(-1)![0])
      .map(curve => {
        const y = heightAt(curve.points, x);
        return { curve, value: format(y), away: Math.abs(chart.valToPos(y, 'y') - top!) };
      });
    const at = view.across === 'epoch' ? x.toFixed(2) : view.across === 'seconds' ? x.toFixed(1) : Math.round(x);
    return { title: `${view.across ?? 'step'} ${at}`, values };
  }

  #speak(): void {
    const drawn = this.#drawn();
    if (!drawn) return;
    const { title, values } = this.#told(drawn);
    this.#spoken.textContent = [title, ...values.map(({ curve, value }) => `${curve.name} ${value}`)].join('; ');
  }
}

/** A line for each curve, or for both of what they are of. */
function rowsOf(values: readonly Value[]): Row[] {
  const rows = new Map<string, Row>();
  for (const { curve, value, away } of values) {
    const { name, of, colour, dashed } = curve;
    const before = of === undefined ? undefined : rows.get(of);
    const own = of !== undefined && dashed ? { held: value } : { value, dashed };
    rows.set(of ?? name, { ...before, ...own, name: of ?? name, colour, away: Math.min(away, before?.away ?? away) });
  }
  return [...rows.values()];
}
