import { kernel } from './define.ts';
import type { Epilogue } from './epilogue.ts';
import { ceilDiv, values } from './loops.ts';

/** y = f(v) or f(v, a) over `n` elements. `f` is WGSL over vec4f `v`, `a`, `zero`, `one`, and passes NaN on; see Epilogue. */
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
  bindings: { v: 'read', a: 'read?', y: 'write' },
  epilogue: 'y',
  vec4: ['v', 'a', 'y'],
  own: ({ f, draws }: Elementwise) => ({ f, operand: /\ba\b/.test(f) ? 'a' : undefined, draws }),
  over: (p, d) => values(ceilDiv(p.n, d.width), d),
  body: () => '    y[i] = finish(v[i], i);',
});
