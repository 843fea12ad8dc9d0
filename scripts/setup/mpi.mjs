/** Open MPI and MPICH for the tests of training on several processes. */
import { agreed } from './agree.mjs';
import { asRoot, install } from './apt.mjs';
import { which } from './run.mjs';

/** The launchers that the tests start ranks by, and the Debian packages that bring them, which stand side by side. */
const LAUNCHERS = { 'mpirun.openmpi': 'openmpi-bin', 'mpirun.mpich': 'mpich' };

/** The packages that are missing, after they were installed where this process may do so. */
export function ensureMpi({ say, verbose }) {
  const missing = () => Object.keys(LAUNCHERS).flatMap(name => (which(name) ? [] : [LAUNCHERS[name]]));
  const packages = missing();
  if (!packages.length || !which('apt-get')) return packages;
  const prefix = asRoot();
  const what = packages.join(' and ');
  if (!prefix || !agreed(`MPI: install ${what} with apt-get for the tests of training on several processes?`)) return packages;
  say(`MPI: installing ${what} for the tests of training on several processes`);
  install({ packages }, prefix, { verbose });
  return missing();
}
