/** A run in this thread: its data, its trainer, its loop, and what it is asked for between two steps. */
import { datasetOf, type Samples } from '../../datasets/memory.ts';
import { checkLimits, first, type Dataset } from '../../datasets/dataset.ts';
import { host } from '../../datasets/host.ts';
import { check, DescentError, kindOf, words } from '../../engine/check.ts';
import { sharedDevice } from '../../engine/open.ts';
import { Turns } from '../../engine/turns.ts';
import type { Model } from '../../models/model.ts';
import { normalizeText } from '../config/normalize.ts';
import { EARLY, OPTIONS } from '../config/options.ts';
import { ofOwnImages } from '../config/config.ts';
import { chosenModel } from '../config/model.ts';
import { checkFeasible } from '../config/feasible.ts';
import { checkShare } from '../data/own-validation.ts';
import { recipeWith, type ChosenModel, type Recipe } from '../config/recipe.ts';
import { evaluation, loop, type LoopState } from '../run/loop.ts';
import { openTrainer, type Opened } from '../run/open.ts';
import { onDataset } from '../run/task.ts';
import { isOnnx, onnxIn } from '../onnx/open.ts';
import { factsIn, type WeightsFacts } from '../run/metadata.ts';
import { decodeSafetensors } from '../run/read-safetensors.ts';
import type { Tensors } from '../run/safetensors.ts';
import { isSource, nameIn, read } from '../run/store.ts';
import { BACKBONE } from '../tune/backbone.ts';
import type { GivenWeights } from '../tune/tuning.ts';
import { bestOf, type EvalMetrics, type StepMetrics } from '../step/metrics.ts';
import type { Trainer } from '../step/trainer.ts';
import { checkGoesOn, checkSameData, decodeCheckpoint } from './read-checkpoint.ts';
import { encodeCheckpoint } from './checkpoint.ts';
import { meanScore, type Score } from '../evaluate/score.ts';
import type { Ended, RunEvent, Training } from './events.ts';
import { configOf, ownParts, type FitOptions } from './options.ts';

/** What `fit` trains: a model by its name and options (`resnet20:shortcut=B`), one of your own, or the address of a module that exports one. */
export type FitModel = string | URL | Model;
/** What it trains on: a data set by its name, under Node also by its folder; one that is made; or what one is made of. */
export type FitData = string | Dataset | Samples;

/** Ends the reading of samples that still come where a run is stopped; the next may never do. */
export class Reading {
  #stops = new AbortController();
  #signal: AbortSignal | undefined;

  /** `signal` is that of the run, which is stopped once it is aborted. */
  constructor({ signal }: FitOptions) {
    this.#signal = signal;
  }

  get signal(): AbortSignal {
    return this.#stops.signal;
  }

  end(): void {
    const own = new DescentError('the run was stopped before its samples had come', 'begin it again');
    this.#stops.abort(this.#signal?.aborted ? this.#signal.reason : own);
  }
}

/** Data in the form that a trainer takes. */
export async function openFitData(data: FitData, options: FitOptions, { signal: stops }: Reading): Promise<Dataset> {
  const { imageSize, resize, skipBroken, ignoreLabel, limitTrain, limitTest, target, signal } = options;
  if (typeof data === 'string') {
    const folder = { imageSize, resize, skipBroken, ignoreLabel: ignoreLabel === undefined ? undefined : String(ignoreLabel) };
    return host().dataset(data, { ...folder, limitTrain, limitTest, target });
  }
  const ofFiles = (['imageSize', 'resize', 'skipBroken', 'target'] as const).find(
    key => options[key] !== undefined && options[key] !== OPTIONS[key].default,
  );
  check(!ofFiles, `${ofFiles}: is of a folder or table, and the data are in memory`, 'leave it out');
  checkLimits({ limitTrain, limitTest });
  const isDataset = typeof data === 'object' && data !== null && 'train' in data && 'test' in data && 'classes' in data;
  check(!isDataset || ignoreLabel === undefined, 'ignoreLabel: the data are a data set already', 'give it to datasetOf');
  const dataset = isDataset ? data : await datasetOf(ignoreLabel === undefined ? data : { ignoreLabel, ...data }, undefined, signal, stops);
  return {
    ...dataset,
    ...(limitTrain !== undefined && { train: first(dataset.train, (dataset.validation ?? 0) + limitTrain) }),
    ...(limitTest !== undefined && { test: first(dataset.test, limitTest) }),
  };
}

/** What `fit` trains, as a name or a function. */
export async function modelOf(model: FitModel): Promise<string | Model> {
  if (!(model instanceof URL)) return model;
  const { default: given } = (await import(/* @vite-ignore */ /* webpackIgnore: true */ model.href).catch((error: Error) => {
    throw new DescentError(`model: ${model.href} cannot be imported (${error.message})`, 'give the address of a module');
  })) as { default?: unknown };
  check(typeof given === 'function', `model: ${model.href} exports ${kindOf(given)} as its default`, 'export a function there');
  return given as Model;
}

/** What a run starts from: tensors, or what holds them. */
async function startOf(init: Required<FitOptions>['init']): Promise<GivenWeights & { facts: WeightsFacts }> {
  const source = isSource(init) ? init : undefined;
  const isName = typeof source === 'string' && !/[./:\\]/.test(source); // a path or an address has one of these
  check(
    isName ? source === BACKBONE : source !== undefined || (typeof init === 'object' && init !== null && !ArrayBuffer.isView(init)),
    isName ? `init: there is no backbone '${source}'` : `init: it is ${kindOf(init)}`,
    `give '${BACKBONE}', tensors, or a file of weights by its bytes or where it is`,
  );
  if (source === undefined) return { of: () => init as Tensors, facts: {} };
  const name = typeof source === 'string' || source instanceof URL ? String(source) : 'init';
  const bytes = await read(source);
  if (isOnnx(bytes, nameIn(source))) {
    const { weightsOf, size, facts } = await onnxIn(source, bytes, name);
    return { of: weightsOf, classes: size, facts };
  }
  const { tensors, metadata } = decodeSafetensors(bytes, name);
  return { of: () => tensors, facts: factsIn(metadata, name) };
}

/** What texts call a model: one of your own by its function or address. */
const textOf = (given: FitModel, { name }: ChosenModel): string =>
  typeof given === 'string' ? given : ((given instanceof URL ? given.href : name) || 'model').replace(/[,:=\s]/g, '-');

/** Something that opens once. */
function latch(): { readonly opened: Promise<void>; open: () => void } {
  let open!: () => void;
  const opened = new Promise<void>(resolve => (open = resolve));
  return { opened, open };
}

export class LocalTraining implements Training {
  #model: FitModel;
  #data: FitData;
  #options: FitOptions;
  #opened: Opened | undefined;
  #recipe!: Recipe;
  #fitted: LoopState = { evaluated: [] };
  #stopped = false;
  #reading: Reading;
  /** Opens when a pause ends. */
  #gate: ReturnType<typeof latch> | undefined;
  /** One at a time: what is done between two steps sees the run at rest. */
  #turns = new Turns();
  /** Resolves when there is a trainer, and when there will be none. */
  #ready = latch();
  #final: Uint8Array<ArrayBuffer> | undefined;
  #told!: Teller;

  constructor(model: FitModel, data: FitData, options: FitOptions) {
    this.#model = model;
    this.#data = data;
    this.#options = options;
    this.#reading = new Reading(options);
  }

  async run(emit: (event: RunEvent) => void): Promise<Ended> {
    try {
      await this.#open(emit);
      const trainer = this.#opened!.trainer;
      this.#ready.open();
      const ended = this.#stopped ? 'stopped' : await loop(trainer, this.#looped(emit));
      this.#told.metrics(await trainer.settle());
      const kept = ended === 'early' ? bestOf(this.#fitted.evaluated, this.#recipe.earlyStop?.watched) : this.#fitted.evaluated.at(-1);
      const isTested = ended !== 'stopped' && this.#opened!.data.parts.test.n > 0;
      const test = isTested ? await evaluation(trainer, 'test') : undefined;
      const { train } = this.#told;
      return {
        outcome: {
          ended,
          step: trainer.steps,
          epoch: trainer.epoch,
          ...(train && { train }),
          ...(kept && { validation: scoreOf(kept) }),
          ...(test && { test: scoreOf(test) }),
        },
        images: this.#images(),
        weights: await trainer.evaluatedWeights(),
        checkpoint: (this.#final = await this.#take()),
      };
    } finally {
      const trainer = this.#opened?.trainer;
      this.#opened = undefined;
      this.#ready.open();
      trainer?.destroy();
    }
  }

  async pause(): Promise<void> {
    if (this.#stopped || this.#final) return;
    this.#gate ??= latch();
    await this.#turns.take(async () => {
      if (this.#opened) this.#told.metrics(await this.#opened.trainer.settle());
    });
  }

  resume(): void {
    this.#gate?.open();
    this.#gate = undefined;
  }

  stop(): void {
    this.#stopped = true;
    this.#reading.end();
    this.resume();
  }

  async checkpoint(): Promise<Uint8Array<ArrayBuffer>> {
    await this.#ready.opened;
    return this.#final ?? this.#turns.take(() => this.#take());
  }

  async #open(emit: (event: RunEvent) => void): Promise<void> {
    const { device: given, batchSize, init, resume } = this.#options;
    const [model, dataset] = await Promise.all([
      modelOf(this.#model).then(chosenModel),
      openFitData(this.#data, this.#options, this.#reading),
    ]);
    this.#options.signal?.throwIfAborted();
    const { valSplit = OPTIONS.valSplit.default } = this.#options;
    checkShare(dataset, this.#options.valSplit);
    const most = dataset.train.n - (dataset.validation ?? Math.round(Number(valSplit) * dataset.train.n));
    const options = batchSize === undefined ? { ...this.#options, batchSize: Math.min(OPTIONS.batchSize.default, most) } : this.#options;
    const before = resume && decodeCheckpoint(resume);
    const start = before ? { of: () => before.weights, isOwn: true } : init === undefined ? undefined : await startOf(init);
    const isTuned = options.head !== undefined || options.freeze !== undefined;
    const ofFile = before ? before.config.normalize : start && 'facts' in start ? normalizeText(start.facts) : undefined;
    const normalize = options.normalize ?? (isTuned ? ofFile : undefined);
    const config = configOf(textOf(this.#model, model), dataset.name, { ...options, normalize });
    const isOwn = typeof this.#data !== 'string' || dataset.train.names !== undefined;
    const stratify = config.stratify ?? before?.config.stratify; // of a run that goes on the split stays
    const recipe = recipeWith(isOwn && !before ? ofOwnImages(config) : { ...config, ...(stratify && { stratify }) }, model);
    this.#recipe = onDataset(recipe, dataset);
    if (before) checkGoesOn(before, this.#recipe.config);
    const otherwise = before ? checkSameData(before, dataset) : [];
    const device = given ?? (await sharedDevice());
    const opened = await openTrainer(this.#recipe, dataset, device, { ...ownParts(this.#options), debug: this.#options.debug, start });
    this.#opened = opened;
    if (typeof this.#model !== 'string') (await import('../../engine/passes/reached.ts')).checkReached(opened.trainer.graph);
    const { trainer, note, told, data } = opened;
    this.#told = new Teller(emit, trainer);
    if (!before) checkFeasible(this.#recipe, { stepsPerEpoch: trainer.stepsPerEpoch, heldOut: data.parts.val.n > 0 });
    for (const message of [...(dataset.notes ?? []), ...otherwise, ...told.map(line => words(line)), ...(note ? [note] : [])]) {
      emit({ type: 'warning', message });
    }
    if (!before) return;
    await trainer.loadState(before.state);
    this.#fitted = before.fitted;
    for (const { loss } of before.fitted.evaluated) trainer.observe(loss);
    this.#told.begin();
  }

  /** What the loop of a run takes. */
  #looped(emit: (event: RunEvent) => void): Parameters<typeof loop>[1] {
    const { trainer, total, data } = this.#opened!;
    const { logEvery, earlyStop } = this.#recipe;
    const every = this.#options.checkpointEvery;
    return {
      total,
      logEvery: this.#options.logEvery === undefined ? LOG_EVERY : logEvery,
      logAlso: EARLY,
      earlyStop,
      validate: data.parts.val.n > 0,
      state: this.#fitted,
      ...(every !== undefined && { checkpointEvery: every }),
      stopped: () => this.#stopped,
      turn: async work => {
        while (this.#gate) {
          await this.#gate.opened;
          if (this.#stopped) return false;
        }
        await this.#turns.take(work);
        return true;
      },
      onMetrics: line => this.#told.metrics([line]),
      onEvaluation: line => this.#told.evaluation(line),
      onCheckpoint: async () => {
        this.#told.epoch(trainer.steps === total);
        if (every === undefined || trainer.steps % every) return;
        emit({ type: 'checkpoint', step: trainer.steps, bytes: await this.#take() });
      },
    };
  }

  #images(): Ended['images'] {
    const { dataset, normalisation } = this.#opened!.data;
    const { shape, classes, outputs, inputs, dtype } = dataset;
    const { how: normalize } = normalisation;
    const names = { ...(outputs && { outputs }), ...(inputs && { inputs }) };
    return {
      shape,
      classes,
      ...names,
      normalize,
      ...(dtype && { dtype }),
      ...(normalize !== 'none' && { moments: normalisation.moments }),
      resize: this.#recipe.resize,
      dataset: dataset.name,
    };
  }

  async #take(): Promise<Uint8Array<ArrayBuffer>> {
    check(this.#opened, 'checkpoint: the run failed', 'await run.done, which says why');
    const { trainer, metadata, data } = this.#opened;
    const weights = await trainer.weights();
    const state = await trainer.state();
    return encodeCheckpoint({ weights, state, fitted: this.#fitted, config: this.#recipe.config, images: data.dataset.train.n }, metadata);
  }
}

/** Steps between events where nobody has said how many. */
const LOG_EVERY = 10;

const scoreOf = ({ loss, accuracy, rmse, mae, r2 }: Score): Score =>
  accuracy === undefined ? { loss, rmse: rmse!, mae: mae!, r2: r2! } : { loss, accuracy };

/** Tells lines of metrics as events. */
class Teller {
  /** Of the last epoch that is told. */
  train: Score | undefined;
  #emit: (event: RunEvent) => void;
  #trainer: Trainer;
  #told = 0;
  /** Over the steps of this epoch. */
  #epoch = meanScore();
  #validation: EvalMetrics | undefined;

  constructor(emit: (event: RunEvent) => void, trainer: Trainer) {
    this.#emit = emit;
    this.#trainer = trainer;
  }

  /** Counts from the step at which the trainer is. */
  begin(): void {
    this.#told = this.#trainer.steps;
  }

  metrics(lines: readonly StepMetrics[]): void {
    for (const { images_per_s: imagesPerSecond, ...line } of lines) {
      const steps = line.step - this.#told;
      this.#told = line.step;
      this.#epoch.add(line, steps);
      this.#emit({ type: 'step', ...line, imagesPerSecond });
    }
  }

  evaluation(line: EvalMetrics): void {
    this.#validation = line;
  }

  /** Tells an epoch where one has just ended. */
  epoch(isLast: boolean): void {
    const { steps, stepsPerEpoch, epoch } = this.#trainer;
    if (!isLast && steps % stepsPerEpoch) return;
    const train = (this.train = this.#epoch.mean()!);
    const validation = this.#validation?.step === steps ? scoreOf(this.#validation) : undefined;
    this.#emit({ type: 'epoch', epoch, step: steps, train, ...(validation && { validation }) });
    this.#epoch = meanScore();
  }
}
