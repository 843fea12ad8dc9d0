/** The exchange between ranks: in one process, and over Open MPI and MPICH by one-sided calls and by messages. */
import { spawnSync } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { together } from '../../../train/distribute/alone.ts';
import { abiOf } from '../../../train/distribute/node/abi.ts';
import { ROUTES } from '../../../train/distribute/node/calls.ts';
import { connect } from '../../../train/distribute/node/connect.ts';
import { filesFor, launchedBy } from '../../../train/distribute/node/library.ts';
import { launchers, ranks, sayMissing } from '../../support/process/mpirun.ts';

const test = suite('exchange');
const RANK = ['--import', 'tsx', 'tests/support/ranks/exchange.ts'];
sayMissing('train/distribute/exchange.test.ts');

for (const launcher of launchers) {
  for (const route of ROUTES) {
    test(`3 ranks on ${launcher.name} by ${route}: each call does what it says`, async () => {
      const { code, out, err } = await ranks(launcher, 3, [...RANK, route]);
      assert.is(code, 0, err);
      const { library, texts, told, ...holds } = JSON.parse(out);
      assert.match(library, launcher.name);
      assert.equal(texts, ['rank 0 ü', 'rank 1 ürank 1 ü', 'rank 2 ürank 2 ürank 2 ü']);
      assert.equal(told, [2, 7]);
      assert.equal(holds, { sums: true, means: true, added: true, exchanged: true, unique: true, shares: true, races: true });
    });
  }
}

test('ranks in one process do the same', async () => {
  const members = together(3);
  const seen = await Promise.all(
    members.map(async ({ rank, mean, broadcast, texts, centre, shared }) => {
      const x = Float32Array.of(rank, 1);
      await mean(x);
      const sum = Float32Array.of(rank);
      await mean(sum, 1);
      const told = Uint8Array.of(rank);
      await broadcast(told, 2);
      const all = await texts(String(rank));
      const c = await centre(2, 2);
      await c.add(Float32Array.of(1, rank), 1);
      const memory = await shared(1);
      await memory.add(Float32Array.of(1));
      await texts('');
      const read = new Float32Array(2);
      await c.read(read, 1);
      await memory.read(sum);
      return { x: [...x], told: told[0], all, read: [...read], sum: sum[0] };
    }),
  );
  for (const rank of seen) assert.equal(rank, { x: [1, 1], told: 2, all: ['0', '1', '2'], read: [3, 3], sum: 3 });
});

test('an exchange returns what was there before, and the clock gives each number once', async () => {
  const [one] = together(1);
  const centre = await one!.centre(1, 1);
  const before = new Float32Array(1);
  await centre.exchange(Float32Array.of(3), before);
  assert.is(before[0], 0);
  await centre.exchange(Float32Array.of(2), before, 0, 'max');
  assert.is(before[0], 3);
  await centre.read(before);
  assert.is(before[0], 3);
  assert.equal([await centre.tick(1), await centre.tick(5), await centre.tick(0)], [0, 1, 6]);
});

test('the launcher is told by what it leaves in the environment, and its own library is looked for first', () => {
  const by = (env: Record<string, string>) => launchedBy(env);
  assert.equal(by({ OMPI_COMM_WORLD_SIZE: '4', SLURM_PROCID: '0' }), { by: 'Open MPI', size: 4 });
  assert.equal(by({ PMI_RANK: '0', PMI_SIZE: '2' }), { by: 'MPICH', size: 2 });
  const step = { SLURM_PROCID: '1', SLURM_STEP_ID: '0', SLURM_STEP_NUM_TASKS: '8', SLURM_NTASKS: '16' };
  assert.equal(by(step), { by: 'Slurm', size: 8 });
  assert.equal(by({ ...step, PMIX_RANK: '1' }), { by: 'Slurm', size: 8, speaks: 'PMIx' });
  assert.equal(by({ ...step, PMI_RANK: '1', PMI_SIZE: '8' }), { by: 'Slurm', size: 8, speaks: 'PMI' });
  assert.is(by({ ...step, SLURM_STEP_NUM_TASKS: '1' }), undefined);
  // a script of sbatch, and an interactive allocation, before they call srun
  assert.is(by({ SLURM_PROCID: '0', SLURM_NTASKS: '16' }), undefined);
  assert.is(by({ SLURM_PROCID: '0', SLURM_NTASKS: '16', SLURM_STEP_ID: '4294967290', SLURM_STEP_NUM_TASKS: '2' }), undefined);
  assert.is(by({ PATH: '/usr/bin' }), undefined);
  assert.equal(
    filesFor({ by: 'MPICH', size: 2 }, {}).filter(file => file.includes('.so')),
    ['libmpi_abi.so.1', 'libmpi_abi.so.0', 'libmpich.so.12', 'libmpi.so.12', 'libmpi.so.40'],
  );
  assert.equal(filesFor({ by: 'MPICH', size: 2 }, { DESCENT_MPI: '/opt/mpi/libmpi.so' }), ['/opt/mpi/libmpi.so']);
});

/** Lines of the mpi.h of ABI 1.0 as the MPI Forum publishes it (github.com/mpi-forum/mpi-abi-stubs). */
const HEADER = `
#define MPI_SUM                        ((MPI_Op)0x00000021)
#define MPI_MAX                        ((MPI_Op)0x00000023)
#define MPI_NO_OP                      ((MPI_Op)0x0000003d)
#define MPI_COMM_WORLD                 ((MPI_Comm)0x00000101)
#define MPI_INFO_NULL                  ((MPI_Info)0x00000130)
#define MPI_ERRORS_RETURN              ((MPI_Errhandler)0x00000143)
#define MPI_FLOAT                      ((MPI_Datatype)0x00000210)
#define MPI_BYTE                       ((MPI_Datatype)0x00000247)
#define MPI_INT64_T                    ((MPI_Datatype)0x00000258)
#define MPI_IN_PLACE                   ((void*)1)
#define MPI_STATUS_IGNORE              ((MPI_Status*)0)
    MPI_MODE_NOCHECK                   = 1024,
    MPI_ANY_SOURCE                     = -1,
    MPI_THREAD_FUNNELED                = 1024,
    MPI_COMM_TYPE_SHARED               = 221,
`;

test('libmpi_abi is taken by the values of MPI 5.0, wherever it lies, and another library by its own', () => {
  const none = () => 0n;
  const { family, handle, ...values } = abiOf('/opt/mpi/lib/libmpi_abi.so.1', 'MPICH 5.0.2', none);
  assert.equal([family, handle], ['standard', 'void *']);
  const lines = [...HEADER.matchAll(/MPI_(\w+) +(?:= (-?\d+)|\(\(\w+\*?\)(\w+)\))/g)];
  const published = lines.map(([, name, int, pointer]) => [name, pointer === undefined ? Number(int) : BigInt(pointer)]);
  assert.equal(values, Object.fromEntries(published));
  assert.is(abiOf('/opt/mpi_abi/libmpi.so.12', 'MPICH 5.0.2', none).family, 'mpich');
});

test('a process that nobody started as one of several is alone, and loads no MPI', async () => {
  const { exchange, library } = await connect('rma', {});
  assert.equal([exchange.rank, exchange.size, library], [0, 1, undefined]);
});

if (launchers.length === 2) {
  const [openMpi, mpich] = launchers as [(typeof launchers)[0], (typeof launchers)[0]];
  test('a missing library, one of another launcher, and ranks that do not see each other are one line with what to do', async () => {
    const said = async (launcher: typeof openMpi, env: Record<string, string>) => {
      const { err } = await ranks(launcher, 2, RANK, { env });
      return err.split('\n').find(line => line.startsWith('DescentError: ')) ?? err;
    };
    const missing = await said(openMpi, { DESCENT_MPI: 'libnone.so' });
    assert.match(
      missing,
      'MPI: no library was found (looked for libnone.so); install one (Debian and Ubuntu: apt-get install openmpi-bin), or',
    );
    const other = await said(mpich, { DESCENT_MPI: 'libmpi.so.40' });
    assert.match(
      other,
      /^DescentError: MPI: the library is Open MPI v[\d.]+, and the processes were started by MPICH's launcher; start them/,
    );
  });
  test('srun without PMIx, whose processes do not find each other, is refused before Open MPI ends them', () => {
    const env = {
      ...process.env,
      SLURM_PROCID: '0',
      SLURM_STEP_ID: '0',
      SLURM_STEP_NUM_TASKS: '2',
      OMPI_ALLOW_RUN_AS_ROOT: '1',
      OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1',
    };
    const { stderr } = spawnSync(process.execPath, RANK, { env, encoding: 'utf8' });
    assert.match(
      stderr,
      /DescentError: MPI: srun started Open MPI v[\d.]+ without PMIx, so that its processes do not find each other; give srun the option mpi=pmix/,
    );
  });
}

test.run();
