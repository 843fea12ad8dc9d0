/** `descent train`. */
import { check } from '../engine/check.ts';
import { openDataset } from '../datasets/node/open.ts';
import { configFromJson, flagOf, OPTIONS, parseConfig, type RunConfig } from '../train/config.ts';
import { stopsEarly } from '../train/early-stopping.ts';
import { evaluation, fit, type Fitted } from '../train/fit.ts';
import { bestOf, isBetter } from '../train/metrics.ts';
import {
  createRun,
  defaultFolder,
  readSafetensors,
  resumeRun,
  weightsFile,
  type Resumed,
  type RunFolder,
  type RunState,
} from '../train/node/run-folder.ts';
import { loadOwnModel } from './own-model.ts';
import { Swag } from '../train/swag.ts';
import { encodeSafetensors } from '../train/safetensors.ts';
import { diagnose, isDivergence } from './diagnose.ts';
import { count, note, percent, print } from './output.ts';
import { describePlan } from './plan.ts';
import { progress } from './progress.ts';
import { openSession, resolved, type Session, type SessionOptions } from './session.ts';

/** As the command line gives them: texts, checked by parseConfig. */
export type TrainOptions = SessionOptions & { [K in keyof typeof OPTIONS]?: string | boolean } & {
  out?: string;
  resume?: string;
  dataDir?: string;
  json?: boolean;
  quiet?: boolean;
  plan?: boolean;
  stats?: string | true;
};

/** What config.json keeps of the adapter. */
interface AdapterFacts {
  description?: string;
  asked?: string;
}

export async function train(model: string | undefined, options: TrainOptions): Promise<void> {
  const resumed = options.resume === undefined ? undefined : resumeRun(options.resume);
  check(
    resumed || model !== undefined,
    'train: no model is named; give one, as in descent train lenet5, or --resume <dir> (descent models lists the names)',
  );
  await loadOwnModel(resumed?.config.model ?? model!);
  const config = resumed ? continued(resumed, model, options) : resolved(parseConfig(model!, options));
  const start = config.init !== undefined && !resumed ? readSafetensors(config.init).tensors : undefined;
  const run =
    resumed?.folder
    ?? (options.plan ? undefined : createRun(options.out ?? defaultFolder(config.model, config.dataset)));

  let session: Session | undefined;
  const interrupt = onInterrupt(() => run?.discardIfEmpty());
  try {
    const dataset = await openDataset(config.dataset, {
      dataDir: options.dataDir,
      quiet: options.quiet,
      limitTrain: config.limitTrain,
      limitTest: config.limitTest,
      imageSize: config.imageSize,
    });
    const before = resumed?.facts.adapter as AdapterFacts | undefined;
    session = await openSession(config, dataset, { ...options, adapter: options.adapter ?? before?.asked });
    const { description } = session.facts.adapter as AdapterFacts;
    if (before && before.description !== description && !options.quiet) {
      note(`this run began on ${before.description}; on another adapter its numbers differ in the last digits`);
    }
    if (!run) return print(describePlan(session.trainer.program));
    if (start) session.trainer.loadWeights(start);
    if (resumed) {
      session.trainer.loadWeights(resumed.weights);
      session.trainer.loadState(resumed.state);
      for (const line of run.lines) if ('split' in line && line.split === 'val') session.trainer.observe(line.loss);
    }
    try {
      await course(run, config, session, options, interrupt, resumed?.state);
    } catch (error) {
      if (!isDivergence(error)) throw error;
      const { steps } = session.trainer;
      session.close();
      session = undefined;
      throw await diagnose(error, { config, dataset, options, run, start, steps });
    }
  } finally {
    session?.close();
    interrupt.end();
    run?.discardIfEmpty();
  }
}

/** The configuration of a stopped run. Only how long it lasts and how often it speaks may be given anew. */
function continued({ config, folder }: Resumed, model: string | undefined, options: TrainOptions): RunConfig {
  check(options.out === undefined, '--out: a resumed run stays in its folder; leave out --out');
  check(
    model === undefined || model === config.model,
    `--resume: the run in ${folder.path} trains ${config.model}, not ${model}; leave out the model`,
  );
  const given = Object.fromEntries(
    (Object.keys(OPTIONS) as (keyof typeof OPTIONS)[]).flatMap(key =>
      options[key] === undefined || (typeof options[key] === 'boolean' && options[key] === OPTIONS[key].default)
        ? []
        : [[key, options[key]]],
    ),
  );
  const fresh = resolved(configFromJson({ ...config, ...given }, '--resume'));
  for (const key of Object.keys(given) as (keyof typeof OPTIONS)[]) {
    check(
      ['epochs', 'steps', 'logEvery'].includes(key) || fresh[key] === config[key],
      `${flagOf(key)}: the run in ${folder.path} has ${config[key] ?? 'none'}, not ${String(fresh[key])}; a resumed run keeps its configuration, only --epochs, --steps and --log-every may change`,
    );
  }
  return fresh;
}

async function course(
  run: RunFolder,
  config: RunConfig,
  session: Session,
  options: TrainOptions,
  interrupt: Interrupt,
  before?: RunState,
): Promise<void> {
  const { trainer } = session;
  const { stepsPerEpoch } = trainer;
  const total = config.steps ?? config.epochs * stepsPerEpoch;
  check(
    trainer.steps < total,
    `${run.path}: the run is complete (${trainer.steps} of ${total} steps); give more with --epochs or --steps`,
  );
  check(
    config.earlyStop === undefined || config.valSplit > 0,
    '--early-stop: no images are held out for validation; give --val-split a share above 0',
  );
  run.writeConfig(config, session.facts);
  const quiet = options.quiet || options.json;
  if (trainer.program.fields.includes('seed') && /(^|,)\s*l?bfgs\b/.test(config.optimizer)) {
    note(
      'lbfgs and bfgs need the same loss at every evaluation; dropout or augmentation makes it noisy, the line search may fail',
    );
  }
  if (!quiet) {
    print(`${session.title}\n${trainer.steps ? `resumed at step ${trainer.steps}, ` : ''}run folder ${run.path}`);
  }

  const shown = await progress({ json: options.json, quiet: options.quiet, total, stepsPerEpoch, done: trainer.steps });
  const swag = config.swag === undefined ? undefined : new Swag();
  if (before?.counters.swag) swag?.load(before.tensors, before.counters.swag);
  const stats =
    options.stats === undefined
      ? undefined
      : await (
          await import('./stats.ts')
        ).watch(session, run, { every: options.stats, total, json: Boolean(options.json) });
  const watched: Fitted = stats
    ? {
        get steps() {
          return trainer.steps;
        },
        stepsPerEpoch,
        step: log => stats.step(log),
        arrived: () => trainer.arrived(),
        settle: () => trainer.settle(),
        evaluate: split => trainer.evaluate(split),
      }
    : trainer;
  const checkpoint = async () => {
    const { tensors, counters } = await trainer.state();
    const weights = await trainer.weights();
    const broken = Object.keys(weights).find(name => !weights[name]!.data.every(Number.isFinite));
    check(
      !broken,
      `the loss is NaN or infinite from now on: ${broken} holds such values after step ${trainer.steps}; lower --lr, or run with --debug, which names the layer; the last checkpoint stays`,
    );
    run.saveCheckpoint(
      weights,
      { tensors: { ...tensors, ...swag?.state() }, counters: { ...counters, ...(swag && { swag: swag.count }) } },
      session.metadata,
    );
    await drawCurves(run, config);
  };
  let complete: boolean;
  interrupt.trains = true;
  try {
    complete = await fit(watched, {
      total,
      logEvery: config.logEvery,
      validate: config.valSplit > 0,
      stopped: () => interrupt.asked,
      finished: () => stopsEarly(run.lines, config.earlyStop),
      onMetrics(line) {
        run.append(line);
        shown.metrics(line);
      },
      async onEvaluation(line) {
        const best = bestOf(run.lines);
        if (!best || isBetter(line, best)) {
          run.saveBest(await trainer.judged(), { ...session.metadata, step: String(line.step) });
        }
        run.append(line);
        trainer.observe(line.loss);
        shown.evaluation(line);
      },
      async onCheckpoint() {
        if (swag && trainer.steps % stepsPerEpoch === 0 && trainer.steps > config.swag! * total) {
          swag.collect(await trainer.weights());
        }
        await checkpoint();
        if (stats && !quiet) print(`layers  ${stats.said()}`);
        const cycle = (trainer.steps * (config.snapshots ?? 0)) / total;
        if (cycle > 0 && Number.isInteger(cycle)) {
          run.write(
            `snapshot-${cycle}.safetensors`,
            encodeSafetensors(await trainer.judged(), { ...session.metadata, step: String(trainer.steps) }),
          );
        }
      },
    });
  } finally {
    shown.stop();
  }
  if (!complete) {
    note(`stopped at step ${trainer.steps} of ${total}; continue with: descent train --resume ${run.path}`);
    process.exitCode = 130;
    return;
  }
  const best = bestOf(run.lines);
  if (trainer.steps < total && best) {
    trainer.loadWeights(readSafetensors(weightsFile(run.path)).tensors);
    await checkpoint();
    if (!quiet) {
      print(
        `no better evaluation in ${config.earlyStop} epochs: stopped after epoch ${Math.round(trainer.epoch)}, the weights of epoch ${Math.round(best.epoch)} are back`,
      );
    }
  }
  const test = await evaluation(trainer, 'test');
  run.append(test);
  shown.evaluation(test);
  await drawCurves(run, config);
  if (swag && swag.count > 1) {
    const { reportSwag } = await import('./swag.ts');
    const { loss, accuracy, samples } = await reportSwag(run, config, session, swag);
    if (options.json) print(JSON.stringify({ swag: { collected: swag.count, samples, loss, accuracy } }));
    else if (!quiet) {
      print(
        `SWAG of ${swag.count} epochs, ${samples} draws: test loss ${loss.toFixed(4)}  accuracy ${percent(accuracy)}; intervals in ${run.path}/swag.svg`,
      );
    }
  } else if (swag) {
    note('--swag: fewer than two epochs were left to collect from; give a smaller share, or more --epochs');
  }
  if (options.quiet && !options.json) print(`test accuracy ${percent(test.accuracy)}, loss ${test.loss.toFixed(4)}`);
  else if (!options.json && stats) print(`\n${stats.table()}\n`);
  if (!options.quiet && !options.json) {
    print(
      `${count(trainer.steps)} ${trainer.steps === 1 ? 'step' : 'steps'}; weights, metrics and curves in ${run.path}`,
    );
  }
}

async function drawCurves(run: RunFolder, config: RunConfig): Promise<void> {
  const { curves } = await import('../plots/curves.ts'); // a chart library is no reason to start later
  run.write('curves.svg', curves(run.lines, `${config.model} on ${config.dataset}`));
}

interface Interrupt {
  readonly asked: boolean;
  /** Steps are being done: there is something to keep. */
  trains: boolean;
  end(): void;
}

/** Ctrl-C asks the run to stop after its step; before the first step, or pressed twice, it ends the command at once. */
function onInterrupt(leave: () => void): Interrupt {
  let asked = false;
  let last = -Infinity;
  const act = (signal: NodeJS.Signals) => {
    if (performance.now() - last < 300) return; // one signal to the process group arrives twice: by itself and through the launcher
    last = performance.now();
    if (asked || !interrupt.trains) {
      leave();
      process.exit(signal === 'SIGINT' ? 130 : 143);
    }
    asked = true;
    note('stopping after this step; Ctrl-C again ends at once');
  };
  const interrupt: Interrupt = {
    get asked() {
      return asked;
    },
    trains: false,
    end: () => {
      process.off('SIGINT', act).off('SIGTERM', act);
    },
  };
  process.on('SIGINT', act).on('SIGTERM', act);
  return interrupt;
}
