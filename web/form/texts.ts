/** Configurations as texts: of the form, of addresses, and of runs that are kept. */
import { DescentError, faultOf, say } from '../../engine/check.ts';
import { parseConfig, type RunConfig } from '../../train/config/config.ts';
import { optionOf, type Key } from '../../train/config/options.ts';
import { recipeOf } from '../../train/config/recipe-of.ts';

/** A configuration as texts, defaults left out: what stands in an address. */
export type Texts = Partial<Record<Key | 'model', string>>;

/** Where the page differs from the command line: more frequent metrics, since someone watches. */
export const HERE: Texts = { model: 'lenet5', logEvery: '10' };

/** The texts of a configuration, without those that it has anyway; the model always. */
export function textsOf(config: RunConfig): Texts {
  const usual = (key: string) => (key === 'model' ? '' : String(HERE[key as Key] ?? optionOf(key as Key).default));
  const texts = Object.entries(config)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => [key, String(value)] as const);
  return Object.fromEntries(texts.filter(([key, text]) => text !== usual(key)));
}

/** The checked configuration that texts stand for; throws with the command line's message. */
export function configOf(texts: Texts): RunConfig {
  const { model, ...rest } = { ...HERE, ...texts };
  return parseConfig(model!, rest);
}

/** The configuration that the texts of a run in a file or from before stand for; throws, calling it `name`, where no run can be of it. */
export function checked(texts: Texts, name: string): RunConfig {
  try {
    const config = configOf(texts);
    recipeOf(config);
    return config;
  } catch (error) {
    const { problem, advice } = faultOf(error);
    throw new DescentError(say`${name}: ${problem}`, ...advice);
  }
}
