/** What runs in a page that `descent export --to webpage` wrote: the net that lies in it says what pictures show, without a network. */
import { DescentError, render } from '../../engine/check.ts';
import { openDevice } from '../../engine/open.ts';
import type { Answer, Predictor } from '../../train/evaluate/predictor.ts';
import { openOnnx } from '../../train/onnx/predictor.ts';

const element = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const [status, results, invert] = [element('status'), element('results'), element<HTMLInputElement>('invert')];

const said = (error: unknown): string => {
  if (error instanceof DescentError) return render(error, ({ option }) => option);
  return error instanceof Error ? error.message : String(error);
};

/** The net on the device, ready to answer. */
async function open(): Promise<Predictor> {
  const bytes = Uint8Array.from(atob(element('net').textContent!.trim()), c => c.charCodeAt(0));
  return openOnnx(await openDevice(), bytes, 'the net in this page', 4);
}

const opening = open();
opening.then(
  ({ classes }) => (status.textContent = `Ready: ${classes.length} classes.`),
  error => (status.textContent = said(error)),
);

/** A picture with what it shows, the latest first. */
async function classify(file: File): Promise<void> {
  const item = document.createElement('li');
  const picture = document.createElement('img');
  picture.src = URL.createObjectURL(file);
  picture.alt = file.name;
  const answers = document.createElement('div');
  answers.textContent = '…';
  item.append(picture, answers);
  results.prepend(item);
  try {
    const predictor = await opening;
    const found = await predictor.predict(file, { invert: invert.checked });
    answers.replaceChildren(...found.map(bar));
  } catch (error) {
    answers.textContent = said(error);
    answers.setAttribute('role', 'alert');
  }
}

function bar({ label, probability }: Answer): HTMLElement {
  const row = document.createElement('div');
  row.className = 'bar';
  const name = document.createElement('span');
  name.textContent = label;
  const share = document.createElement('meter');
  share.value = probability;
  const percent = document.createElement('span');
  percent.textContent = `${(probability * 100).toFixed(1)}%`;
  row.append(name, share, percent);
  return row;
}

const all = (files: Iterable<File>) => [...files].forEach(file => void classify(file));
const choose = element<HTMLInputElement>('choose');
choose.addEventListener('change', () => all(choose.files ?? []));
document.addEventListener('dragover', event => event.preventDefault());
document.addEventListener('drop', event => {
  event.preventDefault();
  all(event.dataTransfer?.files ?? []);
});
document.addEventListener('paste', event => all(event.clipboardData?.files ?? []));
