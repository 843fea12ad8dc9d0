export function cacheDir(): string;
export const STAMP: string;
