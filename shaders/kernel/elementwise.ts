import { finish, type Epilogue } from './epilogue.ts';
import { kernel } from './kernel.ts';
import { ceilDiv, each } from './loops.ts';

/** y = f(v) or f(v, a) over `n` elements. `f` is WGSL over vec4f `v`, `a`, `zero`, `one`; see Epilogue. */
export interface Elementwise {
  n: number;
  f: string;
  /** Whether f(v, a) = f(a, v). */
  symmetric?: boolean;
  /** Whether `f` calls `chance`, and so draws random words. */
  draws?: boolean;
  epilogue?: readonly Epilogue[];
}

/** Buffers are padded to 16 bytes, so that the last vec4 may hang over the end. */
export const elementwise = kernel({
  name: 'elementwise',
  bindings: { v: 'read', a: 'read?', y: 'write', e0: 'read?', e1: 'read?' },
  vec4: ['v', 'a', 'y', 'e0', 'e1'],
  epilogue: 'y',
  grid: (p: Elementwise, d) => each(ceilDiv(p.n, 4), d).grid,
  code: (p, d) => {
    const own = { f: p.f, operand: /\ba\b/.test(p.f) ? 'a' : undefined, draws: p.draws };
    return finish([own, ...(p.epilogue ?? [])], 'vec4f') + each(ceilDiv(p.n, 4), d).main('    y[i] = finish(v[i], i);');
  },
});
