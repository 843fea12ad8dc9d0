/** What differs between MPI libraries: how handles are passed, and the values of constants. */
import { basename } from 'node:path';

/** The name of a kind of library; all libraries of a kind take the same calls. */
export type Family = 'open-mpi' | 'mpich' | 'standard';

/** A handle or constant as it is passed. */
export type Handle = number | bigint;

export interface Abi {
  readonly family: Family;
  /** The C type of a handle. */
  readonly handle: 'void *' | 'int';
  readonly COMM_WORLD: Handle;
  readonly FLOAT: Handle;
  readonly INT64_T: Handle;
  readonly BYTE: Handle;
  readonly SUM: Handle;
  readonly MAX: Handle;
  readonly NO_OP: Handle;
  readonly INFO_NULL: Handle;
  readonly ERRORS_RETURN: Handle;
  readonly MODE_NOCHECK: number;
  readonly COMM_TYPE_SHARED: number;
  readonly THREAD_FUNNELED: number;
  readonly ANY_SOURCE: number;
  readonly IN_PLACE: bigint;
  readonly STATUS_IGNORE: bigint;
}

/** The ABI 1.0 of MPI 5.0 (chapter 20 and appendix A): pointers of fixed values, in libmpi_abi. Drafts before had other values. */
const standard: Abi = {
  family: 'standard',
  handle: 'void *',
  COMM_WORLD: 0x101n,
  FLOAT: 0x210n,
  INT64_T: 0x258n,
  BYTE: 0x247n,
  SUM: 0x21n,
  MAX: 0x23n,
  NO_OP: 0x3dn,
  INFO_NULL: 0x130n,
  ERRORS_RETURN: 0x143n,
  MODE_NOCHECK: 1024,
  COMM_TYPE_SHARED: 221,
  THREAD_FUNNELED: 1024,
  ANY_SOURCE: -1,
  IN_PLACE: 1n,
  STATUS_IGNORE: 0n,
};

/** The ABI that MPICH, Intel MPI, MVAPICH and Cray MPICH share. */
const mpich: Abi = {
  family: 'mpich',
  handle: 'int',
  COMM_WORLD: 0x44000000,
  FLOAT: 0x4c00040a,
  INT64_T: 0x4c00083a,
  BYTE: 0x4c00010d,
  SUM: 0x58000003,
  MAX: 0x58000001,
  NO_OP: 0x5800000e,
  INFO_NULL: 0x1c000000,
  ERRORS_RETURN: 0x54000001,
  MODE_NOCHECK: 1024,
  COMM_TYPE_SHARED: 1,
  THREAD_FUNNELED: 1,
  ANY_SOURCE: -2,
  IN_PLACE: -1n,
  STATUS_IGNORE: 1n,
};

/** Open MPI's handles are the addresses of variables of the library. */
const openMpi = (address: (symbol: string) => bigint): Abi => ({
  family: 'open-mpi',
  handle: 'void *',
  COMM_WORLD: address('ompi_mpi_comm_world'),
  FLOAT: address('ompi_mpi_float'),
  INT64_T: address('ompi_mpi_int64_t'),
  BYTE: address('ompi_mpi_byte'),
  SUM: address('ompi_mpi_op_sum'),
  MAX: address('ompi_mpi_op_max'),
  NO_OP: address('ompi_mpi_op_no_op'),
  INFO_NULL: address('ompi_mpi_info_null'),
  ERRORS_RETURN: address('ompi_mpi_errors_return'),
  MODE_NOCHECK: 1,
  COMM_TYPE_SHARED: 0,
  THREAD_FUNNELED: 1,
  ANY_SOURCE: -1,
  IN_PLACE: 1n,
  STATUS_IGNORE: 0n,
});

/** The table of a library: its file says whether it has the standard ABI, its version (MPI_Get_library_version) whose it is. */
export function abiOf(file: string, version: string, address: (symbol: string) => bigint): Abi {
  if (basename(file).includes('mpi_abi')) return standard;
  return version.startsWith('Open MPI') ? openMpi(address) : mpich;
}
