import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const MEMORY = "/dev/shm";

/** A folder in memory, where the system has such; for what flushes a lot and need not outlive the power. */
export function folderInMemory(): ReturnType<typeof tempFolder> {
  return tempFolder(existsSync(MEMORY) ? MEMORY : tmpdir());
}

/** A folder that is removed when the scope ends: `await using folder = await tempFolder()`. */
export async function tempFolder(within = tmpdir()): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(within, "holdfast-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 3 }) };
}
