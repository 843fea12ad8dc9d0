/** Ctrl-C, a closed terminal and the end of the launcher while a command trains. */
import { note } from '../output.ts';

export interface Interrupt {
  /** Whether the run is to end after its step. */
  readonly asked: boolean;
  /** Steps are being done: there is something to keep. */
  trains: boolean;
  /** The exit code of a run that was asked to end. */
  code: number;
  end(): void;
}

/** Signals that come closer than this (ms) are one: a signal to the process group arrives by itself and through the launcher. */
const TOGETHER = 300;

export interface InterruptOptions {
  readonly together?: number;
  /** What is said once the run was asked to end; nothing where another process says it. */
  readonly says?: () => string | undefined;
}

const SAYS = () => 'stopping after this step; Ctrl-C again ends at once';

/** What the exit code of a command that a signal ended is. */
const CODES: Readonly<Record<string, number>> = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };

/** Milliseconds between looks whether the launcher is still there. */
const LOOK = 1000;

/**
 * Ctrl-C asks the run to stop after its step, and so do a closed terminal and the end of the launcher. Before the first step, or pressed
 * twice, it ends the command at once, after `leave`.
 */
export function onInterrupt(leave: () => void = () => {}, { together = TOGETHER, says = SAYS }: InterruptOptions = {}): Interrupt {
  let asked = false;
  let last = -Infinity;
  const act = (signal: NodeJS.Signals) => {
    if (performance.now() - last < together) return;
    last = performance.now();
    if (asked || !interrupt.trains) {
      leave();
      process.exit(CODES[signal]);
    }
    asked = true;
    interrupt.code = CODES[signal]!;
    const said = says();
    if (said !== undefined) note(said);
  };
  const interrupt: Interrupt = {
    get asked() {
      return asked;
    },
    trains: false,
    code: 130,
    end() {
      clearInterval(looks);
      for (const signal of Object.keys(CODES)) process.off(signal, act);
    },
  };
  const launcher = process.ppid;
  const looks = setInterval(() => {
    if (process.env.DESCENT_STDERR_FD && process.ppid !== launcher) act('SIGHUP');
  }, LOOK).unref();
  for (const signal of Object.keys(CODES)) process.on(signal, act);
  return interrupt;
}
