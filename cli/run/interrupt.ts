/** Ctrl-C while a command trains. */
import { note } from '../output.ts';

export interface Interrupt {
  /** Whether the run is to end after its step. */
  readonly asked: boolean;
  /** Steps are being done: there is something to keep. */
  trains: boolean;
  end(): void;
}

/** Signals that come closer than this (ms) are one: a signal to the process group arrives by itself and through the launcher. */
const TOGETHER = 300;

/** Ctrl-C asks the run to stop after its step. Before the first step, or pressed twice, it ends the command at once, after `leave`. */
export function onInterrupt(leave: () => void): Interrupt {
  let asked = false;
  let last = -Infinity;
  const act = (signal: NodeJS.Signals) => {
    if (performance.now() - last < TOGETHER) return;
    last = performance.now();
    if (asked || !interrupt.trains) {
      leave();
      process.exit(signal === 'SIGINT' ? 130 : 143);
    }
    asked = true;
    note('stopping after this step; Ctrl-C again ends at once');
  };
  const interrupt: Interrupt = {
    get asked() {
      return asked;
    },
    trains: false,
    end: () => void process.off('SIGINT', act).off('SIGTERM', act),
  };
  process.on('SIGINT', act).on('SIGTERM', act);
  return interrupt;
}
