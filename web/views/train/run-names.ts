/** What runs are called beside each other: by what differs between them. */
import { changesIn } from '../../../train/config/changes.ts';
import type { RunConfig } from '../../../train/config/config.ts';
import { labelOf, OPTIONS, type Key } from '../../../train/config/options.ts';
import { recipeOf } from '../../../train/config/recipe-of.ts';
import { textsOf, type Texts } from '../../form/texts.ts';
import type { Run } from '../runs.ts';

export interface Named {
  /** Number, model, data set and what differs from the other runs. */
  readonly name: string;
  /** The number and what differs alone. */
  readonly brief: string;
  /** Its values of the options in which the runs differ. */
  readonly differs: readonly string[];
}

/** The configuration of a run as texts, its learning rate too where that is the optimizer's own. */
const known = new WeakMap<RunConfig, Texts>();
function textsFor({ config }: Run): Texts {
  const texts = known.get(config) ?? { lr: String(recipeOf(config).config.lr), ...textsOf(config) };
  known.set(config, texts);
  return texts;
}

/** Names in the order of the runs. */
export function namesOf(runs: readonly Run[]): Named[] {
  const texts = runs.map(textsFor);
  const keys = [...new Set(texts.flatMap(t => Object.keys(t)))] as (keyof Texts)[];
  const differ = keys.filter(key => new Set(texts.map(t => t[key])).size > 1);
  return runs.map(({ id, config }, i) => {
    const options = differ.filter(key => key !== 'model' && key !== 'dataset').map(key => wordsOf(key as Key, texts[i]![key]));
    const own = [...(differ.includes('model') ? [config.model] : []), ...(differ.includes('dataset') ? [config.dataset] : []), ...options];
    return {
      name: `${id + 1}: ${[`${config.model} on ${config.dataset}`, ...options].join(', ')}`,
      brief: own.length ? `${id + 1}: ${own.join(', ')}` : String(id + 1),
      differs: differ.map(key => texts[i]![key] ?? ''),
    };
  });
}

function wordsOf(key: Key, text: string | undefined): string {
  if (key === 'changes')
    return text === undefined
      ? 'never changed'
      : `changed after step ${changesIn({ changes: text })
          .map(({ after }) => after)
          .join(', ')}`;
  const { default: usual } = OPTIONS[key] as { default?: unknown };
  const label = labelOf(key);
  return `${label.charAt(0).toLowerCase()}${label.slice(1)} ${text ?? (usual === undefined ? 'as usual' : String(usual))}`;
}
