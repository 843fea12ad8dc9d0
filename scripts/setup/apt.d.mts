export interface AptSource { uris: string[]; suites: string[]; components: string[]; signedBy: string | undefined }
export interface Plan { packages: string[]; suite?: string; stanza?: string }
export function osRelease(text?: string): Record<string, string>;
export function parseList(text: string): AptSource[];
export function parseDeb822(text: string): AptSource[];
export function readSources(etc?: string): AptSource[];
export function mesaPlan(release: Record<string, string>, sources: AptSource[], candidate: string): Plan;
export function planCommands(plan: Plan, sudo?: string): string[];
