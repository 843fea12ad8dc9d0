/** `descent kernels`. */
import { check, lookUp, some, suggestion } from '../../engine/check.ts';
import { parseChoice } from '../../engine/spec.ts';
import { ADAPTERS, listed, shownOf, textsOf, type Imagined, type Listed, type Shown, type Text } from '../../shaders/listing.ts';
import { print, table } from '../output.ts';

export interface KernelsOptions {
  variant?: string;
  call?: string;
  for?: string;
  json?: boolean;
  quiet?: boolean;
}

/** Those of --for, or all. */
const adaptersFor = ({ for: adapter }: KernelsOptions): readonly Imagined[] =>
  adapter === undefined ? ADAPTERS : [parseChoice('--for', adapter, ADAPTERS)];

export async function kernels(name: string | undefined, options: KernelsOptions): Promise<void> {
  const { variant, call } = options;
  if (name === undefined) {
    check(variant === undefined && call === undefined, `--${variant === undefined ? 'call' : 'variant'}: of no kernel`, 'name a kernel');
    return listKernels(options);
  }
  const one = lookUp('kernel', name, Object.fromEntries(listed.map(each => [each.kernel.name, each])));
  const shown = [...shownOf(one, adaptersFor(options))];
  if (variant === undefined && call === undefined) return showKernel(one, shown, options);
  const chosen = choose(name, shown, options);
  const texts = await textsOf(chosen);
  const distinct = new Map(texts.map(text => [text.wgsl, text])); // a batch in parts has its stages again and again
  for (const text of distinct.values()) showText(text, chosen, options);
}

/** What is shown of a kernel: its first way where none is named, at a call at which that leads where none is named. */
function choose(kernel: string, shown: readonly Shown[], { variant, call }: KernelsOptions): Shown {
  const ways = waysIn(shown);
  check(
    variant === undefined || ways.has(variant),
    `--variant: ${kernel} has no '${variant}'`,
    `${suggestion(variant ?? '', [...ways.keys()])}give one of ${[...ways.keys()].join(', ')}`,
  );
  const able = shown.filter(s => variant === undefined || s.way === variant);
  const wanted = able.filter(s => call === undefined || s.label.includes(call));
  const labels = [...new Set(able.map(s => s.label))];
  check(wanted.length, `--call: '${call}' is in no call that ${variant ?? kernel} computes`, `give a part of a name, as ${some(labels)}`);
  return wanted.find(s => s.leads) ?? wanted[0]!;
}

/** The ways of computing a kernel, each with what is shown of it. */
function waysIn(shown: readonly Shown[]): Map<string, Shown[]> {
  const ways = new Map<string, Shown[]>();
  for (const one of shown) ways.set(one.way, [...(ways.get(one.way) ?? []), one]);
  return ways;
}

const adaptersOf = (shown: readonly Shown[]): Imagined[] => ADAPTERS.filter(adapter => shown.some(s => s.adapter === adapter));

function listKernels(options: KernelsOptions): void {
  const { json, quiet } = options;
  const kernels = listed.map(one => {
    const { name: kernel, bindings } = one.kernel;
    const variants = [...waysIn([...shownOf(one, adaptersFor(options))]).keys()];
    return { kernel, folder: `shaders/${one.folder}`, bindings, variants };
  });
  if (json || quiet) {
    for (const one of kernels) print(json ? JSON.stringify(one) : one.kernel);
    return;
  }
  const rows = kernels.map(one => [one.kernel, one.folder, String(one.variants.length), Object.keys(one.bindings).join(', ')]);
  print(table([['kernel', 'in', 'variants', 'bindings'], ...rows]));
  print('');
  print(
    'Variants are those of imagined adapters: software, with 8 lanes; a GPU with subgroups and matrix units; a GPU that may round to f16.',
  );
  print(
    'descent kernels <name> lists them, with --variant it prints the WGSL. descent train <model> --plan <dir> writes that of each dispatch',
  );
  print('of a step on the adapter at hand, those of updates, losses and augmentation too. docs/kernels.md says how they are written.');
}

/** A kernel's bindings and its ways, each with the adapters that take it and a call. */
function showKernel({ kernel, folder }: Listed, shown: readonly Shown[], { json, quiet }: KernelsOptions): void {
  const ways = Array.from(waysIn(shown), ([variant, found]) => {
    const calls = [...new Set(found.map(s => s.label))];
    const leading = found.find(s => s.leads);
    return { kernel: kernel.name, variant, adapters: adaptersOf(found), taken: adaptersOf(found.filter(s => s.leads)), calls, leading };
  });
  if (json || quiet) {
    for (const { leading: _, ...way } of ways) print(json ? JSON.stringify(way) : way.variant);
    return;
  }
  print(`${kernel.name}, in shaders/${folder}`);
  for (const [name, access] of Object.entries(kernel.bindings)) print(`  ${name}: ${access.replace('?', ', where a call has it')}`);
  print('');
  const rows = ways.map(({ variant, adapters, taken, calls, leading }) => [
    variant,
    adapters.map(a => (taken.includes(a) ? `${a}*` : a)).join(', '),
    String(calls.length),
    leading?.label ?? calls[0]!,
  ]);
  print(table([['variant', 'adapters', 'calls', 'as'], ...rows]));
  print('');
  print(
    `* taken there, before anything is timed, for one of its calls at least. descent kernels ${kernel.name} --variant "${ways[0]?.variant}"`,
  );
  print('prints the WGSL at the call in the last column, --call chooses another, --for an adapter.');
}

/** WGSL that compiles as it is printed: what it belongs to stands in comments. */
function showText(
  { kernel, variant, workgroups, wgsl }: Text,
  { way, adapter, label, params }: Shown,
  { json, quiet }: KernelsOptions,
): void {
  if (json) {
    print(JSON.stringify({ kernel, variant, adapter, call: label, params, workgroups, wgsl }));
    return;
  }
  if (!quiet) {
    print(`// ${kernel}, ${variant}${variant === way ? '' : ` (${way})`}, for ${adapter}: ${label}`);
    print(`// ${workgroups.join(' x ')} workgroups`);
  }
  print(wgsl);
}
