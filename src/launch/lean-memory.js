// The daemon's process is replaced by itself, once, with settings for memory that only the start of a process can
// give; pid, streams and arguments stay the same. On other systems than Linux, and where a setting was given already,
// everything works, but needs more memory. Plain JavaScript, because it runs before the TypeScript is compiled.
import { setFlagsFromString } from "node:v8";

/** glibc: one arena for all threads, and blocks from 64 KiB go back to the system when they are freed. */
const ALLOCATOR = {
  MALLOC_ARENA_MAX: "1",
  MALLOC_MMAP_THRESHOLD_: "65536",
  MALLOC_TRIM_THRESHOLD_: "1048576",
};
/** V8's nursery (MB) for the main thread; that of others is given when they start, which this flag would override. */
const NURSERY = "--max-semi-space-size=1";
/**
 * V8, for each thread: a first look at the old objects before there are many (MB), and another one whenever they have
 * grown by a fifth (`--optimize-for-size` saves no more than that, and its collections throw away what the optimising
 * compiler has learned: 10 to 15 % of the processor); V8's own functions where the program lies instead of 2 MB of
 * them beside the code of each thread.
 */
const ENGINE = ["--initial-old-space-size=4", "--heap-growing-percent=20", "--no-short-builtin-calls"];

/** Does not return when it replaces the process. */
export function startLean() {
  const { execve, platform, env, execPath, execArgv, argv } = process;
  // The main thread's heap has its nursery by now.
  if (execArgv[0] === NURSERY) setFlagsFromString("--max-semi-space-size=0");
  const done = "MALLOC_ARENA_MAX" in env || execArgv.some((flag) => flag.startsWith("--max-semi-space-size"));
  if (done || platform !== "linux" || execve === undefined) return;
  try {
    execve(execPath, [execPath, NURSERY, ...ENGINE, ...execArgv, ...argv.slice(1)], { ...env, ...ALLOCATOR });
  } catch {
    // A sandbox that forbids it.
  }
}
