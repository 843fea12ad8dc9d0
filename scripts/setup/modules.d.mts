export const ROOT: string;
export function modulesState(root?: string): 'fresh' | 'missing' | 'stale';
export function ensureModules(options: { say(line: string): void; verbose: boolean; root?: string }): void;
