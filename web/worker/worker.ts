/** A worker of the page, which never waits: here runs train, and all else that takes its time is done. */
import { faultOf } from '../../engine/check.ts';
import { Session } from './session.ts';
import type { Laboratory } from './laboratory.ts';
import type { Player } from './player.ts';
import type { Teacher } from './teacher.ts';
import type { Api, Reply, Request, RunEvent } from './protocol.ts';

type Handlers = { [K in keyof Api]: (...args: Parameters<Api[K]>) => ReturnType<Api[K]> | Promise<ReturnType<Api[K]>> };

function handlersOf(session: Session, tell: (event: RunEvent) => void): Handlers {
  // Loaded when they are first asked for: most runs never do.
  const bench = () => import('./bench-run.ts');
  const search = () => import('./searcher.ts');
  const preview = () => import('./previewer.ts');
  let teacher: Promise<Teacher> | undefined;
  const teach = () => (teacher ??= import('./teacher.ts').then(({ Teacher }) => new Teacher(tell)));
  let player: Promise<Player> | undefined;
  const play = () => (player ??= import('./player.ts').then(({ Player }) => new Player(tell)));
  let laboratory: Promise<Laboratory> | undefined;
  const experiments = () => (laboratory ??= import('./laboratory.ts').then(({ Laboratory }) => new Laboratory(tell)));
  return {
    open: (config, options, dropped) => session.open(config, options, dropped),
    warm: async (...asked) => (await import('./warm.ts')).warm(...asked),
    close: () => session.close(),
    play: () => session.play(),
    pause: () => session.pause(),
    stepOnce: () => session.stepOnce(),
    extend: epochs => session.extend(epochs),
    change: values => session.change(values),
    checkpoint: () => session.checkpoint(),
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
    previewData: async (...asked) => (await preview()).previewData(...asked),
    previewAugment: async (...asked) => (await preview()).previewAugment(...asked),
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
}

const engines = new Map<number, { readonly session: Session; readonly handlers: Handlers }>();
const post = (message: Reply): void => (self as unknown as { postMessage(m: Reply): void }).postMessage(message);

function engineOf(number: number) {
  const tell = (event: RunEvent) => post({ engine: number, event });
  const session = new Session(tell);
  const engine = { session, handlers: handlersOf(session, tell) };
  engines.set(number, engine);
  return engine;
}

self.onmessage = async ({ data: { engine, id, method, args } }: MessageEvent<Request>) => {
  const { handlers } = engines.get(engine) ?? engineOf(engine);
  try {
    post({ engine, id, result: await (handlers[method] as (...args: readonly unknown[]) => unknown)(...args) });
  } catch (error) {
    post({ engine, id, error: faultOf(error) });
  }
  if (method === 'close') engines.delete(engine);
};

// what waits on a device that is lost fails late; the session has said so already
self.addEventListener('unhandledrejection', event => {
  if ([...engines.values()].some(({ session }) => session.lost)) event.preventDefault();
});
