/** How the operands of tiled products are read: four neighbours along m or n at a time. */
import { XYZW } from '../kernel/wgsl.ts';

/**
 * All of an operand's `code` is WGSL: `placeA(at)` and `depthA(k)` give what depends on the place along m or n alone, which a thread computes
 * once, and on k alone, `loadA(place, depth)` the vec4f of four neighbours from there on, and where some may lie outside what there is,
 * `insideA(place, depth)` which of them do not. What lies outside is read all the same, by WGSL's rules a number of any value, and dropped
 * later, so that no load waits for a decision.
 */
export interface Operand {
  /** The binding that is read. */
  readonly source: string;
  /** Whether neighbours along k lie side by side in memory, so that neighbouring threads read along it. */
  readonly alongK: boolean;
  /** Whether the binding is read as array<vec4f>. */
  readonly vec4: boolean;
  /** Whether there is `inside`. */
  readonly masked: boolean;
  readonly code: (name: 'A' | 'B') => string;
}

/** WGSL: four values of `source` from `start`, `step` apart. */
const fourFrom = (source: string, start: string, step: number): string =>
  `vec4f(${XYZW.map((_, j) => `${source}[${start}${j ? ` + ${j * step}u` : ''}]`).join(', ')})`;

/**
 * An operand that lies at `base` (WGSL of `at`) plus `offset` (WGSL of `k`), its neighbours along m or n `step` apart. As `vec4` it is read
 * where step is 1 and all of these divide by four.
 */
export function linear(o: {
  readonly source: string;
  readonly base: string;
  readonly offset: string;
  /** WGSL that declares what the offset is made of. */
  readonly declared?: string;
  readonly step: number;
  readonly alongK: boolean;
  readonly vec4?: boolean;
}): Operand {
  const { source, alongK, vec4 = false, declared = '' } = o;
  const index = vec4 ? ' / 4u' : '';
  return {
    source,
    alongK,
    vec4,
    masked: false,
    code: name => `
fn place${name}(at : u32) -> u32 { return (${o.base})${index}; }
fn depth${name}(k : u32) -> u32 {
  ${declared}
  return (${o.offset})${index};
}
fn load${name}(place : u32, depth : u32) -> vec4f {
  let i = place + depth;
  return ${vec4 ? `${source}[i]` : fourFrom(source, 'i', o.step)};
}`,
  };
}

/** Pixels that windows meet: what of them depends on the place along m or n, and what on k. */
export interface Windows {
  /** Images, of which it reads rows and columns that may lie outside their `h` x `w`. */
  readonly source: string;
  readonly h: number;
  readonly w: number;
  /** WGSL that declares `i`, `h` and `w`, index, row and column of u32, by the place and by k: what is met has their sums. They may wrap. */
  readonly place: string;
  readonly depth: string;
  /**
   * Where the four neighbours lie in one row: how many columns they are apart, and which of them may lie outside. Else `place` finds them
   * one by one, from the vec4u `at`, as vec4u.
   */
  readonly row?: { readonly step: number; readonly outside: (j: number) => boolean } | undefined;
  readonly alongK: boolean;
  readonly masked: boolean;
}

/** An operand of the pixels that windows meet. */
export function unfolded({ source, h, w, place, depth, row, alongK, masked }: Windows): Operand {
  const type = row ? 'u32' : 'vec4u';
  const of = (name: string) => (row ? `depth.${name}` : `vec4u(depth.${name})`);
  const inRow = (j: number) => (row!.outside(j) ? `row & (w + ${j * row!.step}u < ${w}u)` : 'row');
  const inside = row
    ? `let row = place.h + depth.h < ${h}u; let w = place.w + depth.w;
  return vec4<bool>(${XYZW.map((_, j) => inRow(j)).join(', ')});`
    : `return (place.h + ${of('h')} < vec4u(${h}u)) & (place.w + ${of('w')} < vec4u(${w}u));`;
  return {
    source,
    alongK,
    vec4: false,
    masked,
    code: name => `
struct Place${name} { i : ${type}, h : ${type}, w : ${type} }
struct Depth${name} { i : u32, h : u32, w : u32 }
fn place${name}(${row ? 'at' : 'first'} : u32) -> Place${name} {
  ${row ? '' : 'let at = vec4u(first) + vec4u(0u, 1u, 2u, 3u);'}
  ${place}
  return Place${name}(i, h, w);
}
fn depth${name}(k : u32) -> Depth${name} {
  ${depth}
  return Depth${name}(i, h, w);
}
fn load${name}(place : Place${name}, depth : Depth${name}) -> vec4f {
  let i = place.i + ${of('i')};
  return ${row ? fourFrom(source, 'i', row.step) : `vec4f(${XYZW.map(x => `${source}[i.${x}]`).join(', ')})`};
}
${masked ? `fn inside${name}(place : Place${name}, depth : Depth${name}) -> vec4<bool> {\n  ${inside}\n}` : ''}`,
  };
}
