/** The buttons that act on the run that is selected. */
import { button, el, notice, pick, save, told } from '../dom.ts';
import type { Run } from '../runs.ts';

/** Epochs that a run goes on for after its end. */
const MORE = 5;

interface Selects {
  selected(): Run | undefined;
  importWeights(bytes: Uint8Array, name: string): Promise<void>;
  /** Begins another run from where one is. */
  branch(run: Run): Promise<unknown>;
  /** Opens a run from before a reload, and trains on where it is not done. */
  resume(run: Run): Promise<void>;
}

export class RunToolbar {
  readonly element: HTMLElement;
  #buttons: Record<'play' | 'step' | 'reset' | 'branch' | 'test' | 'save' | 'average' | 'load', HTMLButtonElement>;

  constructor({ selected, importWeights, branch, resume }: Selects) {
    const act = (work: (run: Run) => unknown) => () =>
      told(async () => {
        const run = selected();
        if (run) await work(run);
        else notice('There is no run yet; press Start.', 'info');
      });
    const importFile = () =>
      pick({ accept: '.safetensors' }, async ([file]) => importWeights(new Uint8Array(await file!.arrayBuffer()), file!.name));
    this.#buttons = {
      play: button(
        'Pause',
        act(run => {
          if (run.state === 'kept') return resume(run);
          return run.state === 'done' ? run.extend(MORE) : run.engine.call(run.state === 'running' ? 'pause' : 'play');
        }),
      ),
      step: button(
        'Step',
        act(run => run.engine.call('stepOnce')),
        { title: 'One step of training' },
      ),
      reset: button(
        'Reset',
        act(run => run.engine.call('reset')),
        { title: 'Back to the first weights' },
      ),
      branch: button('Branch from here', act(branch), {
        title: 'A new run beside this one from its present weights, with what stands below Change while it trains',
      }),
      test: button(
        'Test',
        act(run => run.engine.call('evaluate', 'test')),
        { title: 'Loss and accuracy over all test images' },
      ),
      save: button(
        'Export weights',
        act(run => exportWeights(run, false)),
        { title: 'As a safetensors file for the command line, or for PyTorch' },
      ),
      average: button(
        'Export average',
        act(run => exportWeights(run, true)),
        { title: 'The averaged weights, which evaluations take', hidden: true },
      ),
      load: button('Import weights', importFile),
    };
    this.element = el('div', { class: 'row toolbar', role: 'group', 'aria-label': 'Run' }, ...Object.values(this.#buttons));
  }

  /** Gives the keyboard to the first button that can be pressed; where there is no run, to one that begins one. */
  focus(): void {
    this.element.parentElement!.querySelector<HTMLButtonElement>('button:enabled:not([hidden] *)')?.focus();
  }

  /** Offers what can be done with the run now. */
  show(run: Run | undefined): void {
    const { play, average } = this.#buttons;
    const ready = run?.facts && !['building', 'failed', 'loaded', 'kept'].includes(run.state);
    for (const [name, e] of Object.entries(this.#buttons)) {
      const alone = ['step', 'reset', 'branch', 'load'].includes(name); // of one run on one device
      e.disabled =
        !(ready || (['play', 'branch'].includes(name) && run?.state === 'kept')) ||
        (name === 'step' && ['running', 'done'].includes(run.state)) ||
        (alone && run.who.length > 0);
    }
    const says = run?.state === 'done' ? `${MORE} more epochs` : run?.state === 'running' ? 'Pause' : 'Resume';
    if (play.textContent !== says) play.textContent = says;
    average.hidden = !run?.facts?.averages;
  }
}

async function exportWeights(run: Run, averaged: boolean): Promise<void> {
  const bytes = await run.engine.call('exportWeights', averaged);
  const name = `${run.config.model.split(':')[0]}-${run.config.dataset}${averaged ? '-average' : ''}.safetensors`;
  save(name, new Uint8Array(bytes), 'application/octet-stream');
}
