/** The worker of one run: its device trains here, so that the page never waits. */
import { faultOf } from '../../engine/check.ts';
import { Session } from './session.ts';
import type { Laboratory } from './laboratory.ts';
import type { Player } from './player.ts';
import type { Previewer } from './previewer.ts';
import type { Teacher } from './teacher.ts';
import type { Api, Reply, Request, RunEvent } from './protocol.ts';

const post = (message: Reply): void => (self as unknown as { postMessage(m: Reply): void }).postMessage(message);
const tell = (event: RunEvent): void => post({ event });
const session = new Session(tell);
// Loaded when they are first asked for: most runs never do.
const bench = () => import('./bench-run.ts');
const search = () => import('./searcher.ts');
let teacher: Promise<Teacher> | undefined;
const teach = () => (teacher ??= import('./teacher.ts').then(({ Teacher }) => new Teacher(tell)));
let player: Promise<Player> | undefined;
const play = () => (player ??= import('./player.ts').then(({ Player }) => new Player(tell)));
let laboratory: Promise<Laboratory> | undefined;
const experiments = () => (laboratory ??= import('./laboratory.ts').then(({ Laboratory }) => new Laboratory(tell)));
let previewer: Promise<Previewer> | undefined;
const preview = () => (previewer ??= import('./previewer.ts').then(({ Previewer }) => new Previewer()));

type Handlers = { [K in keyof Api]: (...args: Parameters<Api[K]>) => ReturnType<Api[K]> | Promise<ReturnType<Api[K]>> };
const handlers: Handlers = {
  open: (config, options, dropped) => session.open(config, options, dropped),
  play: () => session.play(),
  pause: () => session.pause(),
  stepOnce: () => session.stepOnce(),
  extend: epochs => session.extend(epochs),
  reset: () => session.reset(),
  evaluate: part => session.evaluate(part),
  exportWeights: averaged => session.exportWeights(averaged),
  importWeights: (bytes, name) => session.importWeights(bytes, name),
  judge: count => session.inspect(net => net.judge(count)),
  imagesAt: indices => session.inspect(net => net.imagesAt(indices)),
  predict: bytes => session.inspect(net => net.predict(bytes)),
  explain: (bytes, target) => session.inspect(net => net.explain(bytes, target)),
  layers: () => session.inspect(net => net.layers()),
  layer: (name, index) => session.inspect(net => net.layer(name, index)),
  admit: (id, port) => session.admit(id, port),
  join: port => session.join(port),
  leave: () => session.leave(),
  loseDevice: () => session.loseDevice(),
  race: async request => (await import('./race-run.ts')).runRace(request),
  experiment: async (id, text, options) => (await experiments()).run(id, text, options),
  endExperiment: async id => (await experiments()).end(id),
  findRate: async (...asked) => (await search()).findRate(...asked, tell),
  sweepRuns: async (...asked) => (await search()).sweepRuns(...asked, tell),
  previewData: async (...asked) => (await preview()).data(...asked),
  previewAugment: async (...asked) => (await preview()).augmented(...asked),
  teachOpen: async () => (await teach()).open(),
  teachFeatures: async images => (await teach()).features(images),
  teachLearn: async samples => (await teach()).learn(samples),
  teachCheck: async samples => (await teach()).check(samples),
  teachAnswer: async images => (await teach()).answer(images),
  teachExport: async (format, base) => (await teach()).export(format, base),
  teachLoad: async (bytes, name) => (await teach()).load(Uint8Array.from(bytes), name),
  teachForget: async () => (await teach()).forget(),
  playOpen: async (task, anew) => (await play()).open(task, anew),
  playRates: async rates => (await play()).setRates(rates),
  playSet: async (tensor, index, value) => (await play()).set(tensor, index, value),
  playGo: async () => (await play()).go(),
  playPause: async () => (await play()).pause(),
  playStep: async () => (await play()).step(),
  benchKernels: async (filter, all) => (await bench()).benchKernels(filter, all, tell),
  benchStep: async (...asked) => (await bench()).benchStep(...asked),
};

self.onmessage = async ({ data: { id, method, args } }: MessageEvent<Request>) => {
  try {
    post({ id, result: await (handlers[method] as (...args: readonly unknown[]) => unknown)(...args) });
  } catch (error) {
    post({ id, error: faultOf(error) });
  }
};

// what waits on a device that is lost fails late; the session has said so already
self.addEventListener('unhandledrejection', event => {
  if (session.lost) event.preventDefault();
});
