/** The WGSL of consistency.ts, loaded by the runs that augment by AugMix. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import type { LoopParts } from '../kernel/define.ts';
import { float, unroll } from '../kernel/wgsl.ts';
import { functions, known, label, look, store, weighed } from './loss.ts';

/** `views` predictions of each of `rows` images: logits [views, rows, classes]. */
export interface Consistency {
  rows: number;
  classes: number;
  views: number;
  smoothing: number;
  consistency: number;
  train: boolean;
  /** As in Loss, of the cross-entropy alone. */
  weighted?: boolean;
  scaled?: boolean;
}

export function consistencyCode(p: Consistency): LoopParts {
  const weight = p.consistency / p.views;
  const views = (line: (k: number) => string) => unroll(p.views, line);
  const sumOf = (name: string) => unroll(p.views, k => `${name}${k}`, ' + ');
  /** WGSL: log softmax `x`, softmax `p` of class `c` in each view, and `m`, the logarithm of its mean. */
  const predictions = `
    ${views(k => `let x${k} = logits[at${k} + c] - largest${k} - norm${k}; let p${k} = exp_of(x${k});`)}
    let mean = (${sumOf('p')}) * ${1 / p.views}; let m = log_of(select(mean, 1e-30, mean <= 1e-30));`;
  const norm = (k: number) => `
  let at${k} = (${k * p.rows}u + i) * ${p.classes}u;
  var norm${k} = 0.0;
  largest = -3.4028234e38;
  for (var c = 0u; c < ${p.classes}u; c++) { let v = logits[at${k} + c]; ${look} }
  for (var c = 0u; c < ${p.classes}u; c++) { norm${k} += exp_of(logits[at${k} + c] - largest); }
  norm${k} = log_of(norm${k});
  let largest${k} = largest;
  var sum${k} = 0.0;`;
  const gradient = (k: number) => {
    const divergence = `select(p${k} * (x${k} - m - sum${k}), 0.0, p${k} == 0.0) * ${float(weight / p.rows)}`;
    return `dlogits[at${k} + c] = ${divergence}${k ? '' : ` + (p0${p.scaled ? ' * mass' : ''} - t) * ${float(1 / p.rows)}`};`;
  };
  const one = `select(0.0, 1.0, c == truth) * ${float(1 - p.smoothing)} + ${float(p.smoothing / p.classes)}`;
  const share = p.scaled ? `${weighed(p, 'c', `(${one})`)} * scale` : one;
  const each = wgsl`
  var largest : f32; var best = 0u;
  var loss = 0.0;
  #if ${Boolean(p.scaled)}
  ${known(p)}
  let scale = select(0.0, op.lossScale, known);
  var mass = 0.0;
  #endif
  let truth = ${label(p)};
  ${views(n => norm(p.views - 1 - n)) /* the first view last: `best` stays its own */}
  for (var c = 0u; c < ${p.classes}u; c++) {
    ${predictions}
    ${views(k => `sum${k} += select(p${k} * (x${k} - m), 0.0, p${k} == 0.0);`)}
    ${p.scaled ? `mass += ${share};` : ''}
  }
  loss = (${sumOf('sum')}) * ${float(weight)};
  for (var c = 0u; c < ${p.classes}u; c++) {
    ${predictions}
    let t = ${share};
    loss -= select(0.0, t * x0, t != 0.0);
    #if ${p.train}
    ${views(gradient)}
    #endif
  }
  ${store(p)}`;
  return { declared: functions, each };
}
