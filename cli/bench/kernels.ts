/** `descent bench kernels`. */
import { measureCeiling, type Ceiling } from '../../bench/ceiling.ts';
import { benchKernels, rowsWith, type KernelResult, type Timed } from '../../bench/kernels.ts';
import { milliseconds, perSecond } from '../../bench/milliseconds.ts';
import { processor, processorPeak } from '../../bench/processor.ts';
import { check, DeviceLost, named } from '../../engine/check.ts';
import { OPTIONS } from '../../train/config/options.ts';
import { openDevice } from '../run/device.ts';
import { percent, print, table } from '../output.ts';
import { result, type BenchOptions } from './result.ts';

export interface KernelsOptions extends BenchOptions {
  filter?: string;
  variants?: boolean;
  precision: string;
}

export async function kernels(options: KernelsOptions): Promise<void> {
  const { filter } = options;
  const precision = OPTIONS.precision.type.parse(named('precision'), options.precision);
  const half = precision === 'f16';
  const device = await openDevice({ ...options, tune: false });
  check(
    rowsWith(filter ?? '', device).length,
    `--filter: no kernel or shape that is timed contains '${filter}'`,
    'leave it out to see all',
  );
  check(!half || device.profile.f16, `--precision f16: ${device.report.description} has no shader-f16`, 'leave it out');
  const ceiling = await measureCeiling(device, { processor, peak: processorPeak });
  const results: KernelResult[] = [];
  const onResult = ({ result }: Timed) => void results.push(result);
  let lost: DeviceLost | undefined;
  try {
    await benchKernels(device, ceiling, { filter, all: options.variants, half, processor, onResult });
  } catch (error) {
    if (!(error instanceof DeviceLost)) throw error;
    lost = error; // what was timed before is told
  }
  if (!options.json) {
    print(`${device.report.description}: ${describeCeiling(ceiling)}, all measured now`);
    print(kernelTable(results, ceiling));
  }
  result(options, device, { precision, ceiling, kernels: results });
  if (lost) throw lost;
  device.close();
}

export function describeCeiling({ gbPerSecond, gflopPerSecond, avx2 }: Ceiling): string {
  const own = avx2 ? `, AVX2 FMA of this processor ${avx2.toFixed(1)} GFLOP/s` : '';
  return `copy ${gbPerSecond.toFixed(1)} GB/s, multiply-add ${gflopPerSecond.toFixed(1)} GFLOP/s${own}`;
}

function kernelTable(results: readonly KernelResult[], { avx2 }: Ceiling): string {
  const head = ['kernel', 'variant', 'shape', 'ms', 'GFLOP/s', 'of FMA', ...(avx2 ? ['of AVX2'] : []), 'GB/s', 'of copy'];
  const rows = results.map(r => [
    r.kernel,
    r.variant,
    r.shape,
    milliseconds(r.ms, 3),
    perSecond(r.gflops),
    percent(r.ofFma),
    ...(avx2 ? [percent(r.ofAvx2!)] : []),
    perSecond(r.gbs),
    percent(r.ofCopy),
  ]);
  return table([head, ...rows]);
}
