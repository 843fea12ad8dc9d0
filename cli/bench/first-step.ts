/** Time to the first training step, in processes of their own: with an empty shader cache, and with the one that this left. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Milliseconds from the start of the process to the end of the first step; until the command's own code runs; of processor time. */
export interface FirstStep {
  readonly total: number;
  readonly modules: number;
  readonly cpu: number;
}

/** `words` are the command that prints a FirstStep as JSON. */
export async function firstSteps(words: readonly string[]): Promise<{ cold: FirstStep; warm: FirstStep }> {
  const folder = mkdtempSync(join(tmpdir(), 'descent-shader-cache-'));
  const env = {
    ...process.env,
    MESA_SHADER_CACHE_DIR: folder,
    __GL_SHADER_DISK_CACHE_PATH: folder, // NVIDIA's
    DESCENT_STDERR_FD: '2',
  };
  try {
    return { cold: await once(words, env), warm: await once(words, env) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function once(words: readonly string[], env: NodeJS.ProcessEnv): Promise<FirstStep> {
  return new Promise((done, fail) => {
    const command = [...process.execArgv, process.argv[1]!, ...words];
    const child = spawn(process.execPath, command, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    let noise = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => void (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => void (noise += text));
    child.on('error', fail);
    child.on('close', code => {
      if (code === 0) done(JSON.parse(out) as FirstStep);
      else fail(new Error(`the first step in a process of its own: ${noise.trim().split('\n').at(-1)}`));
    });
  });
}
