/** The progress of a training run: a bar on a terminal, plain lines in a pipe, JSON on request. */
import type { SingleBar } from 'cli-progress';
import type { EvalMetrics, StepMetrics } from '../../train/step/metrics.ts';
import { count, duration, percent, print } from '../output.ts';

export interface Progress {
  metrics(line: StepMetrics): void;
  evaluation(line: EvalMetrics): void;
  /** Takes the bar off the terminal, so that other lines can be written. */
  stop(): void;
}

export interface ProgressOptions {
  json?: boolean | undefined;
  quiet?: boolean | undefined;
  total: number;
  stepsPerEpoch: number;
  done: number;
}

const accuracy = (l: { loss: number; accuracy: number; unaveraged?: EvalMetrics['unaveraged'] }): string =>
  `loss ${l.loss.toFixed(4)}  accuracy ${percent(l.accuracy)}${l.unaveraged ? ` (before averaging: ${accuracy(l.unaveraged)})` : ''}`;
const NAMES = { val: 'validation', test: 'test' } as const;

export async function progress(o: ProgressOptions): Promise<Progress> {
  if (o.json) {
    const asJson = (line: StepMetrics | EvalMetrics) => print(JSON.stringify(line));
    return { metrics: asJson, evaluation: asJson, stop() {} };
  }
  if (o.quiet) return { metrics() {}, evaluation() {}, stop() {} };
  const epochs = Math.ceil(o.total / o.stepsPerEpoch);
  const epochOf = (step: number) => `epoch ${Math.min(epochs, Math.ceil(step / o.stepsPerEpoch))}/${epochs}`;
  const evaluated = (l: EvalMetrics) => `${epochOf(l.step)}  step ${l.step}  ${NAMES[l.split]} ${accuracy(l)}`;
  if (!process.stdout.isTTY) {
    const trained = (l: StepMetrics) => {
      const rates = `lr ${Number(l.lr.toPrecision(4))}  ${count(l.images_per_s)} images/s`;
      return `${epochOf(l.step)}  step ${l.step}  ${accuracy(l)}  ${rates}`;
    };
    return { metrics: l => print(trained(l)), evaluation: l => print(evaluated(l)), stop() {} };
  }

  const { SingleBar, Presets } = (await import('cli-progress')).default;
  const begun = performance.now();
  let bar: SingleBar | undefined;
  let last = o.done;
  let epoch = { steps: 0, loss: 0, accuracy: 0 }; // sums over its steps
  const stop = () => {
    bar?.stop();
    bar = undefined;
  };
  return {
    stop,
    metrics(l) {
      const steps = l.step - last;
      last = l.step;
      epoch = {
        steps: epoch.steps + steps,
        loss: epoch.loss + steps * l.loss,
        accuracy: epoch.accuracy + steps * l.accuracy,
      };
      const perStep = (performance.now() - begun) / 1000 / Math.max(1, l.step - o.done);
      const words = {
        epoch: epochOf(l.step),
        accuracy: accuracy(l),
        speed: `${count(l.images_per_s)} images/s`,
        left: `${duration((o.total - l.step) * perStep)} left`,
      };
      if (bar) return bar.update(l.step, words);
      bar = new SingleBar(
        {
          format: '{epoch} {bar} {accuracy}  {speed}  {left}',
          stream: process.stdout,
          barsize: 24,
          hideCursor: true,
          clearOnComplete: true,
          linewrap: false,
          gracefulExit: false, // Ctrl-C is ours: it keeps a checkpoint
        },
        Presets.shades_classic,
      );
      bar.start(o.total, l.step, words);
    },
    evaluation(l) {
      stop();
      const { steps } = epoch;
      const means = { loss: epoch.loss / steps, accuracy: epoch.accuracy / steps };
      print(`${epochOf(l.step)}  ${steps ? `training ${accuracy(means)}  ` : ''}${NAMES[l.split]} ${accuracy(l)}`);
      epoch = { steps: 0, loss: 0, accuracy: 0 };
    },
  };
}
