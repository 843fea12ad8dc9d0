/** Where on its curves a run was changed. */
import { changesIn, type ChangedValues } from '../../../../train/config/changes.ts';
import type { Mark } from '../../curves/line.ts';
import type { Run } from '../../runs.ts';
import type { Across } from '../run-tracks.ts';

/** How what changes is called in a few letters. */
const BRIEF: Readonly<Record<string, string>> = { weightDecay: 'decay', augment: 'augment' };

/** `lr 0.01, decay 1e-4`. */
export const briefly = (values: ChangedValues): string =>
  Object.entries(values)
    .map(([key, text]) => (key === 'augment' && text === 'none' ? 'no augmentation' : `${BRIEF[key] ?? key.replaceAll('_', ' ')} ${text}`))
    .join(', ');

/** A mark for each change so far, from where the curves of the run begin. */
export function marksOf(run: Run, across: Across): Mark[] {
  const { colour, id: group, branched } = run;
  const name = `run ${group + 1}`;
  return changesIn(run.config)
    .filter(({ after }) => after <= run.step && after >= (branched?.step ?? 0))
    .flatMap(({ after, values }) => {
      const x = placeOf(run, after, across);
      return x === undefined ? [] : { x, step: after, colour, group, name, label: briefly(values) };
    });
}

/** Where a step lies: its line says it, or the two about it; nothing where no line is near. */
function placeOf({ steps }: Run, step: number, across: Across): number | undefined {
  if (across === 'step') return step;
  const next = steps.findIndex(line => line.step >= step);
  const [before, after] = [steps[next - 1], steps[next] ?? steps.at(-1)];
  if (!after) return undefined;
  const end = after[across];
  const [from, begin] = [before?.step ?? 0, before ? before[across] : 0];
  if (end === undefined || begin === undefined) return undefined;
  const share = after.step > from ? Math.min(1, (step - from) / (after.step - from)) : 1;
  return begin + share * (end - begin);
}
