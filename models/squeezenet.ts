import type { Layer } from '../engine/graph.ts';
import { relu } from '../layers/activation.ts';
import { beside, sequential } from '../layers/compose.ts';
import { conv2d } from '../layers/conv.ts';
import { fans, normal, uniform } from '../layers/init.ts';
import { dropout } from '../layers/noise.ts';
import { globalAvgPool, maxPool } from '../layers/pool.ts';
import { dropRate, model, started } from './model.ts';

/** 1x1 to few channels, then 1x1 and 3x3 side by side to `expand` channels each. */
const fire = (squeeze: number, expand: number): Layer => {
  const narrow = sequential({ squeeze: conv2d(squeeze, 1), squeeze_activation: relu() });
  const wide = beside(
    sequential({ expand1x1: conv2d(expand, 1), expand1x1_activation: relu() }),
    sequential({ expand3x3: conv2d(expand, 3, { pad: 1 }), expand3x3_activation: relu() }),
  );
  return (g, x) => wide(g, narrow(g, x));
};

/** SqueezeNet 1.1 (Iandola et al. 2016) in torchvision's layout: no dense layer, a 1x1 convolution to the classes and their means. */
export const squeezenet = model(
  'squeezenet1_1',
  "SqueezeNet 1.1 (Iandola et al. 2016), torchvision's layout",
  { dropout: dropRate(0.5) },
  ({ classes }, { dropout: p }) => {
    const halve = () => maxPool(3, { stride: 2, ceil: true });
    const fires = (...sizes: readonly (readonly [number, number])[]) => sizes.map(size => fire(...size));
    const net = sequential({
      features: sequential([
        conv2d(64, 3, { stride: 2 }),
        relu(),
        halve(),
        ...fires([16, 64], [16, 64]),
        halve(),
        ...fires([32, 128], [32, 128]),
        halve(),
        ...fires([48, 192], [48, 192], [64, 256], [64, 256]),
      ]),
      classifier: sequential([dropout(p), conv2d(classes, 1), relu(), globalAvgPool()]),
    });
    const isLast = (name: string) => name.startsWith('classifier');
    return started(net, ({ name, shape }) => (isLast(name) ? normal(0.01) : uniform(Math.sqrt(6 / fans(shape).fanIn))));
  },
);
