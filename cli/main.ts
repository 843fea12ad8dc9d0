/** What a process of the command line is: it runs the command, says what went wrong, and ends. */
import { CommanderError } from 'commander';
import { endWithReader } from './output.ts';
import { runCommand } from './program.ts';

/** Says what went wrong. What options are called is known once all are loaded, which help does without. */
async function tell(error: unknown): Promise<void> {
  const { noteError } = await import('./errors.ts');
  noteError(error, process.argv.includes('--verbose'));
}

process.on('uncaughtException', async error => {
  // of callbacks, and of promises that nobody awaits
  await tell(error);
  process.exit(1);
});
endWithReader();
try {
  await runCommand(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof CommanderError)) {
    await tell(error);
    process.stdout.write('', () => process.exit(1)); // what was begun beside it, a download, does not go on
  }
}
