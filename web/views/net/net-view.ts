/** The net drawn: its layers as boxes before there is a run, alive while there is one, and each to be opened. */
import type { ModelInput } from '../../../models/model.ts';
import type { LayerStats } from '../../../train/study/layer-stats.ts';
import { layerSizes } from '../../../train/study/layer-sizes.ts';
import { inPageWords } from '../../words.ts';
import { button, count, el, save, told } from '../dom.ts';
import { isSeen, type Panel } from '../panel.ts';
import type { Run } from '../runs.ts';
import { svg } from '../svg.ts';
import { arrow, boxOf, type Box, factsOf, HEIGHT, lineOf, LIVE, liveBars, livingOf, SIGNS } from './boxes.ts';
import { layoutOf, type Placed } from './layout.ts';
import { openAtFirst, sumOf, treeOf, type NetNode } from './tree.ts';
import type { TensorPanel } from './tensor-panel.ts';
import './net.css';

/** What is drawn: a model for its input, and whether there is a net of it to look into. */
export interface Plan {
  readonly model: string;
  readonly input: ModelInput;
  readonly isAlive: boolean;
  /** Or of points and numbers, which are not looked at while it trains. */
  readonly ofImages: boolean;
}

export class NetView {
  #panel: Panel;
  #sum = el('p', { class: 'hint' });
  #drawing = svg('svg', { role: 'tree', 'aria-label': 'Layers of the net', class: 'net' });
  #holder = el('div', { class: 'net-holder' }, this.#drawing);
  /** The layer that is opened; loaded when one is. */
  #tensor: TensorPanel | undefined;
  #opened = el('div');
  #plan: Plan | undefined;
  #said = '';
  #nodes: readonly NetNode[] = [];
  #open = new Set<string>();
  #placed: readonly Placed[] = [];
  #elements = new Map<string, Box>();
  /** The key of the box that Tab comes to. */
  #current = '';
  #stats: ReadonlyMap<string, LayerStats> = new Map();
  #run: Run | undefined;
  #width = 0;
  #saved = button('Save as SVG', () => this.#save());
  #signs = el('p', { class: 'hint', textContent: SIGNS });
  #look: () => void;

  /** Fills `panel`; `look` is called where something else is to be looked at. */
  constructor(panel: Panel, look: () => void) {
    this.#panel = panel;
    this.#look = look;
    panel.body.replaceChildren(el('div', { class: 'row head' }, this.#sum, this.#saved), this.#holder, this.#signs, this.#opened);
    this.#drawing.addEventListener('click', event => this.#press((event.target as Element).closest<SVGGElement>('.box')?.dataset.key));
    this.#drawing.addEventListener('keydown', event => this.#key(event));
    this.#drawing.addEventListener('focusin', event => {
      const key = (event.target as Element).closest<SVGGElement>('.box')?.dataset.key;
      if (key !== undefined) this.#rove(key);
    });
    new ResizeObserver(() => {
      if (this.#room() !== this.#width) this.#draw();
    }).observe(this.#holder);
  }

  /** Draws a net, unless it is the one that is drawn. `why` says why there is none. */
  show(plan: Plan | undefined, why: string): void {
    const said = plan ? JSON.stringify(plan) : why;
    if (said === this.#said) return;
    const isSame = plan && this.#plan?.model === plan.model && JSON.stringify(this.#plan.input) === JSON.stringify(plan.input);
    this.#said = said;
    this.#plan = plan;
    this.#stats = new Map();
    if (!isSame) {
      this.#tensor?.close();
      this.#nodes = [];
      this.#sum.textContent = why;
      try {
        if (plan) this.#nodes = treeOf(layerSizes(plan.model, plan.input));
      } catch (error) {
        this.#sum.textContent = inPageWords(error as Error);
      }
      this.#open = openAtFirst(this.#nodes);
      this.#current = this.#nodes[0]?.key ?? '';
    }
    this.#draw();
  }

  /** Looks into the run's net, where it is seen. */
  async fill(run: Run, isShown: () => boolean): Promise<void> {
    const hasFocus = this.#panel.box.contains(document.activeElement); // answers that appear above it may have moved it away
    if (!isShown() || !(hasFocus || isSeen(this.#panel))) return;
    this.#run = run;
    const found = await run.engine.call('layers');
    if (!isShown()) return;
    this.#stats = new Map(found.map(l => [l.name, l]));
    this.#enliven();
    await this.#tensor?.fill(run, isShown);
  }

  /** Whole pixels: of a fraction that is rounded up the edge of the last box would be cut off. */
  #room(): number {
    return Math.floor(this.#holder.getBoundingClientRect().width);
  }

  #draw(): void {
    const isEmpty = this.#nodes.length === 0;
    for (const part of [this.#holder, this.#saved]) part.hidden = isEmpty;
    this.#signs.hidden = isEmpty || !this.#plan?.ofImages;
    this.#width = this.#room();
    if (this.#width === 0 || !this.#plan) {
      this.#drawing.replaceChildren();
      return;
    }
    const had = this.#drawing.contains(document.activeElement);
    const { placed, links, height } = layoutOf(this.#nodes, this.#open, this.#width - 2, HEIGHT + (this.#plan.isAlive ? LIVE : 0));
    this.#placed = placed;
    if (!placed.some(p => p.node.key === this.#current)) this.#current = placed[0]!.node.key;
    const layers = this.#nodes.flatMap(n => n.layers);
    const all = sumOf({ layers });
    this.#elements = new Map(placed.map(p => [p.node.key, boxOf(p, sumOf(p.node).parameters / Math.max(1, all.parameters))]));
    for (const [name, value] of Object.entries({ width: this.#width, height: height + 2, viewBox: `-1 -1 ${this.#width} ${height + 2}` }))
      this.#drawing.setAttribute(name, String(value));
    const whole = factsOf({ children: [], layers });
    const { model, input, ofImages } = this.#plan;
    const [one, ...more] = input.shape;
    const given = ofImages ? `images of ${input.shape.join('×')}` : `${count(more.reduce((n, size) => n * size, one!))} numbers`;
    this.#sum.textContent = `${model} for ${given}: ${whole.parameters}, ${whole.cost}. FLOPs count a multiply-add as two.`;
    const lines = svg('g', { 'aria-hidden': 'true' }, ...links.map(lineOf));
    const boxes = placed.map(p => this.#elements.get(p.node.key)!.element);
    for (const [i, { level, index, of, isOpen, node }] of placed.entries()) {
      const said = {
        role: 'treeitem',
        tabindex: node.key === this.#current ? 0 : -1,
        'aria-level': level,
        'aria-posinset': index,
        'aria-setsize': of,
        'aria-selected': String(node.path === this.#tensor?.name),
        ...(node.children.length && { 'aria-expanded': String(isOpen) }),
      };
      for (const [name, value] of Object.entries(said)) boxes[i]!.setAttribute(name, String(value));
    }
    this.#drawing.replaceChildren(arrow(), lines, ...boxes, ...Array.from(this.#elements.values(), b => b.words));
    this.#enliven();
    if (had) this.#elements.get(this.#current)!.element.focus();
  }

  /** Fills bars and names by what was last seen, in the boxes that are there. */
  #enliven(): void {
    for (const { node, isOpen, w } of this.#placed) {
      const { element, live } = this.#elements.get(node.key)!;
      const stats = node.layers.flatMap(l => this.#stats.get(l.name) ?? []);
      if (!isOpen) live.replaceChildren(...liveBars(stats, w));
      const { shape, parameters, cost } = factsOf(node);
      element.setAttribute('aria-label', [node.label, shape, parameters, cost, livingOf(stats)].filter(Boolean).join(', '));
    }
  }

  #press(key: string | undefined): void {
    const node = this.#placed.find(p => p.node.key === key)?.node;
    if (!node) return;
    this.#rove(node.key);
    this.#elements.get(node.key)!.element.focus({ preventScroll: true });
    if (node.children.length) this.#fold(node.key, !this.#open.has(node.key));
    else void told(() => this.#openTensor(node));
  }

  async #openTensor({ key, path }: NetNode): Promise<void> {
    const { TensorPanel } = await import('./tensor-panel.ts');
    if (key !== this.#current) return; // another box was gone to while it loaded
    if (!this.#tensor) {
      this.#tensor = new TensorPanel(this.#look, () => this.#elements.get(this.#current)?.element.focus());
      this.#opened.append(this.#tensor.element);
    }
    this.#tensor.open(path, path === this.#nodes.at(-1)?.path, this.#run?.facts && this.#plan?.isAlive ? this.#run : undefined);
    for (const { node } of this.#placed)
      this.#elements.get(node.key)!.element.setAttribute('aria-selected', String(node.path === path && !node.children.length));
    this.#tensor.element.scrollIntoView({ block: 'nearest' });
    this.#tensor.focus();
    this.#look();
  }

  #fold(key: string, isOpen: boolean): void {
    if (isOpen) this.#open.add(key);
    else this.#open.delete(key);
    this.#draw();
  }

  #rove(key: string): void {
    this.#elements.get(this.#current)?.element.setAttribute('tabindex', '-1');
    this.#current = key;
    this.#elements.get(key)?.element.setAttribute('tabindex', '0');
  }

  /** As in any tree: up and down go through it, right unfolds, left folds or goes to the group, Enter opens. */
  #key(event: KeyboardEvent): void {
    const at = this.#placed.findIndex(p => p.node.key === this.#current);
    const here = this.#placed[at];
    if (!here || event.ctrlKey || event.metaKey || event.altKey) return;
    const { node, isOpen, level } = here;
    const isFolded = node.children.length > 0 && !isOpen;
    const parent = this.#placed.findLastIndex((p, i) => i < at && p.level < level);
    const go = (to: number) => this.#elements.get(this.#placed[to]?.node.key ?? '')?.element.focus();
    const actions: Record<string, () => void> = {
      ArrowDown: () => go(at + 1),
      ArrowUp: () => go(at - 1),
      ArrowRight: () => (isFolded ? this.#fold(node.key, true) : go(at + 1)),
      ArrowLeft: () => (isOpen ? this.#fold(node.key, false) : go(parent < 0 ? at - 1 : parent)),
      Home: () => go(0),
      End: () => go(this.#placed.length - 1),
      Enter: () => this.#press(node.key),
      ' ': () => this.#press(node.key),
    };
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }

  /** As a file of its own, its colours as they are on the screen. */
  #save(): void {
    const style = getComputedStyle(document.documentElement);
    const copy = this.#drawing.cloneNode(true) as SVGSVGElement;
    copy.setAttribute('font-family', 'system-ui, sans-serif');
    const { x, y, width, height } = this.#drawing.viewBox.baseVal;
    copy.prepend(svg('rect', { x, y, width, height, fill: 'var(--ground)' }));
    for (const e of copy.querySelectorAll('[tabindex]')) e.removeAttribute('tabindex');
    const text = new XMLSerializer()
      .serializeToString(copy)
      .replace(/var\((--[\w-]+)\)/g, (_, name: string) => style.getPropertyValue(name).trim());
    save(`${this.#plan?.model.split(':')[0] ?? 'net'}.svg`, text, 'image/svg+xml');
  }
}
