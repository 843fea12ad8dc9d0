/** `descent train` under way: what is kept in the run's folder, and what is said while it trains and at its end. */
import { counted } from '../../engine/counted.ts';
import { check } from '../../engine/check.ts';
import { checkFeasible } from '../../train/config/feasible.ts';
import { EARLY } from '../../train/config/options.ts';
import type { Recipe } from '../../train/config/recipe.ts';
import { Diverged, notFinite } from '../../train/step/divergence.ts';
import { figuresOf } from '../../train/evaluate/score.ts';
import { stopsEarly } from '../../train/run/early-stopping.ts';
import { evaluation, loop, type LoopState } from '../../train/run/loop.ts';
import { bestOf, validations, type EvalMetrics, type StepMetrics } from '../../train/step/metrics.ts';
import type { Tensors } from '../../train/run/safetensors.ts';
import type { Started } from '../../train/distribute/start.ts';
import { weightsFile, type RunFolder } from '../../train/run/node/run-folder.ts';
import { encodeSealed, readSafetensors } from '../../train/run/node/sealed.ts';
import type { TrainerState } from '../../train/step/state.ts';
import { Swag } from '../../train/run/swag.ts';
import { checkpointsOf, startRanks, stateOfRanks } from './distributed.ts';
import type { Interrupt } from './interrupt.ts';
import { commandOn, type Job } from './job.ts';
import { note, percent, print } from '../output.ts';
import { progress, type Progress } from './progress.ts';
import type { Session } from './session.ts';
import type { Stats } from './stats.ts';
import { checkpointsFrom, statsEvery, type TrainOptions } from './options.ts';

export interface FitRunOptions {
  readonly run: RunFolder;
  readonly recipe: Recipe;
  readonly session: Session;
  readonly options: TrainOptions;
  readonly interrupt: Interrupt;
  /** Where a resumed run stopped. */
  readonly before?: TrainerState | undefined;
  /** Where several ranks train: the job, what this one held for itself, and the best weights where the run may stop early. */
  readonly job?: Job | undefined;
  readonly own?: TrainerState | undefined;
  readonly best?: Tensors | undefined;
}

/** A run under way. */
interface Running extends FitRunOptions {
  readonly shown: Progress;
  readonly swag?: Swag | undefined;
  /** Set once the ranks have begun. */
  started?: Started;
  stats?: Stats | undefined;
}

/** Trains to the end, or until interrupted; a run that is complete is evaluated on the test images. */
export async function fitRun(o: FitRunOptions): Promise<void> {
  const { run, session, options, interrupt, job } = o;
  const { trainer, total } = session;
  const speaks = job?.isFirst ?? true;
  begin(o);
  const running: Running = { ...o, shown: await showProgress(o), swag: swagOf(o) };
  const ended = await training(running);
  if (ended === 'stopped') {
    if (speaks) note(`stopped at step ${trainer.steps} of ${total}; continue with: ${commandOn(run.path, job)}`);
    process.exitCode = interrupt.code;
    return;
  }
  if (ended === 'early') await endEarly(running);

  const test = await tested(trainer);
  run.append(test);
  running.shown.evaluation(test);
  await drawCurves(o);
  await drawPrediction(o);
  await tellSwag(running, test);
  if (options.json || !speaks) return;
  if (test.epsilon !== undefined) print(privacyWords(test.epsilon, test.delta!));
  if (options.quiet)
    print(
      `test ${figuresOf(test)
        .map(figure => figure.join(' '))
        .join(', ')}, loss ${test.loss.toFixed(4)}`,
    );
  else {
    if (running.stats) print(`\n${running.stats.table()}\n`);
    const steps = counted(trainer.steps, 'step');
    print(`${steps}; weights, metrics and curves in ${run.path}`);
  }
}

const privacyWords = (epsilon: number, delta: number): string =>
  `(epsilon, delta)-differentially private for the training images: epsilon ${epsilon.toFixed(3)}, delta ${delta}, batches counted as drawn by chance`;

/** The evaluation on the test images; of averaged weights beside that of the weights themselves, where these are others. */
async function tested(trainer: Session['trainer']): Promise<EvalMetrics> {
  const line = await evaluation(trainer, 'test');
  const unaveraged = await trainer.evaluateUnaveraged('test');
  return { ...line, ...(unaveraged && unaveraged.loss !== line.loss && { unaveraged }) };
}

/** Checks what there is to do, records it and says so. */
function begin({ run, recipe, session, options, job }: FitRunOptions): void {
  const { trainer, total } = session;
  // One that was killed after its last checkpoint still lacks its evaluation on the test images.
  const isTested = run.lines.some(line => 'split' in line && line.split === 'test' && line.step === trainer.steps);
  check(
    trainer.steps < total || !isTested,
    `${run.path}: the run is complete (${trainer.steps} of ${total} steps)`,
    'give more with --epochs or --steps',
  );
  check(
    !stopsEarly(run.lines, recipe.earlyStop) || !isTested,
    `${run.path}: the run is complete, it stopped early at step ${trainer.steps}`,
    'begin a new one from its weights with --init',
  );
  // One that goes on may have begun before this was asked.
  if (trainer.steps === 0) checkFeasible(recipe, { stepsPerEpoch: trainer.stepsPerEpoch, heldOut: session.data.parts.val.n > 0 });
  run.writeConfig(recipe.config, session.facts);
  if (trainer.program.fields.includes('seed') && recipe.optimizers.some(o => !('rule' in o))) {
    note('lbfgs and bfgs need the same loss at every evaluation; dropout or augmentation makes it noisy, the line search may fail');
  }
  if (!options.quiet && !options.json) {
    const lost = job && job.exchange.size > 1 ? `; should a rank be lost, go on with: ${commandOn(run.path, job)}` : '';
    print(`${session.title}\n${trainer.steps ? `resumed at step ${trainer.steps}, ` : ''}run folder ${run.path}${lost}`);
  }
}

function showProgress({ session, options, job }: FitRunOptions): Promise<Progress> {
  const { trainer, total } = session;
  const { steps, stepsPerEpoch } = trainer;
  return progress({
    json: options.json,
    quiet: options.quiet,
    total,
    stepsPerEpoch,
    done: steps,
    plain: job !== undefined && job.exchange.size > 1,
  });
}

function swagOf({ recipe, before }: FitRunOptions): Swag | undefined {
  if (recipe.swag === undefined) return undefined;
  const swag = new Swag();
  if (before?.counters.swag) swag.load(before.tensors, before.counters.swag);
  return swag;
}

/** Of ranks that make each step together rank 0 looks at the layers. */
async function statsOf({ run, session, options, job, started }: Running): Promise<Stats | undefined> {
  if (options.stats === undefined || job?.isFirst === false) return undefined;
  const { watch } = await import('./stats.ts');
  return watch(session, run, { every: statsEvery(options.stats), json: Boolean(options.json), doStep: started?.step });
}

/** Trains, with an evaluation and a checkpoint after each epoch. */
async function training(o: Running): ReturnType<typeof loop> {
  const { run, recipe, session, options, interrupt, shown, job } = o;
  const { trainer, total } = session;
  const onMetrics = (line: StepMetrics) => {
    run.append(line);
    shown.metrics(line);
  };
  const checkpoints = checkpointsFrom(options);
  if (job) o.started = await startRanks(o, job, checkpoints, onMetrics);
  const { started } = o;
  o.stats = await statsOf(o);
  interrupt.trains = true;
  try {
    shown.steps(trainer.steps);
    return await loop(started?.fitted ?? trainer, {
      total,
      logEvery: recipe.logEvery,
      logAlso: EARLY,
      validate: session.data.parts.val.n > 0,
      earlyStop: recipe.earlyStop,
      ...(started ? checkpointsOf(started, trainer, checkpoints) : checkpoints),
      state: stateOf(o),
      step: o.stats?.step ?? started?.step,
      stopped: () => started?.isAsked ?? interrupt.asked,
      ...(started && started.fitted !== trainer && { turn: untilAsked(started) }), // ranks that met have kept what there is
      onStep: shown.steps,
      onMetrics,
      onBest: weights => run.saveBest(weights, ofEvaluated(session)),
      onEvaluation(line) {
        run.append(line);
        shown.evaluation(line);
      },
      onCheckpoint: () => onCheckpoint(o),
    });
  } finally {
    shown.stop();
  }
}

/** Ends the loop as soon as a rank has asked for it. */
const untilAsked = (started: Started) => async (work: () => Promise<void>) => {
  if (started.isAsked) return false;
  await work();
  return true;
};

/** What a resumed run has come to already. */
function stateOf({ run, recipe, options, job, best }: Running): LoopState {
  const evaluated = validations(run.lines);
  if (job) return { evaluated, best };
  if (recipe.earlyStop === undefined || !evaluated.length) return { evaluated };
  return { evaluated, best: readSafetensors(weightsFile(run.path), options.trust).tensors };
}

async function onCheckpoint(o: Running): Promise<void> {
  const { run, recipe, session, options, swag, stats } = o;
  const { trainer, total } = session;
  const epochEnds = trainer.steps % trainer.stepsPerEpoch === 0;
  if (swag && epochEnds && trainer.steps > recipe.swag! * total) swag.collect(await trainer.weights());
  await saveCheckpoint(o);
  if (stats && epochEnds && !options.quiet && !options.json) print(`layers  ${stats.said()}`);
  const cycle = (trainer.steps * (recipe.snapshots ?? 0)) / total;
  if (cycle > 0 && Number.isInteger(cycle)) {
    const snapshot = encodeSealed(await trainer.evaluatedWeights(), ofEvaluated(session));
    run.write(`snapshot-${cycle}.safetensors`, snapshot.bytes);
  }
}

/**
 * Keeps weights and state as they are; where evaluations take population statistics, those come with the last weights alone, since each time
 * they take a pass over all training images. Throws where a weight is not finite: the checkpoint before is worth more.
 */
async function saveCheckpoint(o: Running, isLast = o.session.trainer.steps >= o.session.total): Promise<void> {
  const { run, session, swag, job, started } = o;
  const { trainer, metadata } = session;
  if (job && !job.isFirst && !started!.apart) return; // all have the same
  const own = await trainer.state();
  const { state: kept, ranks } = job ? await stateOfRanks(job, started!, own) : { state: own, ranks: [] };
  const { tensors, counters } = kept;
  const weights = await (isLast ? trainer.keptWeights() : trainer.weights());
  const broken = notFinite(weights);
  if (broken) {
    throw new Diverged(`the loss is NaN or infinite from now on: ${broken} holds such values after step ${trainer.steps}`);
  }
  const state = {
    tensors: { ...tensors, ...swag?.state() },
    counters: { ...counters, ...(swag && { swag: swag.count }) },
  };
  run.saveCheckpoint(weights, state, isLast ? ofEvaluated(session) : metadata, ranks);
  await drawCurves(o);
}

/** What a file says of itself whose weights are as evaluations take them. */
const ofEvaluated = ({ metadata, recipe, trainer }: Session): Readonly<Record<string, string>> => ({
  ...metadata,
  ...(recipe.bnStats === 'population' && { statistics: 'population' }),
  step: String(trainer.steps),
});

/** After early stopping: the best weights, which are back, are the last checkpoint too. */
async function endEarly(o: Running): Promise<void> {
  const { run, recipe, session, options } = o;
  const { trainer } = session;
  await saveCheckpoint(o, true);
  const { watched, patience } = recipe.earlyStop!;
  const best = bestOf(run.lines, watched);
  if (!best || options.quiet || options.json) return;
  print(
    `no better ${watched} in ${counted(patience, 'epoch')}: stopped after epoch ${Math.round(trainer.epoch)}, ` +
      `the weights of epoch ${Math.round(best.epoch)} are back`,
  );
}

async function tellSwag({ run, recipe, session, options, swag }: Running, { unaveraged, ...test }: EvalMetrics): Promise<void> {
  if (!swag) return;
  if (swag.count < 2) {
    note('--swag: fewer than two epochs were left to collect from; give a smaller share, or more --epochs');
    return;
  }
  const { reportSwag } = await import('./swag.ts');
  const { loss, accuracy, samples } = await reportSwag(run, recipe, session, swag);
  if (options.json) print(JSON.stringify({ swag: { collected: swag.count, samples, loss, accuracy } }));
  else if (!options.quiet) {
    print(
      `SWAG of ${swag.count} epochs, ${samples} draws: test loss ${loss.toFixed(4)}  accuracy ${percent(accuracy)} ` +
        `(the last weights: ${percent((unaveraged ?? test).accuracy!)}); ` +
        `intervals in ${run.path}/swag.svg`,
    );
  }
}

/** Of a function of one variable the points, and what is predicted where it is tested, as prediction.svg. */
async function drawPrediction({ run, recipe, session, job }: FitRunOptions): Promise<void> {
  const { dataset } = session.data;
  const isCurve = dataset.outputs?.length === 1 && dataset.dtype === 'float32' && dataset.shape.every(size => size === 1);
  if (!isCurve || (job && !job.isFirst)) return;
  const [{ draw }, { pointsOf, predictionPanel }] = await Promise.all([
    import('../../plots/chart.ts'),
    import('../../train/study/functions/ways.ts'),
  ]);
  const prediction = pointsOf(dataset.test, await session.trainer.logits('test'));
  const panel = predictionPanel('Data and prediction', dataset, [{ name: 'prediction', prediction }]);
  run.write('prediction.svg', draw([panel], { title: `${recipe.config.model} on ${recipe.dataset}`, width: 640, height: 340 }));
}

async function drawCurves({ run, recipe, job }: FitRunOptions): Promise<void> {
  if (job && !job.isFirst) return;
  const { curves } = await import('../../train/study/curves.ts'); // a chart library is no reason to start later
  run.write('curves.svg', curves(run.lines, `${recipe.config.model} on ${recipe.dataset}`, recipe.loss));
}
