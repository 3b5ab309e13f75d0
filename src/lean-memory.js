// The daemon's process is replaced by itself, once, with settings for memory that only the start of a process can
// give: its pid, its streams and its arguments stay. Elsewhere than on Linux, and where a setting was given already,
// everything works with more memory. Plain JavaScript, because it runs before the TypeScript is compiled.

/** glibc: one arena for all threads, and blocks from 64 KiB go back to the system when they are freed. */
const ALLOCATOR = {
  MALLOC_ARENA_MAX: "1",
  MALLOC_MMAP_THRESHOLD_: "65536",
  MALLOC_TRIM_THRESHOLD_: "1048576",
};
/**
 * V8, for each thread: a small nursery (MB), a first look at the old objects before there are many (MB), and another
 * one whenever they have grown by a fifth. `--optimize-for-size` saves no more than that, and its collections throw
 * away what the optimising compiler has learned: 10 to 15 % of the processor.
 */
const ENGINE = ["--max-semi-space-size=2", "--initial-old-space-size=4", "--heap-growing-percent=20"];

/** Does not return when it replaces the process. */
export function startLean() {
  const { execve, platform, env, execPath, execArgv, argv } = process;
  const done = "MALLOC_ARENA_MAX" in env || execArgv.some((flag) => flag.startsWith("--max-semi-space-size"));
  if (done || platform !== "linux" || execve === undefined) return;
  try {
    execve(execPath, [execPath, ...ENGINE, ...execArgv, ...argv.slice(1)], { ...env, ...ALLOCATOR });
  } catch {
    // A sandbox that forbids it.
  }
}
