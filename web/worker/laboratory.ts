/** Experiments of the lessons in the worker: on its device, with the data sets that the page has, drawn as SVG. */
import type { Device } from '../../engine/device.ts';
import { openDevice } from '../../engine/open.ts';
import { Turns } from '../../engine/turns.ts';
import { draw } from '../../plots/chart.ts';
import { namesOf } from '../../plots/layout.ts';
import type { Panel } from '../../plots/panel.ts';
import { MARGIN } from '../../plots/style.ts';
import { knownName } from '../../datasets/index.ts';
import { parseConfig } from '../../train/config/config.ts';
import { Stopped, type Lab, type Outcome } from '../../train/study/experiment.ts';
import { planned } from '../../train/study/experiments.ts';
import { available, openDataset } from '../data/data.ts';
import type { Drawn, LabOptions, RunEvent } from './protocol.ts';

/** What takes the place of images that are not here. */
const STAND_IN = 'shapes';

export class Laboratory {
  #emit: (event: RunEvent) => void;
  #device: Promise<Device> | undefined;
  #ended = new Set<number>();
  #turns = new Turns();

  constructor(emit: (event: RunEvent) => void) {
    this.#emit = emit;
  }

  /** One after another, since they share the device. */
  run(id: number, text: string, options: LabOptions): Promise<Drawn | undefined> {
    return this.#turns.take(() => this.#run(id, text, options));
  }

  end(id: number): void {
    this.#ended.add(id);
  }

  async #run(id: number, text: string, { base, dropped, width }: LabOptions): Promise<Drawn | undefined> {
    const ended = this.#ended;
    if (ended.delete(id)) return undefined;
    const begun = performance.now();
    let note: string | undefined;
    const lab: Lab = {
      seed: 0,
      device: () => this.#open(),
      dataset: async (name, limits) => {
        const isHere = (await available(dropped, base)).has(knownName(name) ?? name); // `formula:y=…` is known by what stands before its options
        if (!isHere) note = `${name} is not on this site, so this is computed on ${STAND_IN}.`;
        return openDataset({ ...parseConfig('mlp', { dataset: isHere ? name : STAND_IN }), ...limits }, dropped, base);
      },
      progress: (done, of, what) => this.#emit({ kind: 'experiment', id, done, of, what }),
      get stopped() {
        return ended.has(id);
      },
    };
    try {
      const { panels, layout, pictures: _, values: __, ...outcome } = await planned(text).run(lab);
      return { ...outcome, panels: drawn(panels, layout, width), note, seconds: (performance.now() - begun) / 1000 };
    } catch (error) {
      if (error instanceof Stopped) return undefined;
      throw error;
    } finally {
      ended.delete(id);
    }
  }

  /** The device, anew where the last one was lost. Nothing is timed for it: these are small nets. */
  async #open(): Promise<Device> {
    const before = await this.#device?.catch(() => undefined);
    if (!before || before.lost) this.#device = openDevice({ tune: false });
    return this.#device!;
  }
}

/** Each panel as a picture of its own, so that the page can place them; a name has one colour in all. */
function drawn(panels: readonly Panel[], { width: usual = 420, height = 260 }: Outcome['layout'] = {}, room: number): Drawn['panels'] {
  const names = [...new Set(panels.flatMap(namesOf))];
  const width = Math.max(200, room - MARGIN.left - MARGIN.right);
  const tall = (panel: Panel) => (panel.kind === 'bar' ? height : Math.max(200, Math.min(360, (height / usual) * width)));
  return panels.map(panel => {
    const { title = '', ...untitled } = panel;
    return { title, svg: draw([untitled], { width, height: tall(panel), names }) };
  });
}
