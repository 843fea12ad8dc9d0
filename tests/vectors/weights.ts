/** 32-bit FNV-1a of the UTF-8 bytes. */
function fnv1a(name: string): number {
  let h = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) h = Math.imul(h ^ byte, 0x01000193);
  return h >>> 0;
}

/** The PCG-RXS-M-XS 32-bit hash (O'Neill 2014; Jarzynski & Olano 2020). */
function pcg(x: number): number {
  x = (Math.imul(x, 747796405) + 2891336453) >>> 0;
  x = Math.imul((x >>> ((x >>> 28) + 4)) ^ x, 277803737) >>> 0;
  return ((x >>> 22) ^ x) >>> 0;
}

/** `count` numbers in [-1, 1) with 24 bits, exact in float32: pcg(pcg(i) ^ fnv1a(name)) >> 8, over 2^23, less 1. Twin of common.py. */
export function vectorUniform(name: string, count: number): Float32Array {
  const key = fnv1a(name);
  return Float32Array.from({ length: count }, (_, i) => (pcg(pcg(i) ^ key) >>> 8) / 8388608 - 1);
}

/**
 * The value of the parameter or buffer `name` in the PyTorch-made vectors, bit for bit: He-uniform for rank 2 and above, 1 + 0.1u for
 * the weights of a normalisation, 1 + 0.1|u| for running_var, 0.1u for biases and running_mean.
 */
export function vectorWeights(name: string, shape: readonly number[]): Float32Array {
  const fanIn = shape.slice(1).reduce((a, b) => a * b, 1);
  const u = vectorUniform(name, shape.reduce((a, b) => a * b, 1));
  if (shape.length > 1) return u.map(v => v * Math.sqrt(6 / fanIn));
  if (name.endsWith('running_var')) return u.map(v => 1 + 0.1 * Math.abs(v));
  if (name.endsWith('weight')) return u.map(v => 1 + 0.1 * v);
  return u.map(v => 0.1 * v);
}
