/** What a classifier's logits are worth against the labels, in the figures and by the conventions of scikit-learn. */
import { check, kindOf, onlyOptions, show, type Known } from '../../engine/check.ts';
import { COUNT, isWithin } from '../../engine/range.ts';

/** Precision, recall and F1 are 0 where nothing stands below the line, as with scikit-learn's zero_division=0. */
export interface Scores {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

/** The scores of one class against all others. */
export interface ClassScores extends Scores {
  readonly name: string;
  /** Images of the class. */
  readonly support: number;
}

/** Images whose answer has a probability above `from`, up to `to`. */
export interface ConfidenceBin {
  readonly from: number;
  readonly to: number;
  readonly images: number;
  /** Mean probability of the answers, and the share of them that is right; NaN without images. */
  readonly confidence: number;
  readonly accuracy: number;
}

/** An image, its class, and the class that it was taken for. */
export interface Verdict {
  /** The image's number. */
  readonly image: number;
  readonly label: number;
  readonly answer: number;
  /** Of the answer. */
  readonly probability: number;
}

/** An image that was taken for another class than its own. */
export type Mistake = Verdict;

/** What `report` finds. */
export interface Report {
  readonly images: number;
  /** Mean cross-entropy, nats; scikit-learn takes no probability to be below 2e-16, which a hopeless one is here. */
  readonly loss: number;
  readonly accuracy: number;
  /** By k the share of images whose label is among the k largest logits. */
  readonly top: Readonly<Record<number, number>>;
  /** The mean recall of the classes that have images. */
  readonly balancedAccuracy: number;
  readonly classes: readonly ClassScores[];
  /** Means over the classes: each alike, and each by its support. */
  readonly macro: Scores;
  readonly weighted: Scores;
  /** Counts [label, answer]. */
  readonly confusion: Uint32Array;
  /** The mean distance of confidence and accuracy over the bins, by their images (Guo et al. 2017). */
  readonly calibrationError: number;
  readonly calibration: readonly ConfidenceBin[];
  /** All wrong answers, the most confident first. */
  readonly mistakes: readonly Mistake[];
}

/** The top-k accuracies for k of 1 and 5, and 15 bins, without them. */
export interface ReportOptions {
  /** The k of the top-k accuracies; those that are fewer than the classes count. */
  readonly top?: readonly number[];
  /** Bins of confidence, of equal width. */
  readonly bins?: number;
}

/**
 * What logits [n, classes] say of images with class numbers [n]. The answer is the largest logit, the first of equal ones. Throws where a
 * logit is NaN, the largest one is infinite, a label is no class, or there are no images.
 */
export function verdictsOf(logits: ArrayLike<number>, labels: ArrayLike<number>, classes: number): Verdict[] {
  for (const [what, list] of Object.entries({ logits, labels })) {
    check(typeof list === 'object' && list !== null && 'length' in list, `${what}: it is ${kindOf(list)}`, 'give an array of numbers');
  }
  const n = labels.length;
  check(n > 0, 'report: there are no images', 'give at least one');
  check(logits.length === n * classes, `report: ${logits.length} logits for ${n} labels`, `give logits of ${show([n, classes])}`);
  return Array.from({ length: n }, (_, image) => {
    const row = rowOf(logits, image, classes);
    const label = labels[image]!;
    check(label in row, `report: label ${label} at image ${image}`, `give 0 to ${classes - 1}`);
    const { most, sum } = partsOfSoftmax(row);
    check(
      Number.isFinite(most),
      `report: the largest logit of image ${image} is ${most}`,
      'look for weights that are not finite or too large',
    );
    return { image, label, answer: row.indexOf(most), probability: 1 / sum };
  });
}

const rowOf = (logits: ArrayLike<number>, image: number, classes: number): Float64Array =>
  Float64Array.from({ length: classes }, (_, c) => logits[image * classes + c]!);

/** The largest of a row of logits, and the sum of the exponentials of what each is beyond it. */
function partsOfSoftmax(row: Float64Array): { most: number; sum: number } {
  const most = row.reduce((a, b) => Math.max(a, b));
  return { most, sum: row.reduce((total, x) => total + Math.exp(x - most), 0) };
}

/** Those that are wrong, the most confident first. */
export const mistakesOf = (verdicts: readonly Verdict[]): Mistake[] =>
  verdicts.filter(({ label, answer }) => answer !== label).sort((a, b) => b.probability - a.probability);

const OPTIONS: Known<ReportOptions> = { top: true, bins: true };

/** The report of logits [n, classes] against class numbers [n]. Throws as `verdictsOf` does. */
export function report(logits: ArrayLike<number>, labels: ArrayLike<number>, classes: readonly string[], o: ReportOptions = {}): Report {
  onlyOptions('report', o, OPTIONS);
  const { top = [1, 5], bins = 15 } = o;
  check(Array.isArray(classes), `classes: it is ${kindOf(classes)}`, 'give their names in order');
  check(Array.isArray(top) && top.every(n => isWithin(n, COUNT)), `top: it is ${kindOf(top)}`, 'give an array of whole numbers from 1 on');
  check(isWithin(bins, COUNT), `bins: it is ${kindOf(bins)}`, 'give a whole number from 1 on');
  const k = classes.length;
  const verdicts = verdictsOf(logits, labels, k);
  const n = verdicts.length;
  const confusion = new Uint32Array(k * k);
  const ranks = new Uint32Array(n);
  let loss = 0;
  for (const { image, label, answer } of verdicts) {
    const row = rowOf(logits, image, k);
    const { most, sum } = partsOfSoftmax(row);
    loss += Math.log(sum) - (row[label]! - most);
    ranks[image] = row.filter((x, c) => x > row[label]! || (x === row[label] && c < label)).length;
    confusion[label * k + answer]!++;
  }
  const confidences = Float64Array.from(verdicts, v => v.probability);
  const mistakes = mistakesOf(verdicts);

  const scores = classes.map((name, c) => scoresOf(confusion, k, name, c));
  const mean = (weight: (s: ClassScores) => number): Scores => {
    const total = scores.reduce((sum, s) => sum + weight(s), 0);
    const of = (field: keyof Scores) => scores.reduce((sum, s) => sum + weight(s) * s[field], 0) / total;
    return { precision: of('precision'), recall: of('recall'), f1: of('f1') };
  };
  const calibration = confidenceBins(confidences, ranks, bins);
  return {
    images: n,
    loss: loss / n,
    accuracy: (n - mistakes.length) / n,
    top: Object.fromEntries(top.filter(t => t < k).map(t => [t, ranks.filter(rank => rank < t).length / n])),
    balancedAccuracy: mean(s => Number(s.support > 0)).recall,
    classes: scores,
    macro: mean(() => 1),
    weighted: mean(s => s.support),
    confusion,
    calibrationError: calibration.reduce((sum, b) => (b.images ? sum + (b.images / n) * Math.abs(b.confidence - b.accuracy) : sum), 0),
    calibration,
    mistakes,
  };
}

/** The scores of class `c` from the counts [label, answer] of `k` classes. */
function scoresOf(confusion: Uint32Array, k: number, name: string, c: number): ClassScores {
  let support = 0;
  let answered = 0;
  for (let other = 0; other < k; other++) {
    support += confusion[c * k + other]!;
    answered += confusion[other * k + c]!;
  }
  const right = confusion[c * k + c]!;
  const share = (part: number, whole: number) => (whole ? part / whole : 0);
  return { name, precision: share(right, answered), recall: share(right, support), f1: share(2 * right, answered + support), support };
}

function confidenceBins(confidences: Float64Array, ranks: Uint32Array, count: number): ConfidenceBin[] {
  const sums = Array.from({ length: count }, () => ({ images: 0, confidence: 0, right: 0 }));
  for (const [image, confidence] of confidences.entries()) {
    const bin = sums[Math.max(0, Math.ceil(confidence * count) - 1)]!;
    bin.images++;
    bin.confidence += confidence;
    bin.right += Number(ranks[image] === 0);
  }
  return sums.map(({ images, confidence, right }, i) => ({
    from: i / count,
    to: (i + 1) / count,
    images,
    confidence: confidence / images,
    accuracy: right / images,
  }));
}
