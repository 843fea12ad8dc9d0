/** The MPI library of the launcher that started this process, loaded by koffi, an optional dependency. */
import type { LibraryHandle } from 'koffi';
import { check, DescentError } from '../../../engine/check.ts';
import { absent } from '../../../engine/node/optional.ts';
import { abiOf, type Abi } from './abi.ts';

type Koffi = typeof import('koffi').default;

export interface Library {
  readonly koffi: Koffi;
  readonly handle: LibraryHandle;
  readonly abi: Abi;
  /** As in `Open MPI v4.1.4`. */
  readonly version: string;
}

/** What a launcher has left in the environment of a process that it started. */
export interface Launched {
  readonly by: 'Open MPI' | 'MPICH' | 'Slurm';
  /** How many processes it started, where it says so. */
  readonly size: number | undefined;
  /** By what srun's processes find each other; undefined where it was not told to help them. */
  readonly speaks?: 'PMI' | 'PMIx';
}

/** From this number on steps are no processes of srun: the batch script, and what an interactive allocation runs. */
const SPECIAL_STEPS = 0xfffffff0;

/** Whether srun started this process, as one of the tasks of a step. A script of sbatch has the allocation's variables, and no step's. */
const isTask = ({ SLURM_STEP_ID: step }: NodeJS.ProcessEnv): boolean => step !== undefined && Number(step) < SPECIAL_STEPS;

/**
 * Who started this process as one of several; undefined where nobody did. Open MPI's launcher and PMIx speak to Open MPI, PMI to MPICH's
 * family, and srun to whoever it was told to.
 */
export function launchedBy(env: NodeJS.ProcessEnv): Launched | undefined {
  const number = (text: string | undefined) => (text === undefined ? undefined : Number(text));
  if (env.OMPI_COMM_WORLD_SIZE !== undefined) return { by: 'Open MPI', size: number(env.OMPI_COMM_WORLD_SIZE) };
  const hasPmi = env.PMI_SIZE !== undefined || env.PMI_RANK !== undefined;
  if (isTask(env)) {
    const size = number(env.PMI_SIZE ?? env.SLURM_STEP_NUM_TASKS ?? env.SLURM_NTASKS);
    return size === 1
      ? undefined
      : { by: 'Slurm', size, ...(hasPmi ? { speaks: 'PMI' } : env.PMIX_RANK !== undefined && { speaks: 'PMIx' }) };
  }
  if (hasPmi) return { by: 'MPICH', size: number(env.PMI_SIZE) };
  return env.PMIX_RANK === undefined ? undefined : { by: 'Open MPI', size: undefined };
}

/** Throws where srun started processes of Open MPI that cannot ask for each other: its library would end them without a word of ours. */
export function checkSpoken({ version }: Library, { by, speaks }: Launched): void {
  check(
    by !== 'Slurm' || speaks !== undefined || !version.startsWith('Open MPI'),
    `MPI: srun started ${version} without PMIx, so that its processes do not find each other`,
    'give srun the option mpi=pmix (mpi=list says what it has)',
  );
}

/** MPICH 5.0.0 and 5.0.1 call it 0. */
const STANDARD = ['libmpi_abi.so.1', 'libmpi_abi.so.0', 'libmpi_abi.1.dylib', 'libmpi_abi.0.dylib'];
const OPEN_MPI = ['libmpi.so.40', 'libmpi.40.dylib'];
const MPICH = ['libmpich.so.12', 'libmpi.so.12', 'libmpi.12.dylib'];

/** The files in which the library of a launcher may be, the likeliest first. */
export function filesFor({ by, speaks }: Launched, env: NodeJS.ProcessEnv): string[] {
  if (env.DESCENT_MPI) return [env.DESCENT_MPI];
  return by === 'MPICH' || speaks === 'PMI' ? [...STANDARD, ...MPICH, ...OPEN_MPI] : [...STANDARD, ...OPEN_MPI, ...MPICH];
}

/** Whether a library of this version is the one that a launcher belongs to; srun starts processes of either. */
const belongs = (version: string, { by }: Launched): boolean => by === 'Slurm' || version.startsWith('Open MPI') === (by === 'Open MPI');

/** Throws, in one line that says what to do, where there is no library, or none of the launcher's own. */
export async function openLibrary(launched: Launched, env: NodeJS.ProcessEnv): Promise<Library> {
  const { default: koffi } = await import(/* webpackIgnore: true */ 'koffi').catch(absent('koffi', 'MPI'));
  const files = filesFor(launched, env);
  const found: Library[] = [];
  for (const file of files) {
    const library = load(koffi, file);
    if (library && belongs(library.version, launched)) {
      koffi.load(file, GLOBAL);
      return library;
    }
    if (library) found.push(library);
  }
  const packages = launched.by === 'MPICH' ? 'mpich' : 'openmpi-bin';
  check(
    found[0],
    `MPI: no library was found (looked for ${files.join(', ')})`,
    `install one (Debian and Ubuntu: apt-get install ${packages})`,
    'name its file in DESCENT_MPI',
  );
  throw new DescentError(
    `MPI: the library is ${found[0].version}, and the processes were started by ${launched.by}'s launcher`,
    `start them with the mpirun of that library`,
    `name the file of ${launched.by}'s library in DESCENT_MPI`,
  );
}

/** Open MPI's plug-ins look for its symbols among those of the whole process, where another library's must not stand before. */
const GLOBAL = { global: true, lazy: true };

function load(koffi: Koffi, file: string): Library | undefined {
  let handle: LibraryHandle;
  try {
    handle = koffi.load(file, { lazy: true });
  } catch {
    return undefined;
  }
  const text = new Uint8Array(8192);
  const length = [0];
  handle.func('int MPI_Get_library_version(_Out_ void *version, _Out_ int *length)')(text, length);
  const whole = new TextDecoder('latin1').decode(text.subarray(0, length[0]));
  const version = whole.split(/[\n,]/)[0]!.replace(/\s+/g, ' ').replace(' Version: ', ' ').replaceAll('\0', '').trim();
  return { koffi, handle, version, abi: abiOf(file, version, symbol => BigInt(handle.symbol(symbol) as bigint)) };
}
