/** What several commands have in common: their options. */
import { Option, type Command } from 'commander';
import { KEYS, optionOf, type Key } from '../../train/config/options.ts';

/** The options of every command. */
export const everywhere = (command: Command): Command =>
  command
    .option('--json', 'print one JSON object a line')
    .option('--quiet', 'print the result alone')
    .option('--verbose', 'show stack traces and what drivers say');

/** The option of where the data sets are. */
export const inDataDir = (command: Command): Command => command.option('--data-dir <dir>', 'folder that holds the data sets');

/** The options of every command that computes on a device. */
export const onDevice = (command: Command): Command =>
  everywhere(
    inDataDir(
      command
        .option('--adapter <name>', 'adapter to run on, by number, name or kind (see descent devices)')
        .option('--tune', 'look for the fastest kernels on a software adapter too')
        .option('--no-tune', 'take the kernels as they come, without timing them at first use of an adapter'),
    ),
  );

/** An option of the configuration (train/config/config.ts) on another command, which takes no default of its own. */
export const configOption = (key: Key, note = ''): Option => new Option(optionOf(key).flags, optionOf(key).help + note);

/**
 * The model of a command line that names it behind a switch which takes a number or nothing, and so has taken the name for its value, as in
 * `train --checkpoint-activations resnet20`: that switch is then on, as without a number.
 */
export function modelBehind<K extends string>(options: { [key in K]?: boolean | string }, switches: readonly K[]): string | undefined {
  for (const key of switches) {
    const taken = options[key];
    if (typeof taken !== 'string' || !/^[a-z./~]/i.test(taken)) continue;
    options[key] = true;
    return taken;
  }
  return undefined;
}

/** An option of the configuration with its default. */
export const defaultedOption = (key: Key): Option => configOption(key).default(String(optionOf(key).default));

/** All options of the configuration. Defaults are told but not set: what is absent must be known as absent, as for --resume. */
export function withConfig(command: Command): Command {
  for (const key of KEYS) {
    const value = optionOf(key).default;
    const told = value === undefined || typeof value === 'boolean' ? '' : ` (default: ${value})`;
    command.addOption(configOption(key, told));
  }
  return command;
}
