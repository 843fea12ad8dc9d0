/** How the operands of tiled products are read: four neighbours along m or n at a time. */
import { XYZW } from '../kernel/wgsl.ts';

/** How an operand lies in memory. */
export interface Layout {
  /** The binding that is read. */
  readonly source: string;
  /** Whether neighbours along k lie side by side in memory, so that neighbouring threads read along it. */
  readonly alongK: boolean;
  /** Whether the binding is read as array<vec4f>. */
  readonly vec4: boolean;
}

/**
 * All of an operand's `code` is WGSL: `placeA(at)` and `depthA(k)` give what depends on the place along m or n alone, which a thread computes
 * once, and on k alone, `loadA(place, depth)` the vec4f of four neighbours from there on, and where some may lie outside what there is,
 * `insideA(place, depth)` which of them do not. What lies outside is read all the same, by WGSL's rules a number of any value, and dropped
 * later, so that no load waits for a decision.
 */
export interface Operand extends Layout {
  /** Whether there is `inside`. */
  readonly masked: boolean;
  readonly code: (name: 'A' | 'B') => string;
}

/** WGSL: four values of `source` from `start`, `step` apart. */
export const fourFrom = (source: string, start: string, step: number): string =>
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
