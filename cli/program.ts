/** The command line. What each command takes stands in commands/, what it does in a file of its own, loaded when it is called. */
import { Command, type CommanderError } from 'commander';
import { check, DescentError } from '../engine/check.ts';
import { addCommands } from './commands/all.ts';
import { examples, helpWidth, layout } from './help.ts';
import { shielded } from './negative-rows.ts';
import { packageJson } from './package-json.ts';

const newProgram = (): Command =>
  new Command('descent')
    .description(packageJson.description)
    .version(packageJson.version, '--version', 'print the version')
    .configureOutput({ writeErr: () => {}, outputError: () => {}, getOutHelpWidth: helpWidth }) // errors are thrown, all in one grammar
    .configureHelp(layout)
    .exitOverride()
    .showSuggestionAfterError(true)
    .enablePositionalOptions()
    .addHelpText('after', examples('descent train lenet5 --dataset fashion-mnist', 'descent train --help'))
    .hook('preAction', (_, command) => checkFilled(command));

/** Throws at an empty text: as the name of a file or folder it would mean the present one. */
function checkFilled(command: Command): void {
  for (const option of command.options) {
    const values: unknown[] = [command.getOptionValue(option.attributeName())].flat();
    check(!values.includes(''), `${option.long}: the value is empty`, 'give one');
  }
  check(!command.args.includes(''), `${command.name()}: an argument is empty`, 'give a name there');
}

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

/**
 * The words as they are to be parsed: none ask for help, a command that does not exist is refused before its help is shown, and a row of
 * numbers that begins with a negative one is no option.
 */
function understood(program: Command, words: readonly string[]): readonly string[] {
  const name = words[words[0] === 'help' ? 1 : 0];
  const isCommand = (text: string) => text === 'help' || program.commands.some(command => command.name() === text);
  if (name !== undefined && !name.startsWith('-') && !isCommand(name)) return [name];
  return words.length ? (name === 'predict' ? shielded(words) : words) : ['--help'];
}

/** Runs what the words of a command line ask for. Throws where it is refused, and a CommanderError where only help was asked for. */
export async function runCommand(words: readonly string[]): Promise<void> {
  const program = newProgram();
  await addCommands(program, name => words.includes(name));
  prepare(program);
  await program.parseAsync(understood(program, words), { from: 'user' });
}
