/** Jobs of several ranks as a user starts them: by the mpirun of Open MPI and by that of MPICH. */
import { accessSync, constants, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { watched, type Ended, type Watched } from './command.ts';

export interface Launcher {
  readonly name: 'Open MPI' | 'MPICH';
  readonly command: string;
  readonly words: readonly string[];
}

const LAUNCHERS: readonly Launcher[] = [
  // the tests have more ranks than cores, and run as root in containers
  {
    name: 'Open MPI',
    command: 'mpirun.openmpi',
    words: ['--oversubscribe', '--allow-run-as-root', '--mca', 'mpi_yield_when_idle', '1'],
  },
  { name: 'MPICH', command: 'mpirun.mpich', words: [] },
];

const isHere = ({ command }: Launcher): boolean =>
  (process.env.PATH ?? '').split(delimiter).some(folder => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

/** The launchers of this machine. */
export const launchers: readonly Launcher[] = LAUNCHERS.filter(isHere);

/** Says of a file of tests which launchers are missing; npm test installs them where it may. */
export function sayMissing(file: string): void {
  const missing = LAUNCHERS.filter(l => !launchers.includes(l)).map(l => l.command);
  if (missing.length) console.log(`${file}: skipped in part, there is no ${missing.join(' and no ')}; install openmpi-bin and mpich`);
}

/** No job takes as long, on whatever machine: it hangs. */
const HANGS = 2 * 60_000;

export type JobOptions = Pick<Watched, 'env' | 'onLine'> & { readonly cwd?: string };

/** Runs node with `argv` as `n` ranks. */
export const ranks = ({ command, words }: Launcher, n: number, argv: readonly string[], o: JobOptions = {}): Promise<Ended> =>
  watched(command, [...words, '-n', String(n), process.execPath, ...argv], { ...o, hangs: HANGS });

/** The process that trains as a rank in the folder `cwd`; its launcher is another. */
export function rankProcess({ name }: Launcher, rank: number, cwd: string): number {
  const mark = `${name === 'MPICH' ? 'PMI_RANK' : 'OMPI_COMM_WORLD_RANK'}=${rank}\0`;
  const read = (pid: string, file: string) => readFileSync(`/proc/${pid}/${file}`, 'latin1');
  const found = readdirSync('/proc').find(pid => {
    try {
      return readlinkSync(`/proc/${pid}/cwd`) === cwd && read(pid, 'environ').includes(mark) && read(pid, 'cmdline').includes('main.ts');
    } catch {
      return false; // no process, or one that has gone
    }
  });
  return Number(found);
}
