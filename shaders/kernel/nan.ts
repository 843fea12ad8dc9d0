/** WGSL that NaN passes through: drivers' `max`, `min`, `clamp`, `exp`, `log` and `tanh` may each give a number of it. */

/** WGSL `fn keep(x, y) -> type`: y, or x where x is NaN. By its bits: WGSL may assume that there is none, and fold comparisons that ask. */
export const keeping = (type: 'f32' | 'vec4f'): string => {
  const bits = type === 'f32' ? 'u32' : 'vec4u';
  return `
fn keep(x : ${type}, y : ${type}) -> ${type} {
  return select(y, x, (bitcast<${bits}>(x) & ${bits}(0x7fffffffu)) > ${bits}(0x7f800000u));
}`;
};

/** WGSL of `exp` and `log` that keep NaN, by `keep` (which a kernel with an epilogue has). */
export const logarithms = (type: 'f32' | 'vec4f'): string => `
fn exp_of(x : ${type}) -> ${type} { return keep(x, exp(x)); }
fn log_of(x : ${type}) -> ${type} { return keep(x, log(x)); }
`;
