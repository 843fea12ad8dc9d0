export const ROOT: string;
export function modulesState(root?: string): 'fresh' | 'missing' | 'stale';
