/** Trained weights from a run folder or a safetensors file, and what must be known to use them. */
import { statSync } from 'node:fs';
import { outputsOf, type Dataset } from '../../datasets/dataset.ts';
import { datasets, knownName } from '../../datasets/index.ts';
import { checkDataset, isHere, isKnown, isTable, openDataset, type OpenOptions } from '../../datasets/node/open.ts';
import { check, named as option, some } from '../../engine/check.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { product } from '../../shaders/kernel/shape.ts';
import { configFromJson, readingOf, type RunConfig } from '../../train/config/config.ts';
import { recipeOf } from '../../train/config/recipe-of.ts';
import { built } from '../../train/evaluate/built.ts';
import { matchWeights } from '../../train/evaluate/match.ts';
import { OPTIONS } from '../../train/config/options.ts';
import { readConfig, weightsFile } from '../../train/run/node/run-folder.ts';
import { readSafetensors } from '../../train/run/node/sealed.ts';
import type { FileFacts } from '../../train/run/open-inference.ts';
import { factsIn, statisticsIn, type WeightsFacts } from '../../train/run/metadata.ts';
import type { Tensors } from '../../train/run/safetensors.ts';
import { openData } from '../../train/data/data.ts';
import { parseNormalize } from '../../train/config/normalize.ts';
import { momentsFor, WHITENING } from '../../train/data/normalise.ts';
import { NORMALIZATIONS, type Moments, type Normalize } from '../../train/data/statistics.ts';
import { classifierOf } from '../../train/tune/classifier.ts';
import { startOf } from '../../train/tune/start.ts';
import { isNet, sidesOf, sizeOf, type ImageSize } from '../../engine/spec.ts';
import type { OnnxFile } from '../../train/onnx/file.ts';
import { openOnnx } from '../onnx-file.ts';
import { isOwn, isOwnModel, loadOwnModel, movedTo } from '../own-model.ts';

/** For files that come from elsewhere and do not say these things. */
export interface CheckpointOptions {
  model?: string;
  dataset?: string;
  normalize?: string;
  imageSize?: string;
  resize?: string;
  skipBroken?: boolean;
  ignoreLabel?: string;
  target?: string;
  trust?: boolean;
}

export interface Checkpoint extends FileFacts {
  readonly file: string;
  readonly config: RunConfig;
  /** Under the names that the file has (see weightsFor). */
  readonly weights: Tensors;
  /** Whether the file does not say of which model it is: another program may have written it, under names of its own. */
  readonly isForeign: boolean;
  readonly shape: readonly [c: number, h: number, w: number] | undefined;
  readonly classes: readonly string[] | undefined;
  readonly outputs: readonly string[] | undefined;
  readonly inputs: readonly string[] | undefined;
  readonly dtype: Dataset['dtype'] | undefined;
  readonly normalize: Normalize;
  /** The moments that were asked for, else those of the images it was trained on. */
  readonly moments: Moments | undefined;
}

export async function openCheckpoint(path: string, given: CheckpointOptions): Promise<Checkpoint> {
  const found = statSync(path, { throwIfNoEntry: false });
  check(found, `${path}: there is no such file or folder`, 'give the folder of a run, or a .safetensors or .onnx file');
  const run = found.isDirectory() ? readConfig(path, given.trust).config : undefined;
  const file = run ? weightsFile(path) : path;
  const net = isNet(file) ? await openOnnx(file) : undefined;
  const { tensors, metadata } = net ? { tensors: undefined, metadata: net.metadata } : readSafetensors(file, given.trust);
  const facts = { ...factsIn(metadata, file), ...net?.normalisation };

  const named = net ? file : (facts.model ?? run?.model);
  const isCode = (spec: string | undefined) => spec !== undefined && isOwnModel(spec);
  const model = isCode(named) && isCode(given.model) ? movedTo(named!, given.model!) : (named ?? given.model);
  check(
    !isCode(model) || isCode(given.model) || (run && isOwn(path)),
    `${file}: names the code in ${model} as its model, and code runs only where you name it`,
    'read that file, then give it with --model',
  );
  check(model !== undefined, `${file}: does not say which model it is of`, 'give --model');
  check(
    given.model === undefined || given.model === model || (isCode(named) && isCode(given.model)),
    `${file}: is a checkpoint of ${model}, not of ${given.model}`,
    'leave out --model',
  );
  const isWhole = facts.shape && (facts.classes ?? facts.outputs); // says all that a data set would be asked for
  const dataset = given.dataset ?? run?.dataset ?? facts.dataset ?? (isWhole ? 'samples' : undefined);
  const normalize = given.normalize ?? facts.normalize ?? run?.normalize;
  check(dataset !== undefined, `${file}: does not say on which data it was trained`, 'give --dataset');
  check(normalize !== undefined, `${file}: does not say how its images were normalized`, `give --normalize ${NORMALIZATIONS.join('|')}`);
  if (given.dataset !== undefined) checkDataset(given.dataset);
  await loadOwnModel(model, given.model === undefined ? 'give the place where it lies now with --model' : undefined);
  const { shape, classes, outputs, inputs, dtype } = facts;
  const own = parseNormalize(option('normalize'), normalize);
  // A folder's images are of any size: they become what the weights were trained on.
  const imageSize =
    given.imageSize === undefined
      ? (run?.imageSize ?? (isKnown(dataset) || !shape ? undefined : sizeOf([shape[1], shape[2]])))
      : OPTIONS.imageSize.type.parse('--image-size', given.imageSize);
  const resize = given.resize ?? run?.resize ?? facts.resize;
  const { skipBroken = run?.skipBroken, ignoreLabel = run?.ignoreLabel, target = isTable(dataset) ? run?.target : undefined } = given;
  return {
    file,
    isForeign: named === undefined,
    weights: tensors ?? net!.weights(shape ?? shapeOf(net!, file, dataset, imageSize)),
    config: configFromJson({ ...run, model, dataset, normalize, imageSize, resize, skipBroken, ignoreLabel, target }, file),
    shape,
    classes,
    outputs,
    inputs,
    dtype,
    normalize: own.normalize,
    moments: own.moments ?? facts.moments,
    statistics: statisticsIn(metadata),
  };
}

/**
 * The weights of a checkpoint under the names of its model for such an input; those of a foreign file as --init takes them. Throws where they
 * are not of that model, which may have been changed since: code of one's own is read anew.
 */
export function weightsFor(
  { file, weights, config, isForeign }: Checkpoint,
  input: Pick<Dataset, 'shape' | 'classes' | 'outputs'>,
): Tensors {
  const { layer } = recipeOf(config).model;
  const made = { shape: input.shape, classes: outputsOf(input).length };
  const { weights: own } = built(layer(made), made.shape);
  if (!isForeign) return ownWeights(own, weights, file);
  const advice = 'give the data whose classes it is of with --dataset';
  return startOf({ own, classifier: classifierOf(layer, made) }, weights, false, file, advice).weights;
}

/** Weights of a file that says that they are of a model. Throws where they are not of the tensors `own` of that. */
export function ownWeights(own: readonly Tensor[], weights: Tensors, file: string): Tensors {
  const { [WHITENING]: _, ...ofModel } = weights;
  if (!isNet(file)) matchWeights(own, ofModel, {}, file);
  return weights;
}

/** Of the images that a net in a file takes; what it leaves open the data set says, or --image-size. */
export function shapeOf(
  net: OnnxFile,
  file: string,
  dataset = '',
  imageSize?: ImageSize,
  advice = 'give --image-size',
): readonly [number, number, number] {
  const sides = imageSize === undefined ? [] : sidesOf('--image-size', imageSize);
  const whole = (size: number | string | undefined) => (typeof size === 'number' ? size : undefined);
  const isFlat = net.shape.length === 1 || net.shape.length === 2;
  const open = datasets[knownName(dataset) ?? '']?.shape ?? (isFlat ? [product(net.shape.map(Number)), 1, 1] : [3, ...sides]);
  const [c, h, w] = isFlat ? open : net.shape.map((size, i) => whole(size) ?? open[i]);
  check(c && h && w, `${file}: does not say how large its images are`, advice);
  return [c, h, w];
}

interface FindOptions {
  dataDir?: string | undefined;
  quiet?: boolean | undefined;
}

/** What a model takes and says. */
export type Interface = Pick<Dataset, 'shape' | 'classes' | 'outputs' | 'inputs' | 'dtype'>;

/** Size of the images and names of the classes or outputs: the file says them, or the data set that it names does. */
export async function inputOf(
  { shape, classes = [], outputs, inputs, dtype, config }: Checkpoint,
  options: FindOptions,
): Promise<Interface> {
  if (shape && (classes.length || outputs)) {
    return { shape, classes, ...(outputs && { outputs }), ...(inputs && { inputs }), ...(dtype && { dtype }) };
  }
  const name = knownName(config.dataset);
  return name === undefined || name === 'formula' ? trainedOn(config, options) : datasets[name]!;
}

/** Throws where weights were trained on data that is not here, and nobody has said which to take. */
export function checkTrainedOn({ file, config: { dataset } }: Checkpoint, given: CheckpointOptions): void {
  check(
    given.dataset !== undefined || isHere(dataset),
    `${file}: was trained on '${dataset}', which is not here`,
    'give the data with --dataset',
  );
}

/**
 * The data set of a configuration as weights take it that say what they were trained on: columns of a table by their names, whatever their
 * order. Throws where its classes or the numbers to predict are others, since they would be taken for those of their places.
 */
export async function openFor(
  { classes, outputs, inputs }: WeightsFacts,
  config: RunConfig,
  options: FindOptions & Pick<OpenOptions, 'onFound'>,
): Promise<Dataset> {
  const dataset = await openDataset(config.dataset, { ...options, ...readingOf(config), inputs });
  const [kind, theirs = [], own = []] = outputs ? ['outputs', dataset.outputs, outputs] : ['classes', dataset.classes, classes];
  const other = own.findIndex((name, i) => name !== theirs[i]);
  const same = Math.max(0, (other < 0 ? own.length : other) - 1);
  const told = (names: readonly string[]) => (same && own.length > 8 ? `…, ${some(names.slice(same))}` : some(names)); // where they differ
  check(
    !own.length || (own.length === theirs.length && other < 0),
    theirs.length
      ? `${config.dataset}: its ${kind} are ${told(theirs)}, those of the model ${told(own)}`
      : `${config.dataset}: it has no ${kind}, those of the model are ${some(own)}`,
    'give data whose names are those',
  );
  return dataset;
}

/** The data set that the weights were trained on. */
const trainedOn = (config: RunConfig, { dataDir, quiet }: FindOptions): Promise<Dataset> =>
  openDataset(config.dataset, { dataDir, quiet, ...readingOf({ ...config, limitTrain: undefined, limitTest: 1 }) });

/**
 * The moments by which images of so many channels are normalised, if they are by any: those of the images that the weights were trained on
 * are taken anew for files that do not carry them.
 */
export async function momentsOf(
  { config, file, normalize, moments }: Checkpoint,
  channels: number,
  options: FindOptions,
): Promise<Moments | undefined> {
  if (normalize === 'none' || moments) return momentsFor(moments, channels);
  const dataset = await trainedOn(config, options);
  check(dataset.train.n, `${file}: ${config.dataset} has no training images to take mean and deviation from`, 'give --normalize none');
  return (await openData(dataset, { normalize })).normalisation.moments;
}
