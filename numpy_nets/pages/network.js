"use strict";

/* The networks of the library, outside training, as cli/runs/inference.py writes them down. Sums
   run in float64 and every result is rounded to float32, so it is NumPy's but for the last digits. */

const floats = text =>
  new Float32Array(Uint8Array.from(atob(text), character => character.charCodeAt(0)).buffer);

const ENTRYWISE = {
  relu: () => x => Math.max(x, 0),
  leaky_relu: ({slope}) => x => x > 0 ? x : slope * x,
  sigmoid: () => x => 1 / (1 + Math.exp(-x)),
  tanh: () => Math.tanh,
  softplus: () => x => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  affine: ({scale, shift}) => x => scale * x + shift,
};

/* A step as a function of arrays. take(n) gives the next n weights. */
const STEPS = {
  dense({size, units}, take) {
    const kernel = take(size * units), bias = take(units);
    return x => {
      const sums = Float64Array.from(bias);
      for (let i = 0, k = 0; i < size; i++) {
        for (let j = 0; j < units; j++, k++) sums[j] += x[i] * kernel[k];
      }
      return Float32Array.from(sums);
    };
  },
  normalize({size}, take) {
    const mean = take(size), factor = take(size), beta = take(size);
    return x => x.map((value, i) => (value - mean[i]) * factor[i] + beta[i]);
  },
  concatenate: () => (...parts) => Float32Array.of(...parts.flatMap(part => [...part])),
};

/* (Float32Array, ...) -> Float32Array, for a single sample. */
function network({steps, weights}) {
  const all = floats(weights);
  let used = 0;
  const take = n => all.subarray(used, used += n);
  const functions = steps.map(step => {
    const entry = ENTRYWISE[step.kind]?.(step);
    return entry ? x => x.map(entry) : STEPS[step.kind](step, take);
  });
  return (...values) => {
    steps.forEach((step, i) => values.push(functions[i](...step.from.map(n => values[n]))));
    return values.at(-1);
  };
}
