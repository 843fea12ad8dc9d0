/** A figure of a lesson: its choices, Run and Stop, how far it is, and what came out. */
import { formatSpec, parseSpec } from '../../../engine/spec.ts';
import type { Scalar } from '../../../engine/parameter.ts';
import type { Dropped } from '../../data/dropped.ts';
import type { Control, Figure } from '../../lessons/lesson.ts';
import { button, el, select } from '../dom.ts';
import { place } from '../teach/place.ts';
import type { Lab, Running } from './lab.ts';
import { outcome } from './outcome.ts';
import { inline } from './prose.ts';

/** Pixels of a panel below which two do not stand beside each other. */
const NARROW = 330;
/** Milliseconds after a change of a live figure. */
const PAUSE = 150;

export interface FigureView {
  readonly element: HTMLElement;
  /** Computes it where it is live; it is on the page now. */
  begin(): void;
  stop(): void;
}

export function figureView(figure: Figure, lab: Lab, dropped: () => Dropped): FigureView {
  const spec = parseSpec('figure', figure.experiment);
  const options: Record<string, Scalar> = { ...spec.options };
  const text = () => formatSpec({ ...spec, options });
  const said = place();
  const bar = el('progress', { max: 1, value: 0, hidden: true, 'aria-label': `Progress of ${figure.title}` });
  const drawn = el('div', { class: 'drawn' });
  const command = el('code');
  const run = button('Run', () => (running ? halt() : compute()), { class: 'primary' });
  let running: Running | undefined;
  let waiting: ReturnType<typeof setTimeout> | undefined;

  function halt(): void {
    clearTimeout(waiting);
    if (running) said.say('Stopped.');
    running?.stop();
    running = undefined;
    rest();
  }
  function rest(): void {
    run.textContent = 'Run';
    bar.hidden = true;
  }
  async function compute(): Promise<void> {
    running?.stop();
    run.textContent = 'Stop';
    const room = drawn.clientWidth || 600;
    const width = room >= 2 * NARROW ? (room - 14) / 2 : room;
    const mine = lab.run(text(), { base: document.baseURI, dropped: dropped(), width }, ({ done, of, what }) => {
      if (mine !== running) return;
      bar.hidden = false;
      bar.value = of ? done / of : 0;
      if (!figure.live) said.say(what ? `${done + 1} of ${of}: ${what}` : '');
    });
    running = mine;
    await said.told(async () => {
      const found = await mine.done.catch(error => {
        if (mine === running) throw error;
        return undefined; // of a figure that is asked for anew
      });
      if (!found || mine !== running) return;
      said.say([found.note, `Computed here in ${found.seconds.toFixed(1)} s.`].filter(Boolean).join(' '));
      drawn.replaceChildren(...outcome(found));
    });
    if (mine !== running) return;
    running = undefined;
    rest();
  }
  function change(option: string, value: Scalar): void {
    options[option] = value;
    command.textContent = `descent compare ${text()}`;
    clearTimeout(waiting);
    if (figure.live) waiting = setTimeout(() => void compute(), PAUSE);
    else said.say('Press Run to compute it so.');
  }
  command.textContent = `descent compare ${text()}`;
  const controls = (figure.controls ?? []).map(c => field(c, options[c.option] ?? c.values[0]!, value => change(c.option, value)));
  const element = el(
    'section',
    { class: 'panel experiment', 'aria-label': figure.title },
    el('h3', { textContent: figure.title }),
    el('p', {}, ...inline(figure.look)),
    el('div', { class: 'controls' }, ...controls, run, bar),
    said.element,
    drawn,
    el('p', { class: 'hint' }, 'On the command line: ', command),
  );
  return {
    element,
    begin: () => {
      if (figure.live) void compute();
    },
    stop: halt,
  };
}

let sliders = 0;
/** A slider through numbers, or a list of names. */
function field({ label, values }: Control, value: Scalar, changed: (value: Scalar) => void): HTMLElement {
  if (typeof values[0] === 'string') {
    const list = select(
      values.map(v => [String(v), String(v)] as const),
      String(value),
      { onchange: () => changed(list.value) },
    );
    return el('label', {}, label, list);
  }
  const shown = el('output', { textContent: String(value), 'aria-live': 'off' }); // the slider tells its value itself
  const slider = el('input', {
    id: `control${sliders++}`,
    type: 'range',
    min: '0',
    max: String(values.length - 1),
    step: '1',
    value: String(values.indexOf(value as number)),
    'aria-valuetext': String(value),
    oninput: () => {
      const chosen = values[Number(slider.value)]!;
      shown.textContent = String(chosen);
      slider.setAttribute('aria-valuetext', String(chosen));
      changed(chosen);
    },
  });
  return el('label', { for: slider.id }, el('span', {}, `${label} `, shown), slider); // else it would be the label of what is shown
}
