/** `descent compare relu-collapse`: the share of nets that are dead from birth, by depth, a line for each width. */
import { openDataset } from '../../datasets/node/open.ts';
import { Device } from '../../engine/device.ts';
import { openAdapter } from '../../engine/node/adapters.ts';
import { draw } from '../../plots/chart.ts';
import { writePicture } from '../../plots/node.ts';
import { countDead, type Collapse } from '../../train/study/collapse.ts';
import { COMPARED } from '../../train/study/compare.ts';
import { OPTIONS } from '../../train/config/options.ts';
import { onInterrupt } from '../run/interrupt.ts';
import type { CompareOptions } from './compare-options.ts';
import { tellStopped } from './stopped.ts';
import { percent, print, table } from '../output.ts';

const WIDTHS = [2, 3, 4, 8];
const DEPTHS = [1, 2, 4, 8, 16, 32];
/** Nets of each shape. */
const NETS = 30;

export async function compareCollapse(options: CompareOptions): Promise<void> {
  const { dataset: name = COMPARED.dataset, dataDir, out = '', json, quiet } = options;
  const seed = OPTIONS.seed.type.parse('--seed', options.seed ?? '0')!;
  const dataset = await openDataset(name, { dataDir, quiet, limitTrain: 64, limitTest: 32 });
  const interrupt = onInterrupt();
  const device = await Device.open(await openAdapter(options.adapter));
  const counts: Collapse[] = [];
  try {
    interrupt.trains = true;
    for (const width of WIDTHS) {
      for (const depth of DEPTHS) {
        if (interrupt.asked) break;
        const counted = await countDead(device, dataset, { width, depth, nets: NETS, seed });
        counts.push(counted);
        if (json) print(JSON.stringify(counted));
      }
    }
  } finally {
    interrupt.end();
    device.close();
  }
  if (interrupt.asked && !tellStopped(interrupt, counts.length, WIDTHS.length * DEPTHS.length, options)) return;
  const of = (width: number) => counts.filter(c => c.width === width);
  const written = await writePicture(out, drawCollapse(of));
  if (json) return;
  const head = ['units', ...DEPTHS.map(depth => `${depth} ${depth === 1 ? 'layer' : 'layers'}`)];
  print(table([head, ...WIDTHS.map(width => [String(width), ...DEPTHS.map((_, i) => cell(of(width)[i]))])]));
  if (!quiet) print(`picture in ${written}`);
}

const cell = (counted: Collapse | undefined): string => (counted ? percent(share(counted)) : '-');

const share = ({ dead, nets }: Collapse): number => dead / nets;

function drawCollapse(of: (width: number) => readonly Collapse[]): string {
  const series = WIDTHS.map(width => ({
    name: `${width} units`,
    points: of(width).map(c => [c.depth, share(c)] as const),
    dots: true,
  }));
  const x = { label: 'hidden layers', log: 2, min: 1, max: 32 } as const;
  const y = { label: 'nets with a constant output', percent: true, min: 0, max: 1 };
  const title = `ReLU nets dead from birth, ${NETS} of each shape`;
  return draw([{ kind: 'line', x, y, series }], { title, width: 640, height: 340 });
}
