/** What the page and a run's worker say to each other: calls with an answer, and events. */
import type { ChangedValues } from '../../train/config/changes.ts';
import type { RunConfig } from '../../train/config/config.ts';
import type { KernelResult, Timed } from '../../bench/kernels.ts';
import type { Ceiling } from '../../bench/ceiling.ts';
import type { DispatchResult, StepResult } from '../../bench/step.ts';
import type { Fault } from '../../engine/check.ts';
import type { AdapterReport } from '../../engine/adapter.ts';
import type { RangeOptions, RangeTest } from '../../train/study/find-lr.ts';
import type { Trial } from '../../train/study/trial.ts';
import type { Explanation } from '../../train/study/explain.ts';
import type { Filters, Histogram, Planes } from '../../train/study/looks.ts';
import type { ClassScores, Verdict } from '../../train/evaluate/report.ts';
import type { Score } from '../../train/evaluate/score.ts';
import type { LayerStats } from '../../train/study/layer-stats.ts';
import type { Landscape, Point } from '../../train/study/descent/landscapes.ts';
import type { MetricsLine } from '../../train/step/metrics.ts';
import type { Outcome } from '../../train/study/experiment.ts';
import type { Who } from '../../train/distribute/channels/protocol.ts';
import type { NetShape } from './fitting.ts';
import type { Dropped } from '../data/dropped.ts';
import type { Opening } from './run-device.ts';

/** What a run is, once its programs are built. */
export interface RunFacts {
  readonly adapter: string;
  readonly software: boolean;
  readonly parameters: number;
  /** The dispatches of a step. */
  readonly dispatches: number;
  /** Bytes of device memory. */
  readonly bytes: number;
  /** Where activations are computed a second time: their bytes with and without that, and how many times as long a step takes by estimate. */
  readonly recomputes?: { readonly kept: number; readonly without: number; readonly slowdown: number };
  readonly stepsPerEpoch: number;
  /** Steps of the whole run. */
  readonly total: number;
  /** Images of a step; fewer than the usual batch where there are not that many. */
  readonly batchSize: number;
  readonly images: { readonly train: number; readonly val: number; readonly test: number };
  readonly shape: readonly [c: number, h: number, w: number];
  readonly classes: readonly string[];
  /** Of a regression the names of the numbers that it predicts. */
  readonly outputs?: readonly string[];
  /** Whether an average of the weights is kept, which evaluations take. */
  readonly averages: boolean;
  /** What changes while it trains, as its configuration has it. */
  readonly changes: string | undefined;
  /** Seconds to load the data and to build and compile the programs. */
  readonly seconds: number;
}

export interface OpenOptions extends Opening {
  /** Address of the page, beside which data/ lies. */
  readonly base: string;
  /** Steps between evaluations on the validation images; 0 after each epoch only. */
  readonly evalEvery: number;
  /** The name under which the browser keeps the run's checkpoints, and whether the run goes on from the one that is kept. */
  readonly kept?: { readonly id: string; readonly resumes: boolean } | undefined;
  /** The checkpoint of a run of the same configuration that it begins from, and what changes there. */
  readonly branch?: { readonly file: Uint8Array; readonly values: ChangedValues } | undefined;
}

/** What a bench measured, and where. */
export interface Measured {
  readonly adapter: AdapterReport;
  readonly ceiling?: Ceiling;
  readonly kernels?: readonly KernelResult[];
  readonly step?: StepResult;
  readonly firstStepMs?: number;
  /** How the step differs from what was asked for, so that it fits on the device. */
  readonly note?: string | undefined;
  readonly trace?: readonly DispatchResult[];
}

/** Where a run stands; of a `loaded` one, of a file, there are curves alone, of a `kept` one, from before a reload, also a checkpoint. */
export type RunState = 'building' | 'paused' | 'running' | 'done' | 'failed' | 'loaded' | 'kept';

export type RunEvent =
  /** Without a step it is the last one that was told: a worker that is gone tells none. */
  | { readonly kind: 'state'; readonly state: RunState; readonly step?: number; readonly message?: string | Fault }
  | { readonly kind: 'metrics'; readonly lines: readonly MetricsLine[] }
  /** The device was lost and the run went back to its last checkpoint: lines beyond that step will come again. */
  | { readonly kind: 'rewind'; readonly step: number; readonly message: string }
  /** How the run differs from what was asked for, so that it fits on the device; nothing where it does not. */
  | { readonly kind: 'note'; readonly text: string | undefined }
  /** Why the browser does not keep the run's checkpoint. */
  | { readonly kind: 'unkept'; readonly why: string }
  /** What is being done before the run is built. */
  | { readonly kind: 'building'; readonly text: string }
  /** How far Teach is with its head, and how many of the samples that it learns from it has right. */
  | { readonly kind: 'learning'; readonly done: number; readonly accuracy: number }
  /** How far Teach is with what it has held out. */
  | { readonly kind: 'checking'; readonly done: number }
  /** How far experiment `id` is, and with what part. */
  | { readonly kind: 'experiment'; readonly id: number; readonly done: number; readonly of: number; readonly what: string }
  /** Who trains together, and which of them this one is; none where it trains alone. */
  | { readonly kind: 'who'; readonly who: readonly Who[]; readonly own: number }
  /** The net of the playground as it is now. */
  | { readonly kind: 'look'; readonly look: PlayLook }
  /** How far a search over rates or runs is. */
  | { readonly kind: 'searched'; readonly done: number; readonly of: number }
  /** What came of a run of a sweep. */
  | ({ readonly kind: 'tried'; readonly index: number } & Pick<Trial, 'lines' | 'best' | 'diverged'>)
  /** The kernel that a benchmark has timed. */
  | ({ readonly kind: 'timed' } & Timed);

/** What the net says of the first test images. */
export interface Judged {
  readonly verdicts: readonly Verdict[];
  /** Counts [label, answer]. */
  readonly confusion: Uint32Array;
  readonly scores: readonly ClassScores[];
}

/** A data set that is looked at. */
export interface DataPreview {
  readonly shape: readonly [c: number, h: number, w: number];
  readonly classes: readonly string[];
  readonly isRegression: boolean;
  readonly images: { readonly train: number; readonly test: number };
  /** By class how many images of each split are of it. */
  readonly train: Uint32Array;
  readonly test: Uint32Array;
  /** Of each of the first classes the bytes of some training images; none where they are no pictures. */
  readonly samples: readonly Uint8Array[];
}
/** The first `n` training images: as they are, and as some epochs show them to the net, bytes [n, c, h, w] each. */
export interface AugmentPreview {
  readonly shape: readonly [c: number, h: number, w: number];
  readonly n: number;
  readonly seen: readonly Uint8Array[];
}

/** Test images whose layers are looked at together; there may be fewer. */
export const LOOKED_AT = 16;

/** What a layer holds and makes of a test image, after a step; it may have no weight, or nothing outside of training. */
export interface LayerLook {
  readonly step: number;
  readonly weight: Filters | undefined;
  readonly activations: Planes | undefined;
  readonly histograms: readonly { readonly of: 'weights' | 'gradients' | 'activations'; readonly histogram: Histogram }[];
}

/** Samples of Teach: features [n, F] of a backbone, and class numbers. */
export interface Samples {
  readonly features: Float32Array;
  readonly labels: Uint16Array;
  readonly classes: readonly string[];
}
/** A net that answers in Teach. */
export interface TaughtNet {
  /** Of the images that it takes. */
  readonly shape: readonly [c: number, h: number, w: number];
  readonly classes: readonly string[];
}
export interface Learned {
  /** Share of the samples that it has right after it has learned from them. */
  readonly accuracy: number;
  readonly net: TaughtNet;
  /** Whether the browser keeps it over a reload. */
  readonly kept: boolean;
}
export type NetFormat = 'safetensors' | 'onnx' | 'html';

/** Points of the playground as a net takes them: inputs [n, features], and a number each. */
export interface PlaySamples {
  readonly inputs: Float32Array;
  readonly targets: Float32Array;
}
/** What steps of the playground go by, which changes between two of them. */
export interface PlayRates {
  readonly lr: number;
  readonly l1: number;
  readonly l2: number;
}
/** A net of the playground with one output, and what it learns. */
export interface PlayTask extends NetShape {
  readonly activation: string;
  /** Of classes, whose targets are 0 and 1, or of numbers. */
  readonly loss: 'logistic' | 'mse';
  readonly optimizer: string;
  readonly batchSize: number;
  readonly seed: number;
  readonly rates: PlayRates;
  readonly train: PlaySamples;
  readonly test: PlaySamples;
  /** Inputs [grid, features] at which it is looked at. */
  readonly grid: Float32Array;
}
export interface PlayScore {
  /** The mean over the points; NaN where there are none. */
  readonly loss: number;
  /** The share that is right, of classes. */
  readonly accuracy: number | undefined;
}
export interface PlayLook {
  readonly step: number;
  readonly epoch: number;
  /** Of each hidden layer [grid, units]. */
  readonly units: readonly Float32Array[];
  /** [grid]: the logit of the second class, or the number. */
  readonly output: Float32Array;
  /** By their names, `fc1.weight` [units, inputs]. */
  readonly weights: Readonly<Record<string, Float32Array>>;
  readonly train: PlayScore;
  readonly test: PlayScore;
}

/** What an experiment of a lesson finds on the page. */
export interface LabOptions {
  /** Address of the page. */
  readonly base: string;
  readonly dropped: Dropped;
  /** Pixels of the width of a panel, margins included. */
  readonly width: number;
}
/** What came of an experiment, drawn. */
export interface Drawn extends Omit<Outcome, 'panels' | 'layout' | 'pictures' | 'values'> {
  readonly panels: readonly { readonly title: string; readonly svg: string }[];
  /** Where it is of other data than those that are asked for, as these are not here. */
  readonly note: string | undefined;
  readonly seconds: number;
}

/** The calls that a worker answers. Byte arrays are copied. */
export interface Api {
  open(config: RunConfig, options: OpenOptions, dropped: Dropped): RunFacts;
  /** Has a run of a configuration begin sooner. */
  warm(config: RunConfig, opening: Opening): void;
  /** Gives back what the run holds. */
  close(): void;
  play(): void;
  pause(): void;
  stepOnce(): void;
  /** Has a run go on until it has so many epochs in all, after its last one too; what it then is. */
  extend(epochs: number): RunFacts;
  /** Changes something of the run from its next step on; what it then is. */
  change(values: ChangedValues): RunFacts;
  /** The run as it is now, as a file. */
  checkpoint(): Uint8Array;
  /** Back to the first weights and step 0. */
  reset(): void;
  evaluate(part: 'val' | 'test'): Score;
  /** A safetensors file of parameters and buffers, as the command line writes; of the averaged weights where they are asked for. */
  exportWeights(averaged: boolean): Uint8Array;
  importWeights(bytes: Uint8Array, name: string): void;
  /** What the net says of the first `count` test images. */
  judge(count: number): Judged;
  /** Bytes [n, c, h, w] of the test images of these numbers. */
  imagesAt(indices: Uint32Array): Uint8Array;
  /** Class probabilities of images given as bytes [n, c, h, w]. */
  predict(bytes: Uint8Array): Float32Array;
  /** What speaks for a class in an image given as bytes [c, h, w]. */
  explain(bytes: Uint8Array, target: number): Explanation;
  /** What the layers do on the first `LOOKED_AT` test images. */
  layers(): LayerStats[];
  /** What the layer of a name holds, and what it makes of a test image. */
  layer(name: string, index: number): LayerLook;
  /** Lets another, number `id` of those who train together, into the run, which hosts it from now on. */
  admit(id: number, port: MessagePort): void;
  /** Trains with the host at the other end of a port, once it plays. */
  join(port: MessagePort): void;
  /** Trains with others no more, who go on where this is not their host. The run goes on from where it stands, alone. */
  leave(): void;
  /** Destroys the device, as a driver reset does. */
  loseDevice(): void;
  race(request: RaceRequest): Point[];
  /** An experiment as `descent compare` is asked for it; nothing where it was stopped before there was anything to see. */
  experiment(id: number, text: string, options: LabOptions): Drawn | undefined;
  /** Ends an experiment with what it has. */
  endExperiment(id: number): void;
  /** The learning-rate range test. */
  findRate(config: RunConfig, range: RangeOptions, base: string, dropped: Dropped): RangeTest;
  /** Trains each of some configurations, one after another. */
  sweepRuns(configs: readonly RunConfig[], base: string, dropped: Dropped): void;
  /** Looks into a data set without a run; `base` is the address of the page. */
  previewData(config: RunConfig, base: string, dropped: Dropped): DataPreview;
  previewAugment(config: RunConfig, base: string, dropped: Dropped): AugmentPreview;
  /** The shape of Teach's samples, and the net that it has kept. */
  teachOpen(): { shape: TaughtNet['shape']; net: TaughtNet | undefined };
  /** [n, F], of images given as bytes [n, c, h, w]. */
  teachFeatures(images: Uint8Array): Float32Array;
  teachLearn(samples: Samples): Learned;
  /** Probabilities [n, classes] by heads that have not learned from the sample; NaN of the only one of a class. */
  teachCheck(samples: Samples): Float32Array;
  teachAnswer(images: Uint8Array): Float32Array;
  /** `base` is the address of the page. */
  teachExport(format: NetFormat, base: string): Uint8Array;
  teachLoad(bytes: Uint8Array, name: string): Omit<Learned, 'accuracy'>;
  teachForget(): void;
  /** Builds the playground's net; weights of the one before stay where they fit, unless it begins anew. Training that goes on goes on. */
  playOpen(task: PlayTask, anew: boolean): void;
  playRates(rates: PlayRates): void;
  /** Sets one number of a weight, by the weight's name. */
  playSet(tensor: string, index: number, value: number): void;
  playGo(): void;
  playPause(): void;
  playStep(): void;
  /** The kernel part of `descent bench`: rows whose name contains `filter`; with `all` every variant. */
  benchKernels(filter: string, all: boolean): Measured;
  /** The step part; with `trace` the time of each dispatch too. */
  benchStep(config: RunConfig, trace: boolean, base: string, dropped: Dropped): Measured;
}

/** Which rule, from where, on which landscape. The answer holds `steps` + 1 points. */
export interface RaceRequest {
  readonly rule: string;
  readonly hyper: Readonly<Record<string, number>>;
  /** What the device needs of it. */
  readonly land: Pick<Landscape, 'gradient' | 'given' | 'noise'>;
  readonly start: Point;
  readonly steps: number;
}

export interface Request {
  /** Whose call it is, of those who share the worker. */
  readonly engine: number;
  readonly id: number;
  readonly method: keyof Api;
  readonly args: readonly unknown[];
}
export type Reply = { readonly engine: number } & (
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: Fault }
  | { readonly event: RunEvent }
);
