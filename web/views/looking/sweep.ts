/** Runs of several choices, one after another, as small charts, those of one loss on common axes. */
import { check } from '../../../engine/check.ts';
import type { RunConfig } from '../../../train/config/config.ts';
import { choices, configOf, parseAxis, type Choice } from '../../../train/config/grid.ts';
import type { RunEvent } from '../../worker/protocol.ts';
import { textsOf } from '../../form/texts.ts';
import { field } from '../../form/field.ts';
import { button, el, percent } from '../dom.ts';
import { search, type Searched } from './search.ts';
import { heightsOf } from './sweep-heights.ts';
import { smallChart } from './small-chart.ts';

/** Runs of one sweep at most. */
const MOST = 30;

type Tried = Extract<RunEvent, { kind: 'tried' }>;
interface Asked {
  readonly choice: Choice;
  readonly config: RunConfig;
}

export function sweep({ config, dropped, use }: Searched): HTMLElement {
  const axes = el('input', { type: 'text', value: 'lr=0.001,0.01,0.1', autocomplete: 'off', spellcheck: false });
  const charts = el('div', { class: 'small-charts' });
  let asked: readonly Asked[] = [];
  let tried: Tried[] = [];
  const { controls, said } = search(
    'Run all',
    async engine => {
      const base = config();
      const texts = { ...textsOf(base), model: base.model, dataset: base.dataset };
      const picked = choices(axes.value.trim().split(/\s+/).filter(Boolean).map(parseAxis));
      check(picked.length <= MOST, `sweep: these are ${picked.length} runs`, `give at most ${MOST}`);
      asked = picked.map(choice => ({ choice, config: configOf(texts, choice) }));
      tried = [];
      charts.replaceChildren();
      const configs = asked.map(one => one.config);
      await engine.call('sweepRuns', configs, document.baseURI, dropped());
      const best = bestOf(tried);
      return best ? `Best: ${wordsOf(asked[best.index]!.choice)}.` : 'None of them learned.';
    },
    event => {
      if (event.kind !== 'tried') return;
      tried.push(event);
      charts.replaceChildren(...picturesOf(tried, asked, use));
    },
  );
  const about = 'Options with values, as descent sweep takes them, spaces between: lr=0.01,0.1 batch-size=32,64. All else is as above.';
  return el('div', {}, field('Try', axes, { about }), controls, said, charts);
}

const wordsOf = (choice: Choice): string =>
  Object.entries(choice)
    .map(([key, value]) => `${key} ${value}`)
    .join(', ');

/** The one with the best validation accuracy, of regressions with the least root mean squared error: their losses may be of different kinds. */
function bestOf(all: readonly Tried[]): Tried | undefined {
  const worth = ({ best }: Tried) => (best ? (best.accuracy ?? -best.rmse!) : -Infinity);
  return all.filter(t => t.best).reduce<Tried | undefined>((a, b) => (a && worth(a) >= worth(b) ? a : b), undefined);
}

function picturesOf(tried: readonly Tried[], asked: readonly Asked[], use: Searched['use']): HTMLElement[] {
  const curves = tried.map(({ lines }) => ({
    training: lines.flatMap(l => ('split' in l ? [] : [[l.step, l.loss] as const])),
    validation: lines.flatMap(l => ('split' in l && l.split === 'val' ? [[l.step, l.loss] as const] : [])),
  }));
  const all = curves.flatMap(({ training, validation }) => [...training, ...validation]);
  const end = all.reduce((a, [step]) => Math.max(a, step), 1);
  const tops = heightsOf(tried.map(({ index }, i) => ({ config: asked[index]!.config, first: curves[i]!.training[0]?.[1] ?? 0 })));
  const best = bestOf(tried);
  return tried.map((t, i) => {
    const { choice, config } = asked[t.index]!;
    const top = tops[i]!;
    const name = wordsOf(choice);
    const worth = t.best
      ? t.best.accuracy === undefined
        ? `RMSE ${t.best.rmse!.toPrecision(3)}`
        : `right ${percent(t.best.accuracy)}`
      : 'diverged';
    const chart = smallChart({
      title: `${t === best ? '★ ' : ''}${name}`,
      label: `${name}: training and validation loss by step; ${worth}`,
      curves: [
        { kind: 'muted', points: curves[i]!.training },
        { kind: 'main', points: curves[i]!.validation },
      ],
      x: [1, end],
      y: [0, top],
      ends: { left: worth, right: `step ${end}`, top: `loss ${top.toPrecision(2)}` },
    });
    chart.append(button('Use', () => use(config), { 'aria-label': `Use ${name}` }));
    return chart;
  });
}
