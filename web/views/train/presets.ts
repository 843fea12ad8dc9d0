/** What a visitor could try: each a sentence, and runs that one click starts. */
import type { Texts } from '../../form/texts.ts';
import { TRAINED, type TrainedNet } from '../../data/trained.ts';
import { button, el } from '../dom.ts';

export interface Preset {
  readonly name: string;
  /** What to look for. */
  readonly prose: string;
  /** Side by side, in this order. */
  readonly runs: readonly Texts[];
  /** Weights that its run takes, and is then looked at rather than trained. */
  readonly trained?: TrainedNet;
}

const small: Texts = { dataset: 'fashion-mnist', model: 'lenet5', limitTrain: '2000', epochs: '6' };
const few: Texts = {
  dataset: 'fashion-mnist',
  model: 'lenet5',
  optimizer: 'adam',
  limitTrain: '1000',
  valSplit: '0.5',
  batchSize: '16',
  epochs: '40',
};

export const PRESETS: readonly Preset[] = [
  ...Object.values(TRAINED).map(net => ({
    name: net.label,
    prose:
      'Its mistakes, its filters and what each layer makes of an image, before anything is trained. Predict asks it about a drawing or a picture of yours.',
    runs: [net.texts],
    trained: net,
  })),
  {
    name: 'Too large a rate',
    prose:
      'Three rates side by side: one crawls, one learns, one leaps out of every valley: its loss stays where guessing is, or becomes no number at all.',
    runs: ['0.005', '0.1', '1.2'].map(lr => ({ ...small, optimizer: 'sgd', lr })),
  },
  {
    name: 'Overfit 500 images',
    prose:
      'The training loss goes to nothing while the one on images that it has not seen turns up again: the gap between both curves opens.',
    runs: [few],
  },
  {
    name: 'Dead ReLUs',
    prose:
      'At a large rate units fall silent for every image and no gradient wakes them; leaky ones recover. The net shows the share of zeros.',
    runs: ['relu', 'leakyRelu'].map(activation => ({ ...small, model: `mlp:activation=${activation}`, optimizer: 'adam', lr: '0.05' })),
  },
  {
    name: 'Why normalise',
    prose:
      'The same net on pixels as they are, from 0 to 1, and on pixels of mean 0 and deviation 1: where the inputs are centred the same rate gets further.',
    runs: ['none', 'meanstd'].map(normalize => ({ ...small, optimizer: 'sgd', lr: '0.05', normalize })),
  },
  {
    name: 'What augmentation does',
    prose:
      'Shifted and mirrored images are new ones to the net: it learns them more slowly, and the loss on images that it has not seen goes on falling where the other has turned up.',
    runs: [few, { ...few, augment: 'crop:2,flip' }],
  },
];

/** A list of them; those whose data is not at hand say so when they are tried. */
export const presetList = (start: (preset: Preset) => unknown): HTMLElement =>
  el(
    'section',
    { class: 'panel presets' },
    el('h2', { textContent: 'You could try' }),
    el(
      'ul',
      {},
      ...PRESETS.map(preset =>
        el(
          'li',
          {},
          button(preset.name, () => start(preset)),
          el('span', { class: 'hint', textContent: preset.prose }),
        ),
      ),
    ),
  );
