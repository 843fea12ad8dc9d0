/** The command line. What each command takes stands in commands/, what it does in a file of its own, loaded when it is called. */
import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import { DescentError } from '../engine/check.ts';
import { addBench } from './commands/bench.ts';
import { addCheckpoints } from './commands/checkpoints.ts';
import { examples } from './commands/command.ts';
import { addInventory } from './commands/inventory.ts';
import { addTraining } from './commands/training.ts';
import { endWithReader, noteError } from './output.ts';

const packageJson = createRequire(import.meta.url)('../package.json') as { version: string; description: string };

const program = new Command('descent')
  .description(packageJson.description)
  .version(packageJson.version, '--version', 'print the version')
  .configureOutput({ writeErr: () => {}, outputError: () => {} }) // errors are caught below, all in one grammar
  .configureHelp({ sortSubcommands: false, helpWidth: 110 })
  .exitOverride()
  .showSuggestionAfterError(true)
  .enablePositionalOptions()
  .addHelpText('after', examples('descent train lenet5 --dataset fashion-mnist', 'descent train --help'));
addTraining(program);
addCheckpoints(program);
addInventory(program);
addBench(program);

/** One line in our grammar for what the argument parser refuses. */
function usageError(error: CommanderError, command: Command): DescentError {
  const path: string[] = [];
  for (let c: Command | null = command; c; c = c.parent) path.unshift(c.name());
  const [problem = '', suggestion] = error.message.replace(/^error: /, '').split('\n');
  const hint = suggestion
    ? suggestion.replace(/^\((D.*)\)$/, (_, s: string) => s.replace('Did', 'did'))
    : `'${path.join(' ')} --help' says what is accepted`;
  return new DescentError(`${path.join(' ')}: ${problem.replace(/\.$/, '').replace('. ', ', ')}`, hint);
}

/** Has a command and those below it throw its errors, in our words, in place of ending the process, and show defaults as they are typed. */
function prepare(command: Command): void {
  command.exitOverride(error => {
    if (error.code === 'commander.help') command.outputHelp(); // a group of commands was called by its name alone
    throw error.exitCode === 0 || error.code === 'commander.help' ? error : usageError(error, command);
  });
  for (const option of command.options) {
    if (typeof option.defaultValue === 'string') option.default(option.defaultValue, option.defaultValue);
  }
  for (const c of command.commands) prepare(c);
}

const verbose = process.argv.includes('--verbose');
process.on('uncaughtException', error => {
  // of callbacks, and of promises that nobody awaits
  noteError(error, verbose);
  process.exit(1);
});
endWithReader();
prepare(program);
try {
  const words = process.argv.slice(2);
  await program.parseAsync(words.length ? words : ['--help'], { from: 'user' });
} catch (error) {
  if (!(error instanceof CommanderError)) {
    noteError(error, verbose);
    process.stdout.write('', () => process.exit(1)); // what was begun beside it, a download, does not go on
  }
}
