/** How much of the input and of the class the outputs of a layer tell, in bits, of inputs that are equally likely. */

/** I(X;T) and I(T;Y), bits. */
export interface Information {
  readonly x: number;
  readonly y: number;
}

/** I(X;T) and I(T;Y) from how uncertain T is over some inputs, by their numbers. What noise adds to T is taken off before. */
function fromEntropy(entropy: (inputs: Uint32Array) => number, labels: ArrayLike<number>): Information {
  const all = Uint32Array.from({ length: labels.length }, (_, i) => i);
  const x = entropy(all);
  const classes = [...new Set(Array.from(labels))].map(c => all.filter(i => labels[i] === c));
  const within = classes.reduce((sum, inputs) => sum + (inputs.length / all.length) * entropy(inputs), 0);
  return { x, y: x - within };
}

/** Outputs [n, d] in bins of a width: T is then a discrete function of X, so that I(X;T) is its entropy (Shwartz-Ziv & Tishby 2017). */
export function byBins(outputs: Float32Array, labels: ArrayLike<number>, width: number): Information {
  const d = outputs.length / labels.length;
  const numbers = new Map<string, number>();
  const bin = Uint32Array.from(labels, (_, i) => {
    const key = outputs.subarray(i * d, (i + 1) * d).reduce((text, v) => `${text} ${Math.floor(v / width)}`, '');
    if (!numbers.has(key)) numbers.set(key, numbers.size);
    return numbers.get(key)!;
  });
  const entropy = (inputs: Uint32Array) => {
    const counts = new Uint32Array(numbers.size);
    for (const i of inputs) counts[bin[i]!]!++;
    return counts.reduce((sum, c) => (c ? sum - (c / inputs.length) * Math.log2(c / inputs.length) : sum), 0);
  };
  return fromEntropy(entropy, labels);
}

/** Exponents beyond which a neighbour adds less than 1e-17 of a point's own share. */
const FAR = 40;

/**
 * Outputs [n, d] with Gaussian noise of a variance: bounds of I(X;T) by the distances of all pairs, from above by the divergence of
 * Kullback & Leibler, with `lower` from below by Bhattacharyya's, at four times the variance (Kolchinsky & Tracey 2017). Of I(T;Y) it is the
 * difference of such bounds, as Saxe et al. (2018) have it.
 */
export function byDensities(outputs: Float32Array, labels: ArrayLike<number>, variance: number, { lower = false } = {}): Information {
  const d = outputs.length / labels.length;
  const scale = 1 / (2 * variance * (lower ? 4 : 1));
  const far = FAR / scale;
  const entropy = (inputs: Uint32Array) => {
    const sums = new Float64Array(inputs.length).fill(1); // each is its own neighbour
    for (let i = 0; i < inputs.length; i++) {
      for (let j = 0; j < i; j++) {
        let squared = 0;
        for (let k = 0, a = inputs[i]! * d, b = inputs[j]! * d; k < d && squared < far; k++)
          squared += (outputs[a + k]! - outputs[b + k]!) ** 2;
        if (squared >= far) continue;
        const near = Math.exp(-squared * scale);
        sums[i]! += near;
        sums[j]! += near;
      }
    }
    return -sums.reduce((sum, s) => sum + Math.log2(s / inputs.length), 0) / inputs.length;
  };
  return fromEntropy(entropy, labels);
}
