/** Trained nets that come with the page (models/trained/), so that there is something to look into before anything is trained. */
import { fetched } from '../../engine/platform.ts';
import { backboneUrl } from '../../train/tune/backbone-url.ts';
import type { Texts } from '../form/texts.ts';

export interface TrainedNet {
  /** What it is, in a button. */
  readonly label: string;
  /** What it was trained by, as far as a run that takes its weights must know. */
  readonly texts: Texts & { readonly model: string; readonly dataset: string };
  readonly url: URL;
}

export const TRAINED = {
  lenet5: {
    label: 'A trained LeNet-5 (Fashion-MNIST)',
    texts: { model: 'lenet5', dataset: 'fashion-mnist' },
    url: new URL('../../models/trained/lenet5.safetensors', import.meta.url),
  },
  resnet20: {
    label: 'A trained ResNet-20 (CIFAR-10)',
    texts: { model: 'resnet20', dataset: 'cifar10' },
    url: backboneUrl(),
  },
} satisfies Readonly<Record<string, TrainedNet>>;

/** The file of a net; fetched when it is first asked for. */
export const weightsOf = ({ url }: TrainedNet): Promise<Uint8Array> => fetched(url);
