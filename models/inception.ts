import type { Layer } from '../engine/graph.ts';
import { choice } from '../engine/parameter.ts';
import { auxiliary } from '../layers/auxiliary.ts';
import { beside, sequential, type Layers } from '../layers/compose.ts';
import { dense } from '../layers/dense.ts';
import { normal } from '../layers/init.ts';
import { dropout } from '../layers/noise.ts';
import { avgPool, globalAvgPool, maxPool } from '../layers/pool.ts';
import { unit } from './googlenet.ts';
import { dropRate, model, started } from './model.ts';

/** A row and a column of taps, padded to keep the size. */
const row = (o: number, k: number) => unit(o, [1, k], { pad: [0, k >> 1] });
const column = (o: number, k: number) => unit(o, [k, 1], { pad: [k >> 1, 0] });
const square = (o: number, k: number) => unit(o, k, { pad: k >> 1 });
const narrowing = (o: number) => unit(o, 3, { stride: 2 });
const mean = () => avgPool(3, { stride: 1, pad: 1 });

const chains = (...of: readonly Layers[]): Layer => beside(...of.map(sequential));

/** Layers after which the input goes several ways. */
const then =
  (first: Layers, next: Layer): Layer =>
  (g, x) =>
    next(g, sequential(first)(g, x));

/** Figure 5 of the paper: 5x5 and two 3x3. */
const squares = (pooled: number): Layer =>
  chains(
    { branch1x1: unit(64, 1) },
    { branch5x5_1: unit(48, 1), branch5x5_2: square(64, 5) },
    { branch3x3dbl_1: unit(64, 1), branch3x3dbl_2: square(96, 3), branch3x3dbl_3: square(96, 3) },
    { pool: mean(), branch_pool: unit(pooled, 1) },
  );

/** Half the size. */
const halved: Layer = chains(
  { branch3x3: narrowing(384) },
  { branch3x3dbl_1: unit(64, 1), branch3x3dbl_2: square(96, 3), branch3x3dbl_3: narrowing(96) },
  { pool: maxPool(3, { stride: 2 }) },
);

/** Figure 6: 7x7 as a row and a column, once and twice. */
const crossed = (c: number): Layer =>
  chains(
    { branch1x1: unit(192, 1) },
    { branch7x7_1: unit(c, 1), branch7x7_2: row(c, 7), branch7x7_3: column(192, 7) },
    {
      branch7x7dbl_1: unit(c, 1),
      branch7x7dbl_2: column(c, 7),
      branch7x7dbl_3: row(c, 7),
      branch7x7dbl_4: column(c, 7),
      branch7x7dbl_5: row(192, 7),
    },
    { pool: mean(), branch_pool: unit(192, 1) },
  );

/** Half the size again. */
const halvedAgain: Layer = chains(
  { branch3x3_1: unit(192, 1), branch3x3_2: narrowing(320) },
  { branch7x7x3_1: unit(192, 1), branch7x7x3_2: row(192, 7), branch7x7x3_3: column(192, 7), branch7x7x3_4: narrowing(192) },
  { pool: maxPool(3, { stride: 2 }) },
);

/** Figure 7: 3x3 as a row beside a column. */
const spread: Layer = beside(
  sequential({ branch1x1: unit(320, 1) }),
  then({ branch3x3_1: unit(384, 1) }, chains({ branch3x3_2a: row(384, 3) }, { branch3x3_2b: column(384, 3) })),
  then(
    { branch3x3dbl_1: unit(448, 1), branch3x3dbl_2: square(384, 3) },
    chains({ branch3x3dbl_3a: row(384, 3) }, { branch3x3dbl_3b: column(384, 3) }),
  ),
  sequential({ pool: mean(), branch_pool: unit(192, 1) }),
);

/** The size from which the auxiliary head has anything to see. */
const WITH_HEAD = 299;
/** How much its loss counts (0.3 in section 5 of Szegedy et al. 2014; torchvision trains with 0.4). */
const SHARE = 0.4;

/**
 * Inception v3 (Szegedy et al. 2015) in torchvision's layout, for images of 75x75 and larger. Its auxiliary head is trained along with it
 * and takes images of 299x299 and larger; by itself the size of the images decides whether there is one.
 */
export const inceptionV3 = model(
  'inception-v3',
  "Inception v3 (Szegedy et al. 2015), torchvision's layout",
  { aux: choice('auto', ['auto', 'on', 'off'], 'an auxiliary head in training'), dropout: dropRate(0.5) },
  ({ classes, shape: [, h, w] }, { aux, dropout: p }) => {
    const hasHead = aux === 'auto' ? Math.min(h, w) >= WITH_HEAD : aux === 'on';
    const head = sequential({
      pool: avgPool(5, { stride: 3 }),
      conv0: unit(128, 1),
      conv1: unit(768, 5),
      avgpool: globalAvgPool(),
      fc: dense(classes),
    });
    const net = sequential({
      Conv2d_1a_3x3: narrowing(32),
      Conv2d_2a_3x3: unit(32, 3),
      Conv2d_2b_3x3: square(64, 3),
      maxpool1: maxPool(3, { stride: 2 }),
      Conv2d_3b_1x1: unit(80, 1),
      Conv2d_4a_3x3: unit(192, 3),
      maxpool2: maxPool(3, { stride: 2 }),
      Mixed_5b: squares(32),
      Mixed_5c: squares(64),
      Mixed_5d: squares(64),
      Mixed_6a: halved,
      Mixed_6b: crossed(128),
      Mixed_6c: crossed(160),
      Mixed_6d: crossed(160),
      Mixed_6e: crossed(192),
      ...(hasHead && { AuxLogits: auxiliary(head, SHARE) }),
      Mixed_7a: halvedAgain,
      Mixed_7b: spread,
      Mixed_7c: spread,
      avgpool: globalAvgPool(),
      dropout: dropout(p),
      fc: dense(classes),
    });
    const deviations: Readonly<Record<string, number>> = { 'AuxLogits.conv1.conv.weight': 0.01, 'AuxLogits.fc.weight': 0.001 };
    return started(net, ({ name }) => normal(deviations[name] ?? 0.1));
  },
);
