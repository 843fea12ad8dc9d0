/** How a run is shown: its state and numbers, its line in the list, its curves. */
import type { MetricsLine } from '../../train/step/metrics.ts';
import type { Curve, Gap, Point } from './charts.ts';
import { capital, count, el, percent } from './dom.ts';
import { overfitting, smooth } from './gap.ts';
import type { Run } from './runs.ts';

/** Where a run stands, in a sentence, and how it differs from what was asked for. */
export function statusOf(run: Run): string {
  const name = `Run ${run.id + 1}`;
  const state =
    run.message ||
    {
      building: 'Loading the data and compiling the programs …',
      running: `${name} trains on ${run.facts?.adapter}; it goes on while the tab is hidden.`,
      paused: `${name} is paused at step ${run.step}.`,
      done: `${name} is done after ${count(run.step)} step${run.step === 1 ? '' : 's'}.`,
      failed: 'The run stopped.',
      loaded: '',
    }[run.state];
  return run.note ? `${state} ${capital(run.note)}.` : state;
}

/** The numbers of a run by name; a dash where there is none yet. */
export function numbersOf(run: Run): HTMLElement[] {
  const { facts, step, lastTest } = run;
  const last = run.steps.at(-1);
  const val = run.validation.at(-1);
  const numbers: [name: string, value: string | undefined][] = [
    ['step', count(step)],
    ['epoch', facts && (step / facts.stepsPerEpoch).toFixed(2)],
    ['training loss', last?.loss.toFixed(4)],
    ['training accuracy', last && percent(last.accuracy)],
    ['validation accuracy', val && percent(val.accuracy)],
    ['gap in loss', val && last && (val.loss - last.loss).toFixed(4)],
    ['test accuracy', lastTest && percent(lastTest.accuracy)],
    ['images/s', last && count(Math.round(last.images_per_s))],
    ['dispatches/step', facts && count(facts.dispatches)],
    ['learning rate', last && Number(last.lr.toPrecision(4)).toString()],
    ['parameters', facts && count(facts.parameters)],
    ['device memory', facts && `${(facts.bytes / 2 ** 20).toFixed(1)} MiB`],
  ];
  return numbers.map(([name, value]) => el('div', {}, el('dt', { textContent: name }), el('dd', { textContent: value ?? '–' })));
}

/** The line of a run in the list; `controls` stand at its end. */
export function rowOf(run: Run, selected: boolean, select: () => void, ...controls: HTMLElement[]): HTMLElement {
  const best = run.validation.reduce((m, l) => Math.max(m, l.accuracy), 0);
  const swatch = el('span', { class: 'swatch', 'aria-hidden': 'true' });
  swatch.style.background = run.colour;
  const { dataset, batchSize, seed } = run.config;
  return el(
    'li',
    { class: selected ? 'selected' : '' },
    el(
      'button',
      { type: 'button', class: 'pick', 'aria-pressed': String(selected), onclick: select },
      swatch,
      el('span', { textContent: `${run.name} on ${dataset}, batch ${batchSize}, seed ${seed}` }),
    ),
    el('span', { class: 'quiet', textContent: `${run.state}, step ${run.step}${best ? `, best validation ${percent(best)}` : ''}` }),
    ...controls,
  );
}

/** The curves of all runs and what lies between them. */
export function curvesOf(runs: readonly Run[], key: 'loss' | 'accuracy'): [Curve[], Gap[]] {
  const curves: Curve[] = [];
  const gaps: Gap[] = [];
  for (const { id, name, colour, steps, validation } of runs) {
    const raw = pointsOf(steps, key);
    const trend = smooth(raw);
    const held = pointsOf(validation, key);
    const label = runs.length > 1 ? String(id + 1) : undefined; // not everyone tells them by their colours
    curves.push(
      { name: `${name} train as it was`, colour, points: raw, faint: true },
      { name: `${name} train`, colour, points: trend, label },
      { name: `${name} validation`, colour, points: held, dashed: true },
    );
    gaps.push({ colour, ...overfitting(trend, held, key === 'loss' ? 1 : -1) });
  }
  return [curves, gaps];
}

const pointsOf = (lines: readonly MetricsLine[], key: 'loss' | 'accuracy'): Point[] => lines.map(l => [l.step, l[key]]);
