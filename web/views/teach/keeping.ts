/** What leaves Teach, and what comes back: nets for other programs, and a clean sheet. */
import { button, el, pick, save } from '../dom.ts';
import type { NetFormat } from '../../worker/protocol.ts';
import { place, type Place } from './place.ts';

export interface Keeping {
  readonly element: HTMLElement;
  readonly place: Place;
  /** Whether there is a net to export. */
  has(net: boolean): void;
}

const FORMATS: readonly (readonly [NetFormat, label: string, title: string, type: string])[] = [
  ['safetensors', 'Weights', 'A safetensors file for the command line, for PyTorch, and for this page', 'application/octet-stream'],
  ['onnx', 'ONNX', 'For ONNX Runtime and whoever reads ONNX', 'application/octet-stream'],
  ['html', 'Web page', 'One file that classifies pictures in any browser with WebGPU, without a network', 'text/html'],
];

export function keeping(actions: {
  export(format: NetFormat): Promise<Uint8Array>;
  load(file: File): Promise<unknown>;
  clear(): unknown;
}): Keeping {
  const said = place();
  const give = (format: NetFormat, type: string) => () =>
    said.told(async () => {
      said.say();
      save(`taught.${format}`, new Uint8Array(await actions.export(format)), type);
    });
  const exports = FORMATS.map(([format, label, title, type]) => button(label, give(format, type), { title, disabled: true }));
  return {
    element: el(
      'section',
      { class: 'panel', 'aria-label': 'Keep' },
      el('h2', { textContent: 'Keep' }),
      el('p', {
        class: 'hint',
        textContent: 'Samples and the net stay in this browser, over reloads too, and go nowhere else. Export the net to use it elsewhere.',
      }),
      el(
        'div',
        { class: 'row' },
        ...exports,
        button('Load a net', () => pick({ accept: '.safetensors,.onnx,.html' }, ([file]) => actions.load(file!))),
        button('Start anew', actions.clear),
      ),
      said.element,
    ),
    place: said,
    has(net) {
      for (const one of exports) one.disabled = !net;
    },
  };
}
