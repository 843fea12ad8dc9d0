/** The page: which view is shown, what is dropped on it, and whether this browser can train at all. */
import { capital, notice, passed, told } from './views/dom.ts';
import { themed } from './views/theme.ts';
import type { FolderFile } from './data/folder.ts';
import { viewed } from './views/title.ts';
import { remembered } from './data/kept-form.ts';
import type { Address } from './form/address.ts';
import type { PredictView } from './views/predict/predict-view.ts';
import { TrainView } from './views/train/train-view.ts';
import { inPageWords } from './words.ts';

const place = document.getElementById('view')!;
/** The one view that a frame in another page shows, by ?embed=playground. */
const embedded = new URLSearchParams(location.search).get('embed');
const viewName = (): string => location.hash.slice(1).split('?')[0] || (embedded ?? 'train');
const query = (): Address => Object.fromEntries(new URLSearchParams(location.hash.split('?')[1] ?? ''));
const train = new TrainView(remembered(viewName() === 'train' ? query() : {}));
interface View {
  readonly element: HTMLElement;
  /** Of what it shows, in place of its name. */
  readonly title?: string | undefined;
  /** `topic` follows the view's name in the address, after a slash. */
  show?(topic?: string): void;
  stop?(): void;
  /** Takes what stands in an address behind its name; Train is given that of the first visit when it is made. */
  configure?(address: Address): void;
  /** Takes files that are dropped on it, and those in dropped folders; whether it does. */
  drop?(at: Element, files: readonly File[], inFolders: readonly FolderFile[]): Promise<boolean>;
}
const views: Record<string, () => Promise<View>> = {
  train: async () => train,
  lessons: once(async () => new (await import('./views/lessons/lessons-view.ts')).LessonsView(() => train.configuration.dropped)),
  playground: once(async () => new (await import('./views/playground/playground-view.ts')).PlaygroundView()),
  race: once(async () => new (await import('./views/race/race-view.ts')).RaceView()),
  predict: once(async () => new (await import('./views/predict/predict-view.ts')).PredictView(train)),
  teach: once(async () => (await import('./views/teach/teach-view.ts')).TeachView.open()),
  bench: once(async () => new (await import('./views/bench-view.ts')).BenchView(() => train.configuration)),
};
let shown: View | undefined;
let turn = 0;
/** Which of the links that were opened the form has taken last: visits that show what became of it have this number. */
let taken = Number(history.state);
history.replaceState(taken, '');

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    made.catch(() => (made = undefined)); // which is tried again
    return made;
  };
}

async function show(): Promise<void> {
  const mine = ++turn;
  const [name, topic] = viewName().split('/') as [string, string?];
  const view = await (views[name] ?? views.train!)();
  if (mine !== turn) return; // another view was asked for while this one loaded
  shown?.stop?.();
  shown = view;
  if (view !== train && location.hash.includes('?')) view.configure?.(query()); // before it shows what it is
  view.show?.(topic);
  place.replaceChildren(view.element);
  for (const a of document.querySelectorAll('.top nav a')) {
    a.removeAttribute('aria-current');
    if (a.getAttribute('href') !== `#${views[name] ? name : 'train'}`) continue;
    a.setAttribute('aria-current', 'page');
    a.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    viewed(view.title ?? a.textContent);
  }
}

/** What becomes of a dropped or pasted file: it is weights, runs, files of a data set, or a picture to classify. */
const taking = () => import('./views/take.ts');
const predict = views.predict as () => Promise<PredictView>;

// a message is of the action before: the next one, or another view, ends it
document.addEventListener(
  'click',
  ({ target }) => {
    if (target instanceof Element && target.closest('button') && !target.closest('#notice')) passed();
  },
  { capture: true },
);
addEventListener('hashchange', passed);

// what is held over the page can be dropped anywhere on it, which is shown
const held = (is: boolean) => document.body.classList.toggle('held', is);
addEventListener('dragover', event => {
  event.preventDefault();
  held(Boolean(event.dataTransfer?.types.includes('Files')));
});
addEventListener('dragleave', event => {
  if (!event.relatedTarget) held(false);
});
addEventListener('paste', event => {
  const files = [...(event.clipboardData?.files ?? [])];
  if (files.length) void told(async () => (await taking()).take(files, train, predict));
});
addEventListener('drop', event => {
  event.preventDefault();
  held(false);
  passed();
  // what was dropped is readable in this turn alone
  const entries = [...(event.dataTransfer?.items ?? [])].map(i => i.webkitGetAsEntry());
  const files = [...(event.dataTransfer?.files ?? [])];
  const at = event.target instanceof Element ? event.target : document.body;
  void told(async () =>
    (await taking()).drop({ entries, files }, async (alone, inFolders) => shown?.drop?.(at, alone, inFolders), train, predict),
  );
});
addEventListener(
  'hashchange',
  () =>
    void told(async () => {
      await show();
      const isNew = history.state === null; // opened in this tab, and not come back to
      const isLink = shown === train && location.hash.includes('?') && history.state !== taken;
      if (isLink) taken++;
      if (isNew || isLink) history.replaceState(taken, ''); // of one come back to it would end that the browser scrolls there
      if (isNew) scrollTo(0, 0); // where the view before was scrolled to says nothing of this one
      if (isLink) train.configure(query());
    }),
);
// what has the focus is not to lie behind the header, nor behind a message below it
const above = document.querySelector<HTMLElement>('.above')!;
new ResizeObserver(() => document.documentElement.style.setProperty('--above', `${above.offsetHeight}px`)).observe(above);
document.querySelector<HTMLElement>('.skip')!.onclick = event => {
  event.preventDefault();
  place.focus();
};

addEventListener('beforeunload', event => {
  if (train.runs.some(r => r.state === 'running')) event.preventDefault(); // the browser then asks whether to leave
});

// what opens later is fetched then, by a name that a newer build has not
addEventListener('vite:preloadError', event => {
  (event as Event & { payload: Error }).payload.message = 'this part of the page cannot be fetched; reload the page';
});

// a browser may freeze a tab that stays hidden for long, its workers with it
document.addEventListener('resume', () => {
  if (train.runs.some(r => r.state === 'running'))
    notice('The browser had put this hidden tab to sleep, maybe training with it; it goes on now.', 'info');
});

themed(document.getElementById('theme')!, redrawn);

/** What is drawn has colours of its own. */
function redrawn(): void {
  train.draw();
  dispatchEvent(new Event('themechange'));
}

if (embedded && embedded in views) document.documentElement.classList.add('embedded');
void told(show);
// a built page has a service worker, by which it opens offline (web/offline/); where that is refused it goes without
const { PROD: isBuilt } = (import.meta as ImportMeta & { readonly env: { readonly PROD: boolean } }).env;
if (isBuilt) void navigator.serviceWorker?.register('./offline.js').catch(() => undefined);
const { gpu } = navigator as { gpu?: GPU };
const lacks = async (what: 'NO_WEBGPU' | 'NO_ADAPTER') =>
  notice(capital(inPageWords((await import('../engine/no-webgpu.ts'))[what])), 'standing');
if (!gpu) void lacks('NO_WEBGPU');
else void gpu.requestAdapter().then(adapter => (adapter ? undefined : lacks('NO_ADAPTER')));

/** For tests: the view that trains. */
Object.assign(globalThis, { descent: train });
