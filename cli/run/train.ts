/** `descent train`. */
import type { Dataset } from '../../datasets/dataset.ts';
import { check, DeviceLost } from '../../engine/check.ts';
import { madeBefore } from '../../train/config/changes.ts';
import { configFromJson, parseConfig, type RunConfig } from '../../train/config/config.ts';
import { normalizeText } from '../../train/config/normalize.ts';
import { KEYS, optionOf } from '../../train/config/options.ts';
import type { Recipe } from '../../train/config/recipe.ts';
import { Diverged } from '../../train/step/divergence.ts';
import { checkShare } from '../../train/data/own-validation.ts';
import { validations } from '../../train/step/metrics.ts';
import { lastWeights } from '../../train/run/node/checkpoint-files.ts';
import { createRun, defaultFolder, readConfig, resumeRun, type Resumed } from '../../train/run/node/run-folder.ts';
import { built } from '../../train/evaluate/built.ts';
import { tuningOf, type GivenWeights } from '../../train/tune/tuning.ts';
import { flagOf, quoted } from '../flags.ts';
import { openFor, ownWeights } from './checkpoint.ts';
import { fitRun } from './fit-run.ts';
import { diagnose } from './diagnose.ts';
import { onInterrupt } from './interrupt.ts';
import { asRank, createInJob, interruptOf, joinJob, shareWeights, type Job } from './job.ts';
import { adapterIn, agree, agreeOnData, introduce } from './job-checks.ts';
import { resumeJob, type ResumedJob } from './job-resume.ts';
import { openWeights } from '../onnx-file.ts';
import { note, print } from '../output.ts';
import { isOwn, isOwnModel, loadOwnModel, movedTo } from '../own-model.ts';
import { describePlan, planFolder } from '../show/plan.ts';
import { checkpointsFrom, statsEvery, type TrainOptions } from './options.ts';
import { asNew, localRecipe, openSession, type Session } from './session.ts';

/** What config.json keeps of the adapter. */
interface AdapterFacts {
  description?: string;
  asked?: string;
  software?: boolean;
}

export async function train(model: string | undefined, options: TrainOptions): Promise<void> {
  const job = await joinJob(options);
  if (!job) return trainAs(undefined, model, options);
  const { resume, trust, distribute } = options;
  await asRank(job, async () => {
    // a launcher that starts one process makes no job of a run that was none
    const isAlone = job.exchange.size === 1 && distribute === undefined && readConfig(resume!, trust).config.distribute === undefined;
    await trainAs(isAlone ? undefined : job, model, job.isFirst ? options : { ...options, quiet: true, json: false });
  });
}

/** Trains alone, or as a rank of a job. */
async function trainAs(job: Job | undefined, model: string | undefined, options: TrainOptions): Promise<void> {
  const { resume, trust } = options;
  const stopped = resume === undefined ? undefined : await (job ? resumeJob(job, resume, trust) : resumeRun(resume, trust));
  const moves = stopped && model !== undefined && isOwnModel(model) && isOwnModel(stopped.config.model);
  const resumed = moves ? { ...stopped, config: { ...stopped.config, model: movedTo(stopped.config.model, model) } } : stopped;
  check(
    resumed || model !== undefined,
    'train: no model is named',
    'give one, as in descent train lenet5, or --resume <dir> (descent models lists the names)',
  );
  try {
    await trainIn(resumed, job, moves ? undefined : model, options);
  } finally {
    resumed?.folder.close();
  }
}

/** Throws where statistics are asked for that are no number of steps, or that the run has not. */
function checkStats(stats: TrainOptions['stats'], { distribute, config }: Recipe): void {
  if (stats === undefined) return;
  statsEvery(stats);
  check(
    !distribute || distribute.name === 'sync',
    `--stats: each rank of ${distribute?.name} has gradients and updates of its own`,
    'leave it out',
    'take --distribute sync, whose ranks have the same',
  );
  check(config.dp === undefined, '--stats: of private training there is no gradient of a batch', 'leave it out');
}

/** Throws where the code of a run's model is not the user's own to run. */
function checkOwner({ config, folder }: Resumed): void {
  check(
    !isOwnModel(config.model) || isOwn(folder.path),
    `${folder.path}: names the code in ${config.model} as its model, and the folder is another user's`,
    'read that file, then copy the folder',
  );
}

/** Trains in the folder of a run that goes on, or in a new one. */
async function trainIn(
  resumed: (Resumed & Partial<ResumedJob>) | undefined,
  job: Job | undefined,
  model: string | undefined,
  options: TrainOptions,
): Promise<void> {
  if (resumed) checkOwner(resumed);
  const advice = resumed && `say where it lies now: descent train <file> --resume ${quoted(resumed.folder.path)}`;
  await loadOwnModel(resumed?.config.model ?? model!, advice);
  const given = resumed ? undefined : await startOf(options, job?.isFirst ?? true);
  const recipe = resumed ? continued(resumed, model, options) : localRecipe(asNew(parseConfig(model!, { ...options, ...given?.texts })));
  const { config } = recipe;
  checkpointsFrom(options);
  checkStats(options.stats, recipe);
  if (job) await agree(job, config);
  const start = resumed ? goesOn(resumed) : given?.weights;
  const path = () => options.out ?? defaultFolder(config.model, config.dataset);
  const create = async () => (job ? createInJob(job, path) : createRun(path()));
  const run = resumed?.folder ?? (options.plan ? undefined : await create());
  const planned = typeof options.plan === 'string' && (job?.isFirst ?? true) ? options.plan : undefined;
  const leavePlanned = planned === undefined ? undefined : planFolder(planned);

  let session: Session | undefined;
  const interrupt = onInterrupt(() => run?.close(), job && interruptOf(job, run));
  try {
    const { dataDir, quiet } = options;
    const onFound = ({ classes, shape }: Pick<Dataset, 'classes' | 'shape'>) =>
      void tuningOf(recipe, { classes: classes.length, shape }, start);
    const reading = openFor(resumed?.trained ?? {}, config, { dataDir, quiet, onFound }).then(dataset => {
      if (!resumed) checkShare(dataset, options.valSplit);
      return dataset;
    });
    if (job) await agreeOnData(job, await reading);
    const adapter = options.adapter ?? (job ? await adapterIn(job) : resumed && adapterOf(resumed.facts).asked);
    session = await openSession(recipe, reading, { ...options, adapter, ranks: job?.exchange, startsFrom: start });
    await tellSession(session, resumed, job, quiet ?? false);
    if (options.plan || !run) {
      if (job && !job.isFirst) return;
      return print(describePlan(session.trainer.program, { json: options.json, folder: planned }));
    }
    await setBack(session, resumed, job);
    try {
      const { own, best, state } = resumed ?? {};
      await fitRun({ run, recipe: session.recipe, session, options, interrupt, before: state, job, own, best });
    } catch (error) {
      if (error instanceof DeviceLost) throw new DeviceLost(error.problem, run.next);
      if (!(error instanceof Diverged) || job) throw error;
      const { steps } = session.trainer;
      session.close();
      session = undefined;
      throw await diagnose(error, { recipe, dataset: await reading, options, run, start, steps });
    }
  } finally {
    session?.close();
    interrupt.end();
    run?.close();
    leavePlanned?.();
  }
}

/** Says on what a run trains, where that is news: beside other ranks, or on another adapter or other data than it began with. */
async function tellSession({ facts }: Session, resumed: Resumed | undefined, job: Job | undefined, quiet: boolean): Promise<void> {
  const { description, software } = facts.adapter as AdapterFacts;
  if (job) await introduce(job, String(description), software === true, quiet);
  if (!resumed || quiet) return;
  const { facts: before, config } = resumed;
  if (adapterOf(before).description !== description)
    note(`this run began on ${adapterOf(before).description}; on another adapter its numbers differ in the last digits`);
  tellOtherData(config.dataset, before.images, facts.images);
}

/** Brings the trainer to where a run was stopped; that of a new one in a job to the first weights of rank 0. */
async function setBack({ trainer }: Session, resumed: (Resumed & Partial<ResumedJob>) | undefined, job: Job | undefined): Promise<void> {
  if (resumed) {
    await trainer.loadState(resumed.own ?? resumed.state);
    for (const { loss } of validations(resumed.folder.lines)) trainer.observe(loss);
  } else if (job) await shareWeights(job, trainer);
}

/** The weights that a stopped run goes on with. */
const goesOn = ({ weights, folder }: Resumed): GivenWeights => ({
  of: (layer, shape) => ownWeights(built(layer, shape).weights, weights, lastWeights(folder.path)),
  isOwn: true,
});

/** A number of a text with as many digits as one reads. */
const rounded = (digits: string): string => String(Number(Number(digits).toPrecision(4)));

/**
 * The weights that a run starts from, which one rank reads; and what options say without being asked: nets that are tuned see images
 * normalised as their file says.
 */
async function startOf({ init, head, freeze, normalize, trust, quiet }: TrainOptions, reads: boolean) {
  check(head === undefined || init !== undefined, '--head: is of weights from elsewhere', 'give them with --init');
  if (typeof init !== 'string') return undefined;
  const isTuned = head !== undefined || freeze !== undefined;
  const weights = reads || isTuned ? await openWeights(init, trust) : undefined;
  const own = isTuned && normalize === undefined ? normalizeText(weights?.facts ?? {}) : undefined;
  if (own !== undefined && reads && !quiet)
    note(`--init: images are normalised as its file says, by ${own.replace(/0\.\d{5,}/g, rounded)}`);
  return { weights: reads ? weights : undefined, texts: own === undefined ? {} : { normalize: own } };
}

/** Says that a run goes on with more images, or fewer, than it began with: they are held out and mixed otherwise. */
function tellOtherData(dataset: string, began: unknown, present: unknown): void {
  const counts = (images: unknown) => ['train', 'val', 'test'].map(part => (Object(images) as Record<string, unknown>)[part]);
  const [before, now] = [counts(began), counts(present)];
  if (before.every((n, i) => typeof n !== 'number' || n === now[i])) return;
  const words = (n: unknown[]) => `${n[0]} training, ${n[1]} validation and ${n[2]} test images`;
  note(
    `${dataset}: this run began with ${words(before)}, and there are ${words(now)} now; it goes on with these, not as if it had never stopped`,
  );
}

/** What is recorded of the adapter, as far as it is what it should be: the file may have been edited. */
function adapterOf({ adapter }: Resumed['facts']): AdapterFacts {
  const { description, asked } = Object(adapter) as Record<string, unknown>;
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
  return { description: text(description), asked: text(asked) };
}

/** The recipe of a stopped run. Only how long it lasts and how often it speaks may be given anew. */
function continued({ config, folder, state }: Resumed, model: string | undefined, options: TrainOptions): Recipe {
  check(options.out === undefined, '--out: a resumed run stays in its folder', 'leave out --out');
  check(
    model === undefined || model === config.model,
    `--resume: the run in ${folder.path} trains ${config.model}, not ${model}`,
    'leave out the model',
  );
  const given = KEYS.filter(key => {
    const value = options[key];
    return value !== undefined && !(typeof value === 'boolean' && value === optionOf(key).default); // such come unasked
  });
  const changes = Object.fromEntries(given.map(key => [key, options[key]]));
  const recipe = localRecipe(configFromJson({ ...config, ...changes }, '--resume'));
  const upTo = (config: RunConfig) => ({ ...config, changes: madeBefore(config, state.counters.steps) });
  const [was, fresh] = [upTo(config), upTo(recipe.config)];
  for (const key of given) {
    check(
      ['epochs', 'steps', 'logEvery'].includes(key) || fresh[key] === was[key],
      `${flagOf(key)}: the run in ${folder.path} has ${was[key] ?? 'none'}, not ${String(fresh[key])}`,
      'a resumed run keeps its configuration, only --epochs, --steps, --log-every and later --changes may change',
    );
  }
  return recipe;
}
