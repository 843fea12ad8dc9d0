/** Jobs that a command starts itself, by the machine's mpirun. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DescentError, type Fault } from '../../engine/check.ts';
import { FAULT_FILE } from '../errors.ts';
import { note } from '../output.ts';

/** The program, as seen from this file in a checkout and from the built command line alike. */
const BIN = new URL('../../bin/descent.mjs', import.meta.url);

/** What Open MPI 4 and 5 need of the environment to start more ranks than there are cores, which give way to each other, and as root. */
const OPEN_MPI = {
  OMPI_MCA_rmaps_base_oversubscribe: '1',
  PRTE_MCA_rmaps_default_mapping_policy: ':oversubscribe',
  OMPI_MCA_mpi_yield_when_idle: '1',
  ...(process.getuid?.() === 0 && { OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' }),
};

/** Runs a command of this program as `ranks` ranks, and gives the JSON that rank 0 prints. What these are refused for is thrown as it is. */
export function started(mpirun: string, ranks: number, words: readonly string[]): Promise<unknown> {
  const command = ['-n', String(ranks), process.execPath, fileURLToPath(BIN), ...words];
  const faultFile = join(tmpdir(), `descent-fault-${randomUUID()}.json`);
  const env = { ...process.env, ...OPEN_MPI, [FAULT_FILE]: faultFile };
  return new Promise((done, fail) => {
    const child = spawn(mpirun, command, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const end = () => {
      child.kill('SIGTERM');
      process.exit(143);
    };
    process.once('SIGTERM', end);
    let out = '';
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => void (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => void (said += text));
    child.on('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'ENOENT' ? 'there is none on the PATH' : error.message;
      fail(new DescentError(`${mpirun}: ${why}`, 'install one (Debian and Ubuntu: apt-get install openmpi-bin)', 'name one with --mpirun'));
    });
    child.on('close', code => {
      process.off('SIGTERM', end);
      if (code === 0) return done(JSON.parse(out));
      if (existsSync(faultFile)) {
        const { problem, advice } = JSON.parse(readFileSync(faultFile, 'utf8')) as Fault;
        rmSync(faultFile);
        return fail(new DescentError(problem, ...advice));
      }
      if (said.trim()) note(said.trim());
      fail(new DescentError(`${mpirun} -n ${ranks}: ended with code ${code}`, 'look at what it said'));
    });
  });
}
