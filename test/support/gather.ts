/**
 * Runs many small test files in one process: of what a small file costs as a process of its own, most is to start it and
 * to load the same modules once more. Each file stays a suite by its name, with its own hooks, and still runs alone.
 */
import { globSync } from "node:fs";
import { join } from "node:path";
import { describe } from "node:test";

const TESTS = join(import.meta.dirname, "..");

/** Folders whose files each get a process: they measure it, or run for seconds beside one another. */
export const APART: readonly string[] = ["contract", "dialogue", "peers", "scenario"];
/** Folders that are gathered in a process each: `test/gathered/NAME.ts`. */
export const TOGETHER = {
  adapters: ["unit/adapters"],
  config: ["unit/cli", "unit/config"],
  endpoints: ["unit/endpoints"],
  services: ["unit/services"],
} as const;

/** Runs the files, one after the other. */
export function gather(files: readonly string[]): void {
  for (const file of files)
    describe(file, async () => {
      await import(join(TESTS, file));
    });
}

/** The test files below these folders of `test/`, in an order that is always the same. */
export function testsIn(folders: readonly string[]): readonly string[] {
  return folders.flatMap((folder) => globSync(`${folder}/**/*.test.ts`, { cwd: TESTS }).toSorted());
}

/** Those that nothing else runs, so that no file is ever forgotten. */
export function testsLeft(): readonly string[] {
  const elsewhere = new Set(testsIn([...APART, ...Object.values(TOGETHER).flat()]));
  return testsIn(["."]).filter((file) => !elsewhere.has(file));
}
