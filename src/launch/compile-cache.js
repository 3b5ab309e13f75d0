// Caches the compiled sources: stripping the types needs a compiler of its own, which costs about 17 MB in each thread
// and half of the time until the daemon is ready. Plain JavaScript, so that this file does not need that compiler. An
// entry of the cache is used only for exactly the text that it was made from.
import { execFile } from "node:child_process";
import { accessSync, constants, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import module from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const SOURCES = join(dirname(fileURLToPath(import.meta.url)), "..");
/** Longest that filling the cache may take, in ms. */
const FILLING = 60_000;

/** Uses the cache in this process and its threads. Without a folder that we may write, all works, but slower. */
export function keepCompiled() {
  const given = process.env["NODE_COMPILE_CACHE"];
  const folder = given ?? ownFolder();
  if (folder === undefined) return;
  if (given === undefined) module.enableCompileCache(folder);
  // Threads look for it there.
  process.env["NODE_COMPILE_CACHE"] = folder;
}

/** Fills an empty or outdated cache in a process that ends again, so that this one never needs the compiler. */
export async function fillCompiled() {
  const folder = module.getCompileCacheDir();
  if (folder === undefined) return;
  const done = join(folder, `holdfast-${newest(SOURCES)}`);
  if (existsSync(done)) return;
  const script = `const { loadAll } = await import(process.argv[1]); await loadAll();`;
  // V8 rejects code that was compiled under other flags; the flag for the nursery has been reset (lean-memory.js).
  const flags = process.execArgv.filter((flag) => !flag.startsWith("--max-semi-space-size"));
  const args = [...flags, "--input-type=module", "--eval", script, import.meta.url, "version"];
  const error = await new Promise((resolve) => {
    execFile(process.execPath, args, { timeout: FILLING }, resolve);
  });
  if (error === null) note(done);
}

/** What `fillCompiled` runs. A root that is loaded outside of its thread fails at once, but by then it is compiled. */
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
 * A folder that is trusted as much as the program itself: systemd's CacheDirectory, or beside the installed packages.
 * Never a shared one: whoever can write there decides what we run.
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

/** Milliseconds since 1970 of the last change of a source. */
function newest(folder) {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return Math.max(...files.map((file) => Math.round(statSync(join(folder, file)).mtimeMs)));
}

function note(file) {
  try {
    writeFileSync(file, "");
  } catch {
    // The next start fills it again.
  }
}
