/** The optimizer race: all rules from one point, computed by the updates that train nets, drawn on the contours. */
import { rules } from '../../../optim/index.ts';
import { Engine } from '../../worker/client.ts';
import { casing, racerColour, strokeOf } from '../colours.ts';
import { button, el, fold, isDark, select, told } from '../dom.ts';
import { contours, SIZE } from './contours.ts';
import { field } from '../../form/field.ts';
import { landscapes, type Landscape, type Point } from '../../../train/study/descent/landscapes.ts';

const STEPS = 400;
/** Rules that move on slopes alone; one that probes the curvature needs a whole net. */
const racers = Object.values(rules)
  .filter(r => !r.probes)
  .map(r => r.name);
const AT_FIRST = ['sgd', 'momentum', 'nesterov', 'adagrad', 'rmsprop', 'adam', 'adadelta'];
/** The rate of a rule that divides by the size of the slope, as a length in the plane. */
const LENGTH = 0.05;
/** The learning rate of a rule in a landscape; those for nets are far too small here. */
function rateOf(rule: string, land: Landscape): number {
  const { bySlope, byLength = LENGTH } = rules[rule]!.rates ?? {};
  return bySlope === undefined ? byLength : land.rate * bySlope;
}

interface RaceLine {
  readonly item: HTMLElement;
  readonly box: HTMLInputElement;
  readonly swatch: HTMLElement;
  readonly value: HTMLElement;
}

export class RaceView {
  readonly element: HTMLElement;
  #engine = new Engine();
  #picture = el('canvas', {
    width: SIZE,
    height: SIZE,
    class: 'plane race',
    tabIndex: 0,
    role: 'application',
    'aria-label': 'Landscape: click, drag or use the arrow keys to move the starting point',
  });
  #choice = select(
    Object.entries(landscapes).map(([n, { title }]) => [n, title] as const),
    'beale',
    { onchange: () => this.#move() },
  );
  #speed = el('input', { type: 'range', min: '-2', max: '2', step: '0.25', value: '0' });
  #about = el('p', { class: 'hint' });
  #status = el('p', { class: 'status', role: 'status' });
  #legend = el('ul', { class: 'legend ranked', 'aria-label': 'Optimizers' });
  #lines = new Map<string, RaceLine>();
  #on = new Set(AT_FIRST.filter(n => racers.includes(n)));
  #start: [number, number] = [...landscapes.beale!.start];
  #paths = new Map<string, readonly Point[]>();
  #contours: ImageData | undefined;
  #frame = 0;
  #shown = 0;
  #turn = 0;

  constructor() {
    const times = el('output', { textContent: '×1' });
    const rate = field('Rate', this.#speed, { about: 'All learning rates times this.' });
    rate.querySelector('label')!.append(' ', times);
    this.#speed.oninput = () => {
      times.textContent = `×${Number(this.#factor.toPrecision(2))}`;
    };
    this.#speed.onchange = () => void this.#race();
    this.element = el(
      'div',
      { class: 'train' },
      el('aside', { 'aria-label': 'Race' }, field('Landscape', this.#choice), this.#about, rate, fold('Optimizers', this.#legend)),
      el(
        'div',
        { class: 'screen' },
        el(
          'div',
          { class: 'row toolbar' },
          button('Race', () => this.#race(), { class: 'primary' }),
          button('All', () => this.#pickAll(true)),
          button('None', () => this.#pickAll(false)),
        ),
        this.#status,
        el(
          'section',
          { class: 'panel' },
          el('h2', { textContent: 'Trajectories' }),
          el('p', { class: 'hint', textContent: 'Drag the starting point, or move it with the arrow keys.' }),
          this.#picture,
        ),
      ),
    );
    this.#follow();
    addEventListener('themechange', () => {
      this.#contours = undefined;
      this.#list();
      this.#paint();
    });
    this.#list();
    void this.#race();
  }

  stop(): void {
    cancelAnimationFrame(this.#frame);
  }

  get #land(): Landscape {
    return landscapes[this.#choice.value]!;
  }

  /** What all learning rates are multiplied by. */
  get #factor(): number {
    return 10 ** Number(this.#speed.value);
  }

  /** To the landscape that is chosen now. */
  #move(): void {
    this.#start = [...this.#land.start];
    this.#contours = undefined;
    void this.#race();
  }

  #pickAll(all: boolean): void {
    this.#on = new Set(all ? racers : []);
    this.#list();
    void this.#race();
  }

  /** A line for each rule, made once: a checkbox that has the keyboard keeps it. Who arrives first stands first once all have run. */
  #list(): void {
    for (const [i, name] of racers.entries()) {
      const { item, box, swatch, value } = this.#lineOf(name);
      box.checked = this.#on.has(name);
      swatch.style.borderTop = `3px ${strokeOf(i).style} ${racerColour(i)}`;
      value.textContent = this.#words(name);
      item.style.order = String(this.#on.has(name) ? (this.#arrival(name) ?? STEPS + 1) : STEPS + 2);
    }
  }

  #lineOf(name: string): RaceLine {
    const made = this.#lines.get(name);
    if (made) return made;
    const swatch = el('span', { class: 'stroke', 'aria-hidden': 'true' });
    const box = el('input', { type: 'checkbox', id: `race-${name}` });
    const value = el('span', { class: 'value' });
    box.onchange = () => {
      if (box.checked) this.#on.add(name);
      else this.#on.delete(name);
      void this.#race();
    };
    const item = el('li', { title: rules[name]!.formula }, box, swatch, el('label', { for: box.id, textContent: name }), value);
    this.#legend.append(item);
    const line = { item, box, swatch, value };
    this.#lines.set(name, line);
    return line;
  }

  /** The height at the end of a path. */
  #reached(name: string): string {
    const path = this.#paths.get(name);
    if (!path || !this.#on.has(name)) return '';
    const height = this.#land.value(...path.at(-1)!);
    if (!Number.isFinite(height)) return 'left';
    return Math.abs(height) < 1e-12 ? '0' : Math.abs(height) < 1e-3 ? height.toExponential(1) : String(Number(height.toPrecision(3)));
  }

  /** The steps after which a path stays within a hundredth of the way down from its start; undefined where it never does. */
  #arrival(name: string): number | undefined {
    const path = this.#paths.get(name);
    if (!path || !this.#on.has(name)) return undefined;
    const { value, minima } = this.#land;
    const least = Math.min(...minima.map(at => value(...at)));
    const near = least + 0.01 * (value(...path[0]!) - least);
    const after = path.findLastIndex(([x, y]) => !(value(x, y) <= near)) + 1;
    return after < path.length ? after : undefined;
  }

  /** Its rate, and when it has arrived and where: what a comparison goes by. */
  #words(name: string): string {
    if (!this.#on.has(name)) return '';
    const rate = `rate ${Number((rateOf(name, this.#land) * this.#factor).toPrecision(3))}`;
    const reached = this.#reached(name);
    if (!reached) return rate;
    const arrival = this.#arrival(name);
    return [rate, ...(arrival === undefined ? [] : [`${arrival} steps`]), reached === 'left' ? reached : `f ${reached}`].join(', ');
  }

  async #race(): Promise<void> {
    const turn = ++this.#turn;
    const land = this.#land;
    const landscape = this.#choice.value;
    this.#about.replaceChildren(land.about, el('code', { textContent: `f(x, y) = ${land.formula}` }));
    this.#status.textContent = 'The device computes …';
    this.#paths.clear();
    this.#paint();
    const done = await told(async () => {
      for (const rule of this.#on) {
        const lr = rateOf(rule, land) * this.#factor;
        const path = await this.#engine.call('race', { rule, lr, landscape, start: this.#start, steps: STEPS });
        if (turn !== this.#turn) return false;
        this.#paths.set(rule, path);
      }
      this.#shown = 0;
      cancelAnimationFrame(this.#frame);
      const begun = performance.now();
      const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
      const from = this.#start.map(v => v.toFixed(2)).join(', ');
      const tick = () => {
        if (turn !== this.#turn) return;
        this.#shown = still ? STEPS : Math.min(STEPS, ((performance.now() - begun) / 6000) * STEPS);
        this.#status.setAttribute('aria-live', this.#shown < STEPS ? 'off' : 'polite');
        this.#status.textContent = `Step ${Math.floor(this.#shown)} of ${STEPS} from (${from}); the list tells rates, steps until within 1 % of the way down, and f at the end.`;
        this.#paint();
        if (this.#shown < STEPS) this.#frame = requestAnimationFrame(tick);
      };
      this.#list();
      tick();
      return true;
    });
    if (!done && turn === this.#turn) this.#status.textContent = 'Nothing was computed.';
  }

  #follow(): void {
    const move = (event: PointerEvent) => {
      const box = this.#picture.getBoundingClientRect();
      const {
        x: [x0, x1],
        y: [y0, y1],
      } = this.#land;
      const across = (event.clientX - box.left) / box.width;
      const down = (event.clientY - box.top) / box.height;
      this.#start = [within(x0 + across * (x1 - x0), x0, x1), within(y1 - down * (y1 - y0), y0, y1)];
      this.#turn++;
      this.#paths.clear();
      this.#paint();
    };
    let held = false;
    this.#picture.onpointerdown = event => {
      held = true;
      this.#picture.setPointerCapture(event.pointerId);
      move(event);
    };
    this.#picture.onpointermove = event => {
      if (held) move(event);
    };
    this.#picture.onpointerup = () => {
      held = false;
      void this.#race();
    };
    this.#picture.onkeydown = event => {
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      if (!way) return;
      event.preventDefault();
      const {
        x: [x0, x1],
        y: [y0, y1],
      } = this.#land;
      const [x, y] = this.#start;
      this.#start = [within(x + (way[0]! * (x1 - x0)) / 40, x0, x1), within(y + (way[1]! * (y1 - y0)) / 40, y0, y1)];
      void this.#race();
    };
  }

  #paint(): void {
    const context = this.#picture.getContext('2d')!;
    const {
      x: [x0, x1],
      y: [y0, y1],
    } = this.#land;
    this.#contours ??= contours(this.#land);
    context.putImageData(this.#contours, 0, 0);
    const at = (x: number, y: number): [number, number] => [((x - x0) / (x1 - x0)) * SIZE, ((y1 - y) / (y1 - y0)) * SIZE];
    const dot = (x: number, y: number, radius: number, fill: string) => {
      context.beginPath();
      context.arc(...at(x, y), radius, 0, 7);
      context.fillStyle = fill;
      context.fill();
      context.strokeStyle = isDark() ? '#000' : '#fff';
      context.lineWidth = 1.5;
      context.stroke();
    };
    for (const [name, path] of this.#paths) {
      const last = Math.floor(this.#shown);
      const i = racers.indexOf(name);
      const fill = racerColour(i);
      context.beginPath();
      for (const [x, y] of path.slice(0, last + 1)) context.lineTo(...at(clamp(x), clamp(y)));
      context.lineJoin = 'round'; // sharp turns would end in long spikes
      context.strokeStyle = casing();
      context.lineWidth = 4.5;
      context.stroke();
      context.strokeStyle = fill;
      context.lineWidth = 2.5;
      context.setLineDash([...strokeOf(i).dash]);
      context.stroke();
      context.setLineDash([]);
      const [x, y] = path[last]!;
      dot(clamp(x), clamp(y), 5, fill);
    }
    for (const minimum of this.#land.minima) {
      const [x, y] = at(...minimum);
      context.font = '20px sans-serif';
      context.fillStyle = isDark() ? '#fff' : '#000';
      context.fillText('★', x - 9, y + 7);
    }
    dot(...this.#start, 7, isDark() ? '#fff' : '#111');
  }
}

const within = (v: number, low: number, high: number): number => Math.min(high, Math.max(low, v));
const clamp = (v: number): number => (Number.isFinite(v) ? Math.min(1e3, Math.max(-1e3, v)) : 1e3);
