/** The diagonal of the Hessian, estimated into a state of a rule: few rules take it, and load it. */
import type { Memory } from '../../../engine/memory.ts';
import { Flat, type Vector } from '../../../optim/flat.ts';
import { stateBuffer, type Optimizer } from '../../../optim/optimizer.ts';

export class HessianDiagonal {
  #flat: Flat;
  #probes: number;
  #epsilon: number;
  #z: Vector;
  #w: Vector;
  #g: Vector;
  #h: Vector;

  /** `state` is that of the rule which it is estimated into. */
  constructor(memory: Memory, { rule, hyper: { probes = 1, epsilon = 1e-3 } }: Optimizer, state: string) {
    this.#flat = new Flat(memory);
    this.#probes = probes;
    this.#epsilon = epsilon;
    this.#z = this.#flat.vector('probe');
    this.#w = this.#flat.vector('weights');
    this.#g = this.#flat.vector('gradient');
    this.#h = this.#flat.named(page => stateBuffer(rule, state, page));
  }

  /**
   * The mean over probes z of z * (g(w + epsilon z) - g(w - epsilon z)) / (2 epsilon), for step number `step`. `gradients` computes those
   * of its batch at the present weights.
   */
  async estimate(step: number, seed: number, gradients: () => Promise<void>): Promise<void> {
    const flat = this.#flat;
    const [z, w, g, h] = [this.#z, this.#w, this.#g, this.#h];
    const [probes, epsilon] = [this.#probes, this.#epsilon];
    await flat.copy(w, flat.w);
    for (let k = 0; k < probes; k++) {
      await flat.signs(z, seed, step * probes + k);
      await flat.map(flat.w, 'a + op.alpha * b', { a: w, b: z, alpha: epsilon });
      await gradients();
      await flat.copy(g, flat.g);
      await flat.map(flat.w, 'a - op.alpha * b', { a: w, b: z, alpha: epsilon });
      await gradients();
      await flat.map(g, 'a - y', { a: flat.g });
      const alpha = -1 / (2 * epsilon * probes);
      await flat.map(h, k ? 'y + op.alpha * a * b' : 'op.alpha * a * b', { a: z, b: g, alpha });
    }
    await flat.copy(flat.w, w);
  }

  destroy(): void {
    this.#flat.destroy();
  }
}
