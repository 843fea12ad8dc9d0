/** The programs of a net that is trained by hand: one that evaluates a batch, and those that compute its gradients. */
import { check, kindOf, show } from '../../engine/check.ts';
import { Graph, type Frozen, type Layer } from '../../engine/graph.ts';
import { checkReached } from '../../engine/passes/reached.ts';
import type { Tensor } from '../../engine/tensor.ts';
import type { Shape } from '../../shaders/kernel/shape.ts';
import type { Memory } from '../../engine/memory.ts';
import { Program } from '../../engine/program.ts';
import { lossesOf, type Loss } from '../../layers/loss.ts';
import { lossFor, outputOf } from '../evaluate/evaluation-graph.ts';
import { matches } from '../tune/patterns.ts';

/** What a net is built for. */
export interface NetOptions {
  /** Of one input: `[1, 28, 28]`, `[features]`. */
  readonly shape: Shape;
  /** Inputs of one call of `backward`, and at most of one dispatch of `forward`. */
  readonly batch: number;
  /** A name of the losses, or one of one's own; cross-entropy without it. */
  readonly loss?: string | Loss;
  /** Whether `backward` gives the gradient of the inputs too. */
  readonly inputGradient?: boolean;
  /**
   * How the net is taken: `training` without it. `evaluated`: norms go by their running statistics and nothing is dropped, in `backward` too,
   * and the noise that it has in evaluation is drawn anew at each call. `drawn`: so too, but that all is drawn that training draws, as by
   * dropout at test. Under both the weights have no gradients.
   */
  readonly mode?: 'training' | 'evaluated' | 'drawn';
  /**
   * Layers and parameters that keep their values, as `['conv1', 'layer*', '*.running_*']`, and of which no gradient is computed. A norm whose
   * running statistics are among them goes by these.
   */
  readonly freeze?: string | readonly string[];
  /** Draws the first weights, and the masks of dropout and the like; 0 without it. */
  readonly seed?: number;
}

export interface Built {
  readonly program: Program;
  readonly input: Tensor;
  readonly output: Tensor;
}

export interface Trained extends Built {
  readonly graph: Graph;
  readonly targets: Tensor;
  readonly totals: Tensor;
  readonly inputGradient: Tensor | undefined;
}

/** Whether a parameter or buffer keeps its values. */
export const frozenIn = ({ freeze }: NetOptions): Frozen => {
  const patterns = patternsOf(freeze);
  return name => patterns.some(pattern => matches(pattern, name));
};

/** Throws where what is to be frozen is no list of names, or has nothing to be frozen of. */
export function checkFreeze({ freeze = [], mode = 'training' }: NetOptions): void {
  const names: readonly unknown[] = [freeze].flat();
  const wrong = names.find(name => typeof name !== 'string');
  check(wrong === undefined, `freeze: it is ${kindOf(wrong)}`, "give names of layers and parameters, as ['conv1', 'layer*']");
  check(mode === 'training' || !names.length, `freeze: in mode '${mode}' no weight has a gradient`, 'leave it out');
}

/** The patterns of an option, which stand in one text too, with commas between. */
export const patternsOf = (freeze: NetOptions['freeze'] = []): string[] =>
  [freeze].flat().flatMap(text => text.split(',').map(pattern => pattern.trim()));

/** The graph of a net whose weights have no gradients. */
const fixedGraph = (memory: Memory, mode: 'evaluated' | 'drawn', seed: number | undefined): Graph =>
  new Graph({ training: mode === 'drawn', differentiates: true, profile: memory.device.profile, seed, frozen: () => true });

/** The graph that evaluates a batch. */
export function evaluated(memory: Memory, model: Layer, { shape, batch, seed, mode = 'training' }: NetOptions) {
  const { profile } = memory.device;
  const graph = mode === 'training' ? new Graph({ training: false, profile, seed }) : fixedGraph(memory, mode, seed);
  const input = graph.persistent('input', 'x', [batch, ...shape]);
  const given = outputOf(model, graph, input);
  const output = (given.base ?? given) === input ? graph.map('v', given) : given; // without layers no dispatch would read the input
  graph.kept.add(output);
  return { graph, input, output };
}

/** The program that evaluates a batch. */
export async function evaluating(memory: Memory, model: Layer, o: NetOptions): Promise<Built> {
  const { graph, input, output } = evaluated(memory, model, o);
  return { input, output, program: await Program.compile(memory, graph) };
}

/** The program that computes gradients for targets of a shape. */
export async function training(memory: Memory, model: Layer, o: NetOptions, targetShape: Shape): Promise<Trained> {
  const { shape, batch, loss, seed, inputGradient = false, mode = 'training' } = o;
  const trains = mode === 'training';
  const { profile } = memory.device;
  const graph = trains ? new Graph({ training: true, profile, seed, frozen: frozenIn(o) }) : fixedGraph(memory, mode, seed);
  const input = graph.persistent('input', 'x', [batch, ...shape]);
  const x = inputGradient ? graph.record([input], graph.view(input, input.shape), () => []) : input;
  const output = outputOf(model, graph, x);
  const targets = graph.persistent('input', `targets ${show(targetShape)}`, targetShape);
  const totals = graph.persistent('state', 'totals', [2]);
  const [own, ...others] = lossesOf(graph, lossFor(loss, true, 1), output, targets, totals);
  const grads = graph.backward(...own!, undefined, trains ? others : []);
  checkReached(graph);
  const dx = inputGradient ? grads.get(x) : undefined;
  check(dx || !inputGradient, 'inputGradient: nothing of the loss depends on the inputs', 'leave it out');
  if (dx) graph.kept.add(dx);
  memory.reserve(graph);
  return { graph, input, output, targets, totals, inputGradient: dx, program: await Program.compile(memory, graph) };
}
