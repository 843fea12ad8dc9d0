/** The command line in this process: where what is tested is what a command does, not what its process is. */
import { CommanderError } from 'commander';
import { DescentError } from '../../../engine/check.ts';
import { messageOf } from '../../../cli/flags.ts';
import { runCommand } from '../../../cli/program.ts';
import { printed } from './printed.ts';

export interface Called {
  /** What it wrote to standard output. */
  readonly out: string;
  /** What it was refused for; empty where it was not. */
  readonly refusal: string;
}

/** Runs descent in the folder `cwd`. Its notes, which go to the descriptor of standard error, are not caught. Other errors are thrown. */
export async function called(args: readonly string[], cwd: string): Promise<Called> {
  const before = process.cwd();
  process.chdir(cwd);
  let refusal = '';
  try {
    const out = await printed(() =>
      runCommand(args).catch((error: unknown) => {
        if (error instanceof DescentError) refusal = messageOf(error);
        else if (!(error instanceof CommanderError)) throw error;
      }),
    );
    return { out, refusal };
  } finally {
    process.chdir(before);
  }
}
