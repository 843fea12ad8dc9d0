/** The page: which view is shown, what is dropped on it, and whether this browser can train at all. */
import { DescentError } from '../engine/check.ts';
import { NO_ADAPTER, NO_WEBGPU } from './device.ts';
import { isDark, notice, told } from './dom.ts';
import type { Texts } from './form.ts';
import { TrainView } from './train-view.ts';

const place = document.getElementById('view')!;
const [, query = ''] = location.hash.split('?');
const train = new TrainView(Object.fromEntries(new URLSearchParams(query)) as Texts);
const views: Record<string, () => Promise<{ element: HTMLElement; stop?: () => void }>> = {
  train: async () => train,
  playground: once(async () => new (await import('./playground-view.ts')).PlaygroundView()),
  race: once(async () => new (await import('./race-view.ts')).RaceView()),
  predict: once(async () => new (await import('./predict-view.ts')).PredictView(train)),
};
let stop: (() => void) | undefined;

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => made ??= make();
}

async function show(): Promise<void> {
  const name = location.hash.slice(1).split('?')[0]!, view = await (views[name] ?? views.train!)();
  stop?.();
  stop = view.stop?.bind(view);
  place.replaceChildren(view.element);
  for (const a of document.querySelectorAll('nav a')) {
    if (a.getAttribute('href') === `#${views[name] ? name : 'train'}`) a.setAttribute('aria-current', 'page'); else a.removeAttribute('aria-current');
  }
}

/** A dropped file is weights, runs, a file of a data set, or a picture to judge. */
async function take(file: File): Promise<void> {
  const bytes = async () => new Uint8Array(await file.arrayBuffer());
  if (file.name.endsWith('.safetensors')) return train.importWeights(await bytes(), file.name);
  if (file.name.endsWith('.json')) return train.loadRuns(await file.text(), file.name);
  const { datasets } = await import('../datasets/index.ts'), plain = file.name.replace(/\.gz$/, '');
  if (Object.values(datasets).some(d => d.files.some(f => f.name === plain))) {
    const stream = file.name.endsWith('.gz') ? file.stream().pipeThrough(new DecompressionStream('gzip')) : file.stream();
    return train.addData(plain, new Uint8Array(await new Response(stream).arrayBuffer().catch(() => { throw new DescentError(`${file.name}: is damaged, it does not decompress; fetch it again`); })));
  }
  location.hash = '#predict';
  const view = await views.predict!() as import('./predict-view.ts').PredictView;
  await view.judge(file);
}

addEventListener('dragover', event => event.preventDefault());
addEventListener('drop', event => {
  event.preventDefault();
  void told(async () => { for (const file of event.dataTransfer?.files ?? []) await take(file); });
});
addEventListener('hashchange', () => void told(show));

const chosen = localStorage.getItem('theme');
if (chosen) document.documentElement.dataset.theme = chosen;
document.getElementById('theme')!.onclick = () => {
  document.documentElement.dataset.theme = isDark() ? 'light' : 'dark';
  localStorage.setItem('theme', document.documentElement.dataset.theme);
  train.draw();
  dispatchEvent(new Event('themechange'));
};

void told(show);
const { gpu } = navigator as { gpu?: GPU };
if (!gpu) notice(NO_WEBGPU);
else void gpu.requestAdapter().then(adapter => { if (!adapter) notice(NO_ADAPTER); });

/** For tests: the view that trains. */
Object.assign(globalThis, { descent: train });
