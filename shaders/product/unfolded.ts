/** An operand of tiled products that is read from images, pixel by pixel. */
import { XYZW } from '../kernel/wgsl.ts';
import { fourFrom, type Operand } from './operand.ts';

/** Pixels that windows meet: what of them depends on the place along m or n, and what on k. */
interface Windows {
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
