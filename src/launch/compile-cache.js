// Caches the compiled sources: stripping the types needs a compiler, which costs about 17 MB in each thread and half of
// the time until the daemon is ready. This file is plain JavaScript, so that it does not need that compiler. A cache
// entry is used only for exactly the text that it was made from.
import { execFile } from "node:child_process";
import { accessSync, constants, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import module from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const SOURCES = join(dirname(fileURLToPath(import.meta.url)), "..");
/** The longest time for filling the cache, in ms. */
const FILLING = 60_000;

/** Uses the cache in this process and its threads. Without a writable folder everything works, but slower. */
export function keepCompiled() {
  const given = process.env["NODE_COMPILE_CACHE"];
  const folder = given ?? ownFolder();
  if (folder === undefined) return;
  if (given === undefined) module.enableCompileCache(folder);
  // Threads look for the folder in this variable.
  process.env["NODE_COMPILE_CACHE"] = folder;
}

/** Fills an empty or outdated cache in a separate, short process, so that this process never loads the compiler. */
export async function fillCompiled() {
  const folder = module.getCompileCacheDir();
  if (folder === undefined) return;
  const done = join(folder, `holdfast-${newest(SOURCES)}`);
  if (existsSync(done)) return;
  const script = `const { loadAll } = await import(process.argv[1]); await loadAll();`;
  // V8 rejects code that was compiled under other flags; at this point, the nursery flag has been reset
  // (lean-memory.js).
  const flags = process.execArgv.filter((flag) => !flag.startsWith("--max-semi-space-size"));
  const args = [...flags, "--input-type=module", "--eval", script, import.meta.url, "version"];
  const error = await new Promise((resolve) => {
    execFile(process.execPath, args, { timeout: FILLING }, resolve);
  });
  if (error === null) note(done);
}

/**
 * Runs in the process that `fillCompiled` starts. The entry point of a thread fails at once if it is loaded outside a
 * thread, but by then it is compiled.
 */
export async function loadAll() {
  await import("../threads/lean-http.ts");
  await import("../threads/storage-thread.ts").catch(() => {});
  await import("../threads/reader-thread.ts").catch(() => {});
  await import("../threads/smtp-thread.ts").catch(() => {});
  await import("../threads/delivery-thread.ts").catch(() => {});
  await import("../demo/demo.ts");
  await import("../verbs/serve.ts");
  await import("../verbs/check-config.ts");
  await import("../verbs/ask-daemon.ts");
  // Last, because it ends the process.
  await import("../main.ts");
}

/**
 * Returns a folder that is trusted as much as the program itself: systemd's CacheDirectory, or one beside the installed
 * packages. Never a shared folder: a user who can write there decides which code we run.
 */
function ownFolder() {
  const given = process.env["CACHE_DIRECTORY"];
  if (given !== undefined) return given;
  const packages = join(SOURCES, "..", "node_modules");
  const folder = join(packages, ".cache", "holdfast");
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    accessSync(folder, constants.W_OK);
    return folder;
  } catch {
    return undefined;
  }
}

/** Returns when a source last changed, in ms since 1970. */
function newest(folder) {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return Math.max(...files.map((file) => Math.round(statSync(join(folder, file)).mtimeMs)));
}

function note(file) {
  try {
    writeFileSync(file, "");
  } catch {
    // The next start fills the cache again.
  }
}
