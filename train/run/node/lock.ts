/** One process trains in a run folder at a time: two would mix their metrics and replace each other's checkpoints. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { alive } from '../../../datasets/node/cache.ts';
import { check } from '../../../engine/check.ts';

const LOCK = 'lock';

/** Who trains in a folder. `began` tells a process from a later one of the same number. */
interface Holder {
  readonly pid: number;
  readonly host: string;
  readonly began: string;
}

/**
 * When a process of this machine began, where the system says so: field 22 of /proc/<pid>/stat. One that is dead but not buried never did.
 */
function beginOf(pid: number): string {
  try {
    const afterName = readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\) /s, '');
    const fields = afterName.split(' ');
    return fields[0] === 'Z' ? '' : (fields[19] ?? '');
  } catch {
    return '';
  }
}

const isAlive = ({ pid, began }: Holder): boolean => alive(pid) && beginOf(pid) === began;

/** Milliseconds that a process which was killed may take to go. */
const GOING = [10, 40, 150, 500];

function isGone(holder: Holder): boolean {
  for (const ms of GOING) {
    if (!isAlive(holder)) return true;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  }
  return !isAlive(holder);
}

function holderOf(file: string): Holder | undefined {
  try {
    const holder = JSON.parse(readFileSync(file, 'utf8')) as Holder;
    return Number.isInteger(holder.pid) && typeof holder.host === 'string' ? holder : undefined;
  } catch {
    return undefined; // cut short by a crash, or gone meanwhile
  }
}

/**
 * Takes the lock of a folder; what comes back releases it. A lock that a process of this machine left behind is taken over. Throws a
 * DescentError where another process trains there (one on another machine cannot be asked, and counts as alive), and what the system says
 * where the folder cannot be written.
 */
export function takeLock(path: string): () => void {
  const file = join(path, LOCK);
  const own: Holder = { pid: process.pid, host: hostname(), began: beginOf(process.pid) };
  for (let isTaken = true; isTaken; ) {
    try {
      writeFileSync(file, `${JSON.stringify(own)}\n`, { flag: 'wx' });
      isTaken = false;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      checkGone(path, file, own);
      rmSync(file, { force: true }); // another process may be quicker, and is asked next
    }
  }
  return () => {
    if (holderOf(file)?.pid === own.pid) rmSync(file, { force: true });
  };
}

/** Throws unless whoever holds the lock is gone, or is this process. */
function checkGone(path: string, file: string, own: Holder): void {
  const holder = holderOf(file);
  const here = holder?.host === own.host;
  check(
    !holder || (here && (holder.pid === own.pid || isGone(holder))),
    `${path}: process ${holder?.pid}${here ? '' : ` on ${holder?.host}`} trains in it`,
    here ? 'wait for its end or stop it' : `remove ${file} if that process is gone`,
  );
}
