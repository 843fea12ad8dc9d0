/** The progress of a training run: a bar on a terminal, plain lines in a pipe, JSON on request. */
import type { SingleBar } from 'cli-progress';
import { figuresOf, meanScore, scoreWords, type Score } from '../../train/evaluate/score.ts';
import type { EvalMetrics, StepMetrics } from '../../train/step/metrics.ts';
import { count, duration, print } from '../output.ts';

export interface Progress {
  /** So many steps are done or on their way. */
  steps(done: number): void;
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
  /** Lines on a terminal too: launchers of several processes give each a terminal and pass on what they write. */
  plain?: boolean;
}

/** What the bar of a terminal says. */
export interface BarWords {
  readonly epoch: string;
  readonly loss: string;
  readonly accuracy: string;
  readonly speed: string;
  readonly left: string;
}

const MOST_BAR = 24;
const LEAST_BAR = 8;

/** The bar in so many columns, with `share` done. Where they are few the bar goes first, then the speed, the loss, the epoch. */
export function barLine({ epoch, loss, accuracy, speed, left }: BarWords, share: number, columns: number): string {
  const lines = [
    [epoch, loss, accuracy, speed, left],
    [epoch, loss, accuracy, left],
    [epoch, accuracy, left],
    [accuracy, left],
  ].map(words => words.filter(Boolean).join('  '));
  const room = columns - 1; // a full line would wrap on some terminals
  const bar = Math.min(MOST_BAR, room - lines[0]!.length - 2);
  if (bar < LEAST_BAR) return lines.find(line => line.length <= room) ?? accuracy.slice(0, room);
  const done = Math.round(share * bar);
  return lines[0]!.replace(epoch, () => `${epoch}  ${'\u2588'.repeat(done)}${'\u2591'.repeat(bar - done)}`);
}

const said = (l: Score & { unaveraged?: Score }): string =>
  `${scoreWords(l)}${l.unaveraged ? ` (before averaging: ${scoreWords(l.unaveraged)})` : ''}`;
const NAMES = { val: 'validation', test: 'test' } as const;

const silent: Progress = { steps() {}, metrics() {}, evaluation() {}, stop() {} };

export async function progress(o: ProgressOptions): Promise<Progress> {
  if (o.json) {
    const asJson = (line: StepMetrics | EvalMetrics) => print(JSON.stringify(line));
    return { ...silent, metrics: asJson, evaluation: asJson };
  }
  if (o.quiet) return silent;
  return o.plain || !process.stdout.isTTY ? plain(o) : onTerminal(o);
}

/** The epoch of a step, among all. */
const epochOf = (step: number, { total, stepsPerEpoch }: ProgressOptions): string => {
  const epochs = Math.ceil(total / stepsPerEpoch);
  return `epoch ${Math.min(epochs, Math.ceil(step / stepsPerEpoch))}/${epochs}`;
};

function plain(o: ProgressOptions): Progress {
  const trained = (l: StepMetrics) => {
    const rates = `lr ${Number(l.lr.toPrecision(4))}  ${count(l.images_per_s)} images/s`;
    return `${epochOf(l.step, o)}  step ${l.step}  ${said(l)}  ${rates}`;
  };
  const evaluated = (l: EvalMetrics) => `${epochOf(l.step, o)}  step ${l.step}  ${NAMES[l.split]} ${said(l)}`;
  return { ...silent, metrics: l => print(trained(l)), evaluation: l => print(evaluated(l)) };
}

/** A bar while an epoch lasts, and a line where it is evaluated. */
async function onTerminal(o: ProgressOptions): Promise<Progress> {
  const { SingleBar } = (await import('cli-progress')).default;
  let bar: SingleBar | undefined;
  let words: BarWords = { epoch: epochOf(o.done + 1, o), loss: '', accuracy: '', speed: '', left: 'compiling' };
  /** When the first step was on its way: the one that compiles says nothing of those to come. */
  let first: { readonly at: number; readonly step: number } | undefined;
  let last = o.done;
  let epoch = meanScore();
  let at = o.done;
  const show = (now: Partial<BarWords>) => {
    words = { ...words, ...now };
    if (bar) return bar.update(at, words);
    bar = new SingleBar({
      format: (_, { progress }, said: BarWords) => barLine(said, progress, process.stdout.columns || 80),
      stream: process.stdout,
      hideCursor: true,
      clearOnComplete: true,
      linewrap: false,
      gracefulExit: false, // Ctrl-C is ours: it keeps a checkpoint
    });
    bar.start(o.total, at, words);
  };
  const stop = () => {
    bar?.stop();
    bar = undefined;
  };
  return {
    stop,
    steps(done) {
      at = done;
      if (done === o.done) return show({});
      const now = performance.now();
      first ??= { at: now, step: done };
      const perStep = (now - first.at) / 1000 / (done - first.step);
      show({ epoch: epochOf(done, o), left: done > first.step ? `${duration((o.total - done) * perStep)} left` : '' });
    },
    metrics(l) {
      epoch.add(l, l.step - last);
      last = l.step;
      show({
        loss: `loss ${l.loss.toFixed(4)}`,
        accuracy: figuresOf(l)[0]!.join(' '),
        speed: `${count(l.images_per_s)} images/s`,
      });
    },
    evaluation(l) {
      stop();
      const trained = epoch.mean();
      print(`${epochOf(l.step, o)}  ${trained ? `training ${said(trained)}  ` : ''}${NAMES[l.split]} ${said(l)}`);
      epoch = meanScore();
    },
  };
}
