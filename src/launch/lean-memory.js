// Replaces the daemon's process by itself, once, with memory settings that can only be given when a process starts;
// pid, streams and arguments stay the same. On systems other than Linux, and if a setting was already given, everything
// works, but needs more memory. This file is plain JavaScript, because it runs before the TypeScript is compiled.
import { setFlagsFromString } from "node:v8";

/** glibc: one arena for all threads; blocks of 64 KiB or more return to the system when they are freed. */
const ALLOCATOR = {
  MALLOC_ARENA_MAX: "1",
  MALLOC_MMAP_THRESHOLD_: "65536",
  MALLOC_TRIM_THRESHOLD_: "1048576",
};
/** V8's nursery (MB) for the main thread. Other threads get theirs when they start; this flag would override it. */
const NURSERY = "--max-semi-space-size=1";
/**
 * V8, for each thread: it collects old objects for the first time before there are many (MB), and again whenever they
 * have grown by a fifth. (`--optimize-for-size` saves no more than that, and its collections discard the optimising
 * compiler's results, which costs 10 to 15 % of the processor.) V8's built-in functions are used where the program has
 * them, instead of a copy of 2 MB beside the code of each thread.
 */
const ENGINE = ["--initial-old-space-size=4", "--heap-growing-percent=20", "--no-short-builtin-calls"];

/** Does not return if it replaces the process. */
export function startLean() {
  const { execve, platform, env, execPath, execArgv, argv } = process;
  // The main thread's heap has its nursery by now.
  if (execArgv[0] === NURSERY) setFlagsFromString("--max-semi-space-size=0");
  const done = "MALLOC_ARENA_MAX" in env || execArgv.some((flag) => flag.startsWith("--max-semi-space-size"));
  if (done || platform !== "linux" || execve === undefined) return;
  try {
    execve(execPath, [execPath, NURSERY, ...ENGINE, ...execArgv, ...argv.slice(1)], { ...env, ...ALLOCATOR });
  } catch {
    // A sandbox forbids it.
  }
}
