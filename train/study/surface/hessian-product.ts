/** Products of the Hessian of a net's loss with directions in the space of its weights. */
import { product } from '../../../shaders/kernel/shape.ts';
import type { Net } from '../../net/net.ts';
import type { Targets } from '../../net/targets.ts';
import type { Tensors } from '../../run/safetensors.ts';

/** How far the weights are moved to both sides: the error of the difference falls with its square, rounding of float32 grows as 1 over it. */
const STRIDE = 1e-2;

/** The product with a direction [parameters], whose values come in the order of the weights. */
export type HessianProduct = (v: Float64Array) => Promise<Float64Array>;

/**
 * Products with the Hessian of the mean loss of one batch of a net at its weights, by central differences of gradients along the direction
 * (Pearlmutter 1994 has them exactly; float32 would be the limit there too). For nets without statistics of the batch.
 */
export function hessianProduct(net: Net, weights: Tensors, x: Float32Array, y: Targets): { size: number; times: HessianProduct } {
  const names = Object.keys(weights);
  const sizes = names.map(name => product(weights[name]!.shape));
  const size = sizes.reduce((a, b) => a + b, 0);
  const gradientAt = async (v: Float64Array, by: number): Promise<Float64Array> => {
    let at = 0;
    const moved = Object.entries(weights).map(([name, { shape, data }]) => {
      const values = Float32Array.from(data, (w, i) => w + by * v[at + i]!);
      at += data.length;
      return [name, { shape, data: values }] as const;
    });
    await net.load(Object.fromEntries(moved));
    await net.backward(x, y);
    const gradients = await net.gradients();
    const flat = new Float64Array(size);
    at = 0;
    for (const [k, name] of names.entries()) {
      flat.set(gradients[name]!.data, at);
      at += sizes[k]!;
    }
    return flat;
  };
  const times: HessianProduct = async v => {
    const stride = STRIDE / Math.sqrt(v.reduce((sum, d) => sum + d * d, 0));
    const [up, down] = [await gradientAt(v, stride), await gradientAt(v, -stride)];
    return up.map((g, i) => (g - down[i]!) / (2 * stride));
  };
  return { size, times };
}
