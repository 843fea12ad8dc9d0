/** Kernels of layers that draw random numbers. All of them are functions of (seed, step, layer, element), so that nothing is stored. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { epilogueBindings, finish, type Epilogue } from './epilogue.ts';
import { ceilDiv, variants, type Variant } from './kernel.ts';
import { philoxWgsl } from './random.ts';

/** The u32 below which a random word falls with probability p. */
export const threshold = (p: number): number => Math.min(2 ** 32 - 1, Math.round(p * 2 ** 32));

/** `n` samples of `size` values, each (or all together) dropped with probability `p`. */
export interface DropSample { n: number; size: number; p: number; layer: number; perSample: boolean; epilogue?: readonly Epilogue[] }

const dropVariant = (vec4: boolean): Variant<DropSample> => {
  const length = (p: DropSample) => vec4 ? p.size / 4 : p.size, run = (lanes: number) => (lanes ? lanes * 64 : 256);
  return {
    name: vec4 ? 'vec4' : 'plain',
    ...vec4 && { fits: p => p.size % 4 === 0, vec4: ['x', 'y', 'e0', 'e1'] },
    grid: (p, d) => [ceilDiv(length(p), run(d.lanes)), p.n, 1],
    code: (p, d) => philoxWgsl + finish(p.epilogue, vec4 ? 'vec4f' : 'f32') + wgsl`
@compute @workgroup_size(${d.lanes || 64})
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_index) lane : u32) { // one row of workgroups per sample
  let keep = philox(vec4u(${p.perSample ? 'group.y' : '0u'}, op.step, ${p.layer}u, 0u), vec2u(op.seed, 0u)).x >= ${threshold(p.p)}u;
  let factor = select(0.0, 1.0, keep);
  let end = min((group.x + 1u) * ${run(d.lanes)}u, ${length(p)}u);
  for (var at = group.x * ${run(d.lanes)}u + lane; at < end; at += ${d.lanes || 64}u) {
    let i = group.y * ${length(p)}u + at;
    y[i] = finish(x[i] * factor, i);
  }
}`,
  };
};

export const dropSample = variants<DropSample, { x: 'read'; y: 'write'; e0: 'read?'; e1: 'read?' }>({
  name: 'drop_sample',
  bindings: { x: 'read', y: 'write', ...epilogueBindings },
  epilogue: 'y',
  step: () => ({ seed: 'u32', step: 'u32' }),
  variants: [dropVariant(true), dropVariant(false)],
});
