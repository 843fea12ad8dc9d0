/** The comparisons, and the experiments of the courses, by the names under which `descent compare` and the page have them. */
import { lookUp, say } from '../../engine/check.ts';
import { optionsIn, valuesOf } from '../../engine/parameter.ts';
import { parseSpec } from '../../engine/spec.ts';
import { noisyEnds } from './descent/noisy-ends.ts';
import { trajectories } from './descent/trajectories.ts';
import { boxBasis } from './basis/box-basis.ts';
import { lsgdExperiment } from './basis/lsgd.ts';
import { curveFitting, heaviside, inputScaling, tenPoints } from './functions/generalisation.ts';
import { adamLbfgs, adamNadam, oneCycle, rateSizes } from './functions/optimizers.ts';
import { spectralBias } from './functions/spectral-bias.ts';
import { biasVariance } from './linear/bias-variance.ts';
import { hingeLogistic } from './linear/hinge-logistic.ts';
import { inputNormalisation } from './linear/input-normalisation.ts';
import { leastSquaresExperiment } from './linear/least-squares.ts';
import { penaltyGeometry } from './linear/penalty-geometry.ts';
import { weightPaths } from './linear/weight-paths.ts';
import { batchOrStochastic } from './descent/batch-or-stochastic.ts';
import { conditionNumber } from './descent/condition-number.ts';
import { momentumRates } from './descent/momentum-rates.ts';
import { nesterovOde } from './descent/nesterov-ode.ts';
import { stepSizes } from './descent/step-sizes.ts';
import { informationPlane } from './information/plane.ts';
import { explodingProducts } from './initial/exploding-products.ts';
import { gradientSizesExperiment } from './initial/gradient-sizes.ts';
import { bornDeadNets } from './relu/born-dead.ts';
import { collapse } from './relu/collapse.ts';
import { safeRegion } from './relu/safe-region.ts';
import { boundaries } from './plane/boundaries.ts';
import { kMeans } from './plane/k-means.ts';
import { tangentKernel } from './plane/tangent-kernel.ts';
import { adversarial } from './robust/adversarial.ts';
import { enresnet } from './robust/enresnet.ts';
import { hessianSpectrum } from './surface/hessian-spectrum.ts';
import { interpolation } from './surface/interpolation.ts';
import { sharpness } from './surface/sharpness.ts';
import { shortcuts } from './surface/shortcuts.ts';
import { surface } from './surface/surface.ts';
import { COMPARISONS } from './comparison/comparisons.ts';
import { comparison } from './comparison/comparison.ts';
import { modeConnectivity } from './surface/mode-connectivity.ts';
import { wideOptima } from './surface/wide-optima.ts';
import { trainingPath } from './surface/training-path.ts';
import type { Experiment, Lab, Outcome } from './experiment.ts';
import { batches } from './training/batches.ts';
import { dropoutRates } from './training/dropout-rates.ts';
import { ensemble } from './training/ensemble.ts';
import { orders } from './training/orders.ts';
import { smallBatches } from './training/small-batches.ts';
import { snapshots } from './training/snapshots.ts';
import { zoneout } from './training/zoneout.ts';
import { calibration } from './uncertainty/calibration.ts';
import { stationaryExperiment } from './uncertainty/stationary.ts';
import { swagExperiment } from './uncertainty/swag.ts';

export const EXPERIMENTS: Readonly<Record<string, Experiment>> = {
  ...Object.fromEntries(Object.entries(COMPARISONS).map(([name, chosen]) => [name, comparison(name, chosen)])),
  trajectories,
  'step-sizes': stepSizes,
  'condition-number': conditionNumber,
  'momentum-rates': momentumRates,
  'nesterov-ode': nesterovOde,
  'batch-or-stochastic': batchOrStochastic,
  'exploding-products': explodingProducts,
  'gradient-sizes': gradientSizesExperiment,
  'born-dead': bornDeadNets,
  collapse,
  'safe-region': safeRegion,
  'curve-fitting': curveFitting,
  'adam-nadam': adamNadam,
  'adam-lbfgs': adamLbfgs,
  'heaviside-penalties': heaviside,
  'ten-points': tenPoints,
  'input-scaling': inputScaling,
  'input-normalisation': inputNormalisation,
  'rate-sizes': rateSizes,
  'one-cycle': oneCycle,
  'spectral-bias': spectralBias,
  'least-squares': leastSquaresExperiment,
  'weight-paths': weightPaths,
  boundaries,
  'k-means': kMeans,
  'tangent-kernel': tangentKernel,
  'penalty-geometry': penaltyGeometry,
  'hinge-logistic': hingeLogistic,
  'bias-variance': biasVariance,
  'noisy-ends': noisyEnds,
  stationary: stationaryExperiment,
  orders,
  batches,
  snapshots,
  ensemble,
  zoneout,
  swag: swagExperiment,
  calibration,
  'information-plane': informationPlane,
  'dropout-rates': dropoutRates,
  'small-batches': smallBatches,
  'box-basis': boxBasis,
  lsgd: lsgdExperiment,
  adversarial,
  enresnet,
  surface,
  shortcuts,
  'training-path': trainingPath,
  interpolation,
  'mode-connectivity': modeConnectivity,
  sharpness,
  'wide-optima': wideOptima,
  'hessian-spectrum': hessianSpectrum,
};

/** An experiment whose options are read: what it is called, what they are, and how it runs. */
export interface Planned {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
  run(lab: Lab): Promise<Outcome>;
}

/** The experiment that a text such as `born-dead:nets=100` names, and the options in it. Throws where it is not known. */
export function experimentIn(text: string): { name: string; found: Experiment; given: Readonly<Record<string, unknown>> } {
  const spec = parseSpec('experiment', text);
  const found = lookUp('experiment', spec.name, EXPERIMENTS);
  return { name: spec.name, found, given: optionsIn(spec, found.options) };
}

/** The experiment that a text asks for, with options beside those in it. Throws where a name or a value is not known. */
export function planned(text: string, more: Readonly<Record<string, unknown>> = {}): Planned {
  const { name, found, given } = experimentIn(text);
  const values = valuesOf(name, found.options, { ...given, ...more }, { who: say`${name}` });
  return { name, options: values, run: lab => found.run(lab, values) };
}
