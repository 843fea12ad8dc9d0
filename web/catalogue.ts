/** A line and a formula for what can be chosen. The choices themselves come from the catalogues that the command line uses. */
import { models } from '../models/index.ts';
import { rules } from '../optim/index.ts';
import { OPTIONS } from '../train/config.ts';

export interface Explained { readonly text: string; readonly formula?: string }

/** Of optimizers; w weight, g gradient, η rate. One without an entry shows the update as the device computes it. */
const OPTIMIZERS: Readonly<Record<string, Explained>> = {
  sgd: { text: 'A step against the gradient.', formula: 'w ← w − η g' },
  momentum: { text: 'A heavy ball: past gradients keep it rolling.', formula: 'v ← μ v + g;  w ← w − η v' },
  nesterov: { text: 'Momentum that looks ahead before it steps.', formula: 'v ← μ v + g;  w ← w − η (g + μ v)' },
  'nag-c': { text: 'Nesterov\u2019s method for convex functions: momentum grows with time.', formula: 'x′ ← w − η g;  w ← x′ + k⁄(k+3) (x′ − x)' },
  'nag-sc': { text: 'Nesterov\u2019s method for strongly convex functions.', formula: 'x′ ← w − η g;  w ← x′ + (1−√(mη))⁄(1+√(mη)) (x′ − x)' },
  adagrad: { text: 'Each weight has its own rate, smaller where slopes were large.', formula: 's ← s + g²;  w ← w − η g ⁄ (√s + ε)' },
  adadelta: { text: 'Steps in the units of past steps; needs hardly a rate.', formula: 'e ← ρe + (1−ρ)g²;  Δ = √(d+ε)⁄√(e+ε) g;  d ← ρd + (1−ρ)Δ²;  w ← w − ηΔ' },
  rmsprop: { text: 'Slopes divided by their recent size.', formula: 'e ← αe + (1−α)g²;  w ← w − η g ⁄ (√e + ε)' },
  adam: { text: 'Mean slope divided by its recent size, both corrected for their start.', formula: 'm ← β₁m + (1−β₁)g;  v ← β₂v + (1−β₂)g²;  w ← w − η m̂ ⁄ (√v̂ + ε)' },
  adamw: { text: 'Adam, with weight decay outside the adaptive step.', formula: 'w ← w − ηλw;  then as Adam' },
  amsgrad: { text: 'Adam whose divisor never shrinks.', formula: 'v̄ ← max(v̄, v);  w ← w − η m̂ ⁄ (√v̄ + ε)' },
  adamax: { text: 'Adam with the largest recent slope as divisor.', formula: 'u ← max(β₂u, |g| + ε);  w ← w − η m̂ ⁄ u' },
  nadam: { text: 'Adam with Nesterov\u2019s look ahead.', formula: 'w ← w − η (μ′m̂ + (1−μ)ĝ) ⁄ (√v̂ + ε)' },
  asgd: { text: 'Descent whose average over time is what counts.', formula: 'w ← w − η g;  a ← a + μ (w − a)' },
  rprop: { text: 'Signs alone: longer steps while the sign stays, shorter when it flips. For whole-set batches.', formula: 'Δ ← Δ · (1.2 or 0.5);  w ← w − sign(g) Δ' },
  quickprop: { text: 'Jumps to the vertex of the parabola through the last two slopes.', formula: 'Δ ← Δ · g ⁄ (g′ − g);  w ← w + Δ' },
  'natural-gradient': { text: 'Slopes divided by a running Fisher information.', formula: 'F ← ρF + (1−ρ)g²;  w ← w − η g ⁄ (F̂ + δ)' },
  'newton-diagonal': { text: 'Slopes divided by the estimated curvature.', formula: 'w ← w − η g ⁄ (|h| + δ)' },
};

/** Of the options; what they mean to the numbers. */
const FORMULAS: Readonly<Record<string, string>> = {
  batchSize: 'g = 1⁄n Σ ∇ℓ(xᵢ)', lr: 'w ← w − η · step', weightDecay: 'g ← g + λ w', l1: 'g ← g + λ sign(w)', valSplit: 'gap = validation loss − training loss',
  smoothing: 't ← (1−s) t + s⁄classes', clipNorm: 'g ← g · min(1, c ⁄ ‖g‖)', clipValue: 'g ← clamp(g, −c, c)', maxNorm: '‖wᵣₒᵥ‖ ≤ c', ema: 'a ← d a + (1−d) w',
  gradNoise: 'g ← g + N(0, η ⁄ (1+t)^0.55)', normalize: 'x = (byte ⁄ 255 − mean) ⁄ std', epochs: 'steps = epochs · ⌊images ⁄ batch⌋', mixup: 'x = λ xᵢ + (1−λ) xⱼ', accumulate: 'g = 1⁄a Σ g of a batches',
};

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

export function explainOptimizer(name: string): Explained {
  const rule = rules[name];
  return OPTIMIZERS[name] ?? { text: `The update as the device computes it (${name}).`, formula: rule?.update.replace(/op\./g, '').replace(/\s+/g, ' ') };
}

export const explainModel = (name: string): Explained => ({ text: capital(models[name]?.about ?? name) + '.' });
export const explainOption = (key: keyof typeof OPTIONS): Explained => ({ text: capital(OPTIONS[key].help) + '.', formula: FORMULAS[key] });
