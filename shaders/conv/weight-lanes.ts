/**
 * Weight gradients for software adapters (S = lanes of one subgroup = one workgroup): dweight[o][c][tap] = sum over pixels of
 * dy[o][pixel] x[c][pixel + tap], for the images of one slice. dy is held one output channel per lane and broadcast.
 */
import { padsOf, sizesOf, type ConvWeight } from './shape.ts';
import { accumulated } from '../kernel/gradient.ts';
import { evenShare } from '../kernel/loops.ts';

/** The sizes of a call that these read. */
export const sizes = (p: ConvWeight) => ({
  n: p.n,
  ...sizesOf(p),
  ...padsOf(p).sizes,
  split: p.split,
});

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

/** Output channels of one subgroup. */
export const channelsOf = (p: ConvWeight, most: number) => evenShare(p.o / p.groups, most);

/** How many rows of a kernel a lane holds: all of a small one, else one, since the sums of all would fill the registers many times over. */
export const heldRows = ({ k: [kh] }: ConvWeight) => (kh <= 3 ? kh : 1);

/** The taps of these. */
export const heldTaps = (p: ConvWeight) => heldRows(p) * p.k[1];

/** WGSL: stores a value of a slice, or of the gradient of a parameter as that is written. */
export const storeWeight = ({ gradient }: Pick<ConvWeight, 'gradient'>, at: string, value: string) =>
  gradient ? `{ let v = ${value}; let to = ${at}; dweight[to] = ${accumulated(gradient, 'dweight[to]')}; }` : `dweight[${at}] = ${value};`;
