/** How a run is shown: its state and its numbers. */
import { counted } from '../../../engine/counted.ts';
import { datasetFrom, knownName } from '../../../datasets/index.ts';
import { figuresOf, type Score } from '../../../train/evaluate/score.ts';
import { capital, count, el, percent } from '../dom.ts';
import type { Run } from '../runs.ts';
import type { RunFacts } from '../../worker/protocol.ts';

/** Where a run stands, in a sentence, and how it differs from what was asked for. */
export function statusOf(run: Run): string {
  const name = `Run ${run.id + 1}`;
  const state =
    run.message ||
    {
      building: run.building || 'Loading the data and compiling the programs …',
      running: `${name} trains on ${run.facts?.adapter}, ${progressOf(run)}; it goes on while the tab is hidden.`,
      paused: `${name} is paused at step ${run.step}.`,
      done: `${name} is done after ${counted(run.step, 'step')}.`,
      failed: 'The run stopped.',
      loaded: '',
      kept: `${name} is from before this page was opened: its curves are here, and Resume goes on from its last checkpoint.`,
    }[run.state];
  return run.note ? `${state} ${capital(run.note)}.` : state;
}

/** How far a run is, and how long it will take by the speed that it has. */
function progressOf(run: Run): string {
  const { facts, imagesPerSecond: speed } = run;
  if (!facts) return `step ${run.step}`;
  const [done, all] = [run.step / facts.stepsPerEpoch, facts.total / facts.stepsPerEpoch].map(v => Number(v.toFixed(1)));
  const left = speed && ((facts.total - run.step) * facts.batchSize) / speed;
  return `epoch ${done} of ${all}${left === undefined || left > 1e6 ? '' : `, ${spanOf(left)} left`}`;
}

/** The part of a run that is done. */
export const shareOf = ({ facts, step }: Run): number | undefined => facts && step / facts.total;

function spanOf(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${Math.floor(seconds % 60)} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Whether a run predicts numbers, as its data or, of a run that was loaded, its lines say. */
export const isRegression = ({ facts, steps, validation, config: { dataset } }: Run): boolean =>
  facts?.outputs !== undefined ||
  (!facts && knownName(dataset) !== undefined && datasetFrom(dataset).info.outputs !== undefined) ||
  [steps[0], validation[0]].some(line => line?.rmse !== undefined);

/** The numbers of a run by name; a dash where there is none yet. */
export function numbersOf(run: Run): HTMLElement[] {
  const { facts, step, lastTest, imagesPerSecond: speed } = run;
  const last = run.steps.at(-1);
  const val = run.validation.at(-1);
  const predicts = isRegression(run);
  const numbers: [name: string, value: string | undefined][] = [
    ['step', count(step)],
    ['epoch', facts && `${(step / facts.stepsPerEpoch).toFixed(2)} of ${Number((facts.total / facts.stepsPerEpoch).toFixed(2))}`],
    ['training loss', last?.loss.toFixed(4)],
    ...figures('training', last, predicts),
    ...figures('validation', val, predicts),
    ['gap in loss', val && last && (val.loss - last.loss).toFixed(4)],
    ...figures('test', lastTest, predicts),
    ['images/s', speed === undefined ? undefined : count(Math.round(speed))],
    ['dispatches/step', facts && count(facts.dispatches)],
    ['learning rate', last && Number(last.lr.toPrecision(4)).toString()],
    ['parameters', facts && count(facts.parameters)],
    ['device memory', facts && `${mib(facts.bytes)} MiB`],
    ...(facts?.recomputes ? recomputed(facts.recomputes) : []),
  ];
  return numbers.map(([name, value]) => el('div', {}, el('dt', { textContent: name }), el('dd', { textContent: value ?? '–' })));
}

const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);

/** What computing activations a second time saves, and what it costs. */
const recomputed = ({ kept, without, slowdown }: NonNullable<RunFacts['recomputes']>): [name: string, value: string][] => [
  ['activations', `${mib(kept)} MiB`],
  ['memory saved', `${mib(without - kept)} MiB`],
  ['estimated slowdown', `${slowdown.toFixed(2)} ×`],
];

/** What is told of a score beside its loss, as the names of numbers; without a score a dash for each. */
function figures(of: string, score: Score | undefined, predicts: boolean): [name: string, value: string | undefined][] {
  if (score) return figuresOf(score, percent).map(([name, text]) => [`${of} ${name}`, text]);
  return (predicts ? ['RMSE', 'MAE', 'R\u00b2'] : ['accuracy']).map(name => [`${of} ${name}`, undefined]);
}
