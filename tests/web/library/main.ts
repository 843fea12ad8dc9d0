/** The library as a page has it: for tests, which call what stands in `globalThis.library`. */
import { datasetOf, dense, fit, pictureBytes, sequential, type FitOptions, type Picture, type RunEvent } from '../../../index.ts';

/** How many workers were started. */
let workers = 0;
class CountedWorker extends Worker {
  constructor(...args: ConstructorParameters<typeof Worker>) {
    super(...args);
    workers++;
  }
}
globalThis.Worker = CountedWorker;

/** A canvas of 12x12: a bar across or down, somewhere. */
function bar(i: number): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 12;
  const context = canvas.getContext('2d')!;
  context.fillStyle = '#000';
  context.fillRect(0, 0, 12, 12);
  context.fillStyle = '#fff';
  const at = 1 + ((7 * i) % 9);
  if (i % 2) context.fillRect(at, 1, 2, 10);
  else context.fillRect(1, at, 10, 2);
  return canvas;
}
const bars = {
  images: Array.from({ length: 60 }, (_, i) => bar(i)),
  labels: Array.from({ length: 60 }, (_, i) => (i % 2 ? 'down' : 'across')),
};
const quick: FitOptions = { epochs: 4, batchSize: 18, optimizer: { name: 'adam', lr: 0.01 }, logEvery: 1 };

/** What a run tells, how it ends, what its model answers, and how many workers it took. */
async function trained(model: Parameters<typeof fit>[0], options: FitOptions, most = Infinity) {
  const before = workers;
  const events: RunEvent[] = [];
  const run = fit(model, { ...bars, shape: [1, 12, 12] }, { ...quick, ...options });
  for await (const event of run) {
    events.push(event);
    if (events.length >= most) break;
  }
  const checkpoint = await run.checkpoint();
  const outcome = await run.done;
  const predictor = await run.model;
  const answers = await predictor.predict([await pictureBytes(bar(3), [1, 12, 12]), await pictureBytes(bar(4), [1, 12, 12])]);
  predictor.destroy();
  return { events, outcome, checkpoint: [...checkpoint], answers: answers.map(([first]) => first!.label), workers: workers - before };
}

/** An object as Vue and others give it to a page, all the way down. */
const reactive = <T extends object>(value: T): T =>
  new Proxy(value, {
    get(target, key) {
      const own: unknown = Reflect.get(target, key);
      return typeof own === 'object' && own !== null && !ArrayBuffer.isView(own) ? reactive(own) : own;
    },
  });

/** The address of a module. */
const module = (text: string): URL => new URL(URL.createObjectURL(new Blob([text], { type: 'text/javascript' })));

const failure = (work: Promise<unknown>): Promise<{ kind: string; message: string }> =>
  work.then(
    () => ({ kind: 'none', message: 'it did not fail' }),
    (error: Error) => ({ kind: error.constructor.name, message: error.message }),
  );

const library = {
  byName: (options: FitOptions = {}) => trained('mlp:hidden=8', options),
  broken: () => trained('mlp:hidden=8', { epochs: 100000 }, 5),
  byFunction: () => trained(({ classes }) => sequential({ fc: dense(classes) }), {}),
  async reactive() {
    const before = workers;
    const data = reactive(await datasetOf({ ...bars, shape: [1, 12, 12] }));
    const { ended } = await fit('mlp:hidden=8', data, reactive({ ...quick, augment: ['flip'], classWeights: { across: 2, down: 1 } })).done;
    return { ended, workers: workers - before };
  },
  /** Runs that start from kept weights and from an address, and how many workers they took. */
  async started() {
    const data = { ...bars, shape: [1, 12, 12] as const };
    const model = await fit('mlp:hidden=8', data, quick).model;
    await model.save('indexeddb://start');
    const address = URL.createObjectURL(new Blob([await model.onnx()]));
    const before = workers;
    const losses: (number | undefined)[] = [];
    for (const init of ['indexeddb://start', address, new URL(address)]) {
      const { train } = await fit('mlp:hidden=8', data, { ...quick, init, optimizer: 'sgd:lr=0', epochs: 1 }).done;
      losses.push(train?.loss);
    }
    return { losses, workers: workers - before };
  },
  async resumed() {
    const run = fit('mlp:hidden=8', { ...bars, shape: [1, 12, 12] }, { ...quick, checkpointEvery: 6 });
    let bytes: Uint8Array | undefined;
    for await (const event of run) if (event.type === 'checkpoint') bytes ??= event.bytes;
    return trained('mlp:hidden=8', { resume: bytes! });
  },
  async held() {
    let steps = 0;
    const run = fit('mlp:hidden=8', { ...bars, shape: [1, 12, 12] }, { ...quick, epochs: 100000, onStep: () => void steps++ });
    const wait = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));
    while (steps < 3) await wait(5);
    await run.pause();
    const at = steps;
    await wait(100);
    const still = steps;
    run.resume();
    while (steps < at + 3) await wait(5);
    await run.stop();
    return { at, still, ended: (await run.done).ended };
  },
  async aborted() {
    const control = new AbortController();
    const run = fit('mlp', bars, { ...quick, epochs: 100000, signal: control.signal, onStep: () => control.abort(new Error('enough')) });
    return failure(run.done);
  },
  failures: () =>
    Promise.all([
      failure(fit('mlp', { ...bars, labels: [1] }).done),
      failure(fit('mlp', bars, { batchSize: 1000 }).done),
      failure(fit('mlp', bars, { ...quick, optimizer: 'sgd:lr=1e30' }).done),
      failure((async () => fit(() => dense(2), bars, { worker: true }))()),
      failure(fit(module('export default 5'), bars, quick).done),
      failure(fit('mlp', bars, { ...quick, schedule: (() => 0.1) as never }).done),
      failure(
        fit('mlp', bars, {
          ...quick,
          onStep() {
            throw new Error('mine');
          },
        }).done,
      ),
    ]),
  /** The bytes of one drawing by every way that a page has to hold it. */
  async pictures() {
    const canvas = document.createElement('canvas');
    canvas.width = 9;
    canvas.height = 7;
    const context = canvas.getContext('2d')!;
    for (let y = 0; y < 7; y++) {
      for (let x = 0; x < 9; x++) {
        context.fillStyle = `rgb(${20 * x}, ${30 * y}, ${(11 * x * y) % 256})`;
        context.fillRect(x, y, 1, 1);
      }
    }
    const blob = await new Promise<Blob>(resolve => canvas.toBlob(b => resolve(b!)));
    const image = new Image();
    image.src = URL.createObjectURL(blob);
    const lazy = new Image();
    lazy.loading = 'lazy';
    lazy.src = image.src;
    const offscreen = new OffscreenCanvas(9, 7);
    offscreen.getContext('2d')!.drawImage(canvas, 0, 0);
    const pictures: Record<string, Picture> = {
      canvas,
      offscreen,
      image,
      lazy,
      blob,
      pixels: context.getImageData(0, 0, 9, 7),
      bitmap: await createImageBitmap(canvas),
      frame: new VideoFrame(canvas, { timestamp: 0 }),
      floats: context.getImageData(0, 0, 9, 7, { pixelFormat: 'rgba-float16' }),
      file: new File([blob], 'a.png'),
      text: canvas.toDataURL(),
      address: new URL(image.src),
    };
    const bytes = Object.entries(pictures).map(async ([name, picture]) => [name, [...(await pictureBytes(picture, [3, 7, 9]))]] as const);
    const { shape } = await datasetOf({ images: [canvas, blob], labels: [0, 1] });
    return { bytes: Object.fromEntries(await Promise.all(bytes)), shape };
  },
  /** The first byte of a white picture that is black, or closed, as soon as it was given. */
  async changed() {
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 4;
    const context = canvas.getContext('2d', { willReadFrequently: true })!;
    const fill = (colour: string) => {
      context.fillStyle = colour;
      context.fillRect(0, 0, 4, 4);
    };
    fill('#fff');
    const [bitmap, frame, pixels] = [
      await createImageBitmap(canvas),
      new VideoFrame(canvas, { timestamp: 0 }),
      context.getImageData(0, 0, 4, 4),
    ];
    const reading = [canvas, bitmap, frame, pixels].map(picture => pictureBytes(picture, [1, 2, 2]));
    fill('#000');
    bitmap.close();
    frame.close();
    pixels.data.fill(0);
    return (await Promise.all(reading)).map(([first]) => first!);
  },
  refused: () =>
    Promise.all([
      failure(datasetOf({ images: [new Blob(['no picture']), bar(1)], labels: [0, 1] })),
      failure(datasetOf({ images: [document.createElement('div') as never, bar(1)], labels: [0, 1] })),
      failure(datasetOf({ images: [new URL('missing.png', location.href)], labels: [0] })),
      failure(pictureBytes({ data: new Float32Array(16) as never, width: 2, height: 2 }, [3, 2, 2])),
      failure(pictureBytes({ data: new Uint8Array(12), width: 2, height: 2 }, [3, 2, 2])),
    ]),
  /** What is said of pictures without pixels. */
  async empty() {
    const bitmap = await createImageBitmap(bar(1));
    const frame = new VideoFrame(bar(1), { timestamp: 0 });
    for (const closed of [bitmap, frame]) closed.close();
    const canvas = document.createElement('canvas');
    canvas.width = 0;
    const pictures = [document.createElement('video'), bitmap, frame, canvas];
    return (await Promise.all(pictures.map(picture => failure(pictureBytes(picture, [3, 7, 9]))))).map(({ message }) => message);
  },
  /** How runs in a worker and in the page end, whose values are in memory that may shrink. */
  async resizable() {
    const buffer: ArrayBuffer = new (ArrayBuffer as unknown as new (bytes: number, o: object) => ArrayBuffer)(160, { maxByteLength: 320 });
    const images = new Float32Array(buffer);
    for (const i of images.keys()) images[i] = i % 4;
    const data = { images, shape: [2], labels: images.subarray(20).map(v => v & 1) } as const;
    const runs = [true, false].map(worker => fit('mlp:hidden=8', data, { epochs: 1, batchSize: 10, valSplit: 0, worker }));
    return Promise.all(runs.map(({ done }) => failure(done)));
  },
  /** A picture of a server that does not say that pages of others may read it. */
  async foreign() {
    const image = new Image();
    image.src = 'http://other.example/a.svg';
    return failure(pictureBytes(image, [3, 2, 2]));
  },
  /** Samples that do not stay in memory. */
  async large() {
    const { train } = await datasetOf({ images: [1, 2, 3, 4, 5].map(v => Float32Array.of(v, 10 * v)), labels: [0, 1, 0, 1, 0] }, 8);
    return [...(await train.stored!.read(Uint32Array.of(4, 0, 1, 2)))];
  },
};
export type Library = typeof library;
Object.assign(globalThis, { library });
