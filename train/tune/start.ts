/** The weights that a run starts from, made those of its model: renamed, checked, with a new classifier where that is asked for. */
import { check, named, say, show, some, type Message } from '../../engine/check.ts';
import type { Tensor } from '../../engine/tensor.ts';
import type { Tensors } from '../run/safetensors.ts';
import { isBesideWeights } from '../run/state-keys.ts';
import { renamed } from './rename.ts';

/** A model, as far as weights must fit it. */
export interface Target {
  /** Its parameters and buffers. */
  readonly own: readonly Tensor[];
  /** The parameters of its classifiers. */
  readonly classifier: readonly string[];
  /** A weight that it computes from the data, which other programs may not keep among theirs. */
  readonly computed?: string | undefined;
}

export interface Start {
  /** Under the model's names; a weight that is not there keeps its first values. */
  readonly weights: Tensors;
  /** What is loaded, new and left out, in one line; nothing where all weights are loaded and none is left out. */
  readonly told: string | undefined;
}

/** Of other heads than the classifier that a file may have: torchvision's, which only training has. */
const AUXILIARY = /^(?:aux\d*|AuxLogits)\./;
/** What PyTorch counts beside weights: batches of a batch norm, models of an average. */
const UNUSED = /(?:^|\.)(?:num_batches_tracked|n_averaged)$/;

/**
 * What a run of a model starts from. Throws where weights are missing, left over or of another shape, unless that is the classifier's and
 * `isNew`; messages begin with `who` gave them, and end with `advice` where the classifier is of other classes.
 */
export function startOf(
  { own, classifier, computed }: Target,
  given: Tensors,
  isNew: boolean,
  who: Message = named('init'),
  advice: Message = say`give ${named('head', 'new')} to train one for these classes`,
): Start {
  const names = new Map(own.map(t => [t.name, t.shape]));
  const layers = new Set(classifier.map(name => name.replace(/\.\w+$/, '')));
  const tensors = renamed(
    Object.fromEntries(Object.entries(given).filter(([name]) => !isBesideWeights(name) && !UNUSED.test(name))),
    names,
    layers.size === 1 ? [...layers][0] : undefined,
    who,
  );
  const heads = new Set(classifier);
  const fits = ({ name, shape }: Tensor) => show(tensors[name]?.shape ?? []) === show(shape);
  const head = own.filter(t => heads.has(t.name));
  const body = own.filter(t => !heads.has(t.name) && !(t.name === computed && !tensors[t.name]));

  const missing = body.find(t => !tensors[t.name]);
  check(
    !missing,
    say`${who}: tensor '${missing?.name}' ${show(missing?.shape ?? [])} is missing`,
    `the file has ${some(Object.keys(tensors))}`,
  );
  const other = body.find(t => !fits(t));
  check(
    !other,
    say`${who}: tensor '${other?.name}' has shape ${show(tensors[other?.name ?? '']?.shape ?? [])}, the model has ${show(other?.shape ?? [])}`,
    'it is a file of another model, or for other images',
  );
  const over = Object.keys(tensors).filter(name => !names.has(name));
  const unknown = over.find(name => !AUXILIARY.test(name));
  check(unknown === undefined, say`${who}: tensor '${unknown}' is not in this model`, `which has ${some([...names.keys()])}`);
  const unfit = head.find(t => !fits(t));
  check(isNew || !unfit, say`${who}: ${misfit(unfit, tensors)}`, advice);

  const fresh = isNew ? head.map(t => t.name) : [];
  const kept = own.filter(t => tensors[t.name] && !fresh.includes(t.name));
  const parts: string[] = [
    `${kept.length} tensors loaded`,
    ...(fresh.length ? [`new: ${some(fresh)}`] : []),
    ...(over.length ? [`left out: ${some(over)}`] : []),
  ];
  return {
    weights: Object.fromEntries(kept.map(({ name }) => [name, tensors[name]!])),
    told: fresh.length || over.length ? parts.join('; ') : undefined,
  };
}

/** How the classifier is not that of the file. */
function misfit(own: Tensor | undefined, tensors: Tensors): Message {
  if (!own) return '';
  const theirs = tensors[own.name];
  return theirs
    ? `the classifier ${own.name} is ${show(theirs.shape)} in the file, and ${show(own.shape)} for these classes`
    : `the classifier's tensor '${own.name}' ${show(own.shape)} is missing`;
}
