import type { Need, Profile } from './kernel.ts';

/** What a kernel that takes totals asks of an adapter. */
export const totalNeeds = (d: Profile): readonly Need[] => (d.lanes ? ['subgroups'] : []);

interface Total {
  /** WGSL at module level. */
  readonly declared: string;
  /** WGSL statements that end in `let total`: for thread 0 of the workgroup or, with `all`, for each, and then more than once. */
  readonly of: (v: string, all?: boolean) => string;
}

/**
 * The total (or the largest) of a value that each thread of a workgroup has, `lane` being its number among `threads`, a power of two. It is
 * taken in an order that never changes: by a subgroup where the workgroup is one, as on software adapters, else in a tree.
 */
export function total(
  d: Profile,
  threads: number,
  { type = 'f32', max = false }: { type?: 'f32' | 'vec2f' | 'vec4f'; max?: boolean } = {},
): Total {
  if (d.lanes) return { declared: '', of: v => `let total = ${max ? 'subgroupMax' : 'subgroupAdd'}(${v});` };
  const here = 'shared_totals[lane]';
  const there = 'shared_totals[lane + half]';
  return {
    declared: `var<workgroup> shared_totals : array<${type}, ${threads}>;`,
    of: (v, all) => `
  ${all ? 'workgroupBarrier();' : ''}
  ${here} = ${v};
  for (var half = ${threads / 2}u; half > 0u; half >>= 1u) {
    workgroupBarrier();
    if (lane < half) { ${max ? `${here} = max(${here}, ${there})` : `${here} += ${there}`}; }
  }
  ${all ? 'workgroupBarrier();' : ''}
  let total = shared_totals[0];`,
  };
}
