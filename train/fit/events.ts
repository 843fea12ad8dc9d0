/** What a run tells while it trains, and what it has come to. */
import type { Predictor, PredictorOptions } from '../evaluate/predictor.ts';
import type { Score } from '../evaluate/score.ts';
import type { Tensors } from '../run/safetensors.ts';

/** Means over the steps since the last such event. */
export interface StepEvent extends Score {
  readonly type: 'step';
  /** Steps done. */
  readonly step: number;
  /** Passes over the training images, with a fraction. */
  readonly epoch: number;
  /** Learning rate. */
  readonly lr: number;
  readonly imagesPerSecond: number;
}

/** An epoch is over. */
export interface EpochEvent {
  readonly type: 'epoch';
  readonly epoch: number;
  readonly step: number;
  /** Of the images of this epoch while they were trained on. */
  readonly train: Score;
  /** Of the images that are held out by valSplit, where there are any. */
  readonly validation?: Score;
}

/** What `fit` takes as `resume`. */
export interface CheckpointEvent {
  readonly type: 'checkpoint';
  readonly step: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Something that differs from what was asked for, in one line. */
export interface WarningEvent {
  readonly type: 'warning';
  readonly message: string;
}

/** What a run tells, by its `type`. */
export type RunEvent = StepEvent | EpochEvent | CheckpointEvent | WarningEvent;

/** How a run ended: after all steps, before since nothing got better, or because it was asked to. */
export interface Outcome {
  readonly ended: 'complete' | 'early' | 'stopped';
  readonly step: number;
  readonly epoch: number;
  /** Of the last epoch. */
  readonly train?: Score;
  /** Of the last epoch, or of the best where the run ended early. */
  readonly validation?: Score;
  /** Of the weights that were kept; of a run that was stopped there is none. */
  readonly test?: Score;
}

/**
 * A run under way. `for await (const event of run)` goes on until it ends, and throws what it fails with; to break out of that stops the run
 * after the step in flight. Who is slow misses steps, of which the latest is told, and nothing else; the run waits for nobody.
 */
export interface Run extends AsyncIterable<RunEvent> {
  /** How the run ended. Rejects where it failed, and with the signal's reason where it was aborted. */
  readonly done: Promise<Outcome>;
  /** The trained model, ready to answer, once the run has ended in whatever way but an error. It is yours to destroy. */
  readonly model: Promise<Predictor>;
  /** Waits for the step in flight; no other follows until `resume`. */
  pause(): Promise<void>;
  resume(): void;
  /** Ends the run after the step in flight; resolves when it has. Its model is valid, but where samples still came: `done` then rejects. */
  stop(): Promise<void>;
  /** All that `fit` needs, as `resume`, to go on from here; it is a safetensors file of the weights too. */
  checkpoint(): Promise<Uint8Array<ArrayBuffer>>;
}

/** A run that has ended, with what its model is made from again. */
export interface Ended {
  readonly outcome: Outcome;
  /** What the images are that it takes. */
  readonly images: Pick<
    PredictorOptions,
    'shape' | 'classes' | 'outputs' | 'inputs' | 'dtype' | 'normalize' | 'moments' | 'resize' | 'dataset'
  >;
  /** Those that are evaluated: averaged ones where the optimizer keeps an average. */
  readonly weights: Tensors;
  readonly checkpoint: Uint8Array<ArrayBuffer>;
}

/** What trains, in this thread or in a worker. */
export interface Training {
  run(emit: (event: RunEvent) => void): Promise<Ended>;
  /** Resolves when the step in flight is done. */
  pause(): Promise<void>;
  resume(): void;
  /** The step in flight, or the next one, is the last. */
  stop(): void;
  /** Between two steps. */
  checkpoint(): Promise<Uint8Array<ArrayBuffer>>;
}
