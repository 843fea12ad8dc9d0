/** WGSL that the weight gradients in lanes have in common; see weight-lanes.ts. */
import type { ConvWeight } from '../shape.ts';
import { accumulated } from '../../kernel/gradient.ts';

/** WGSL: the images `first` to `last` - 1 of the workgroup's slice of the batch, and its group of channels. */
export const SLICE = `
  let slice = i32(group.z) % op.split; let part = i32(group.z) / op.split;
  let first = slice * op.n / op.split; let last = (slice + 1) * op.n / op.split;`;

/** WGSL: the beginning of the entry point, up to the images `first` to `last` - 1 of the workgroup's slice. */
export const head = (S: number) => `
@compute @workgroup_size(${S})
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_index) index : u32) {
  let lane = i32(index); let H = op.h; let W = op.w; let OW = op.ow;${SLICE}`;

/** WGSL: the output channel, within its group, of which a lane holds dy number `g`. */
export const heldChannel = (g: number, S: number) => `min(o0 + ${g * S} + lane, op.og - 1)`;

/** WGSL: dy of output channel `i`, from the lane that holds it in `d{holder}` and what `part` adds to that name. */
export const broadcastDy = (i: number, S: number, part: string) => `subgroupBroadcast(d${Math.floor(i / S)}${part}, ${i % S}u)`;

/** WGSL: stores a value of a slice, or of the gradient of a parameter as that is written. */
export const storeWeight = ({ gradient }: Pick<ConvWeight, 'gradient'>, at: string, value: string) =>
  gradient ? `{ let v = ${value}; let to = ${at}; dweight[to] = ${accumulated(gradient, 'dweight[to]')}; }` : `dweight[${at}] = ${value};`;
