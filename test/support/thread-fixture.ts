/** A thread for tests: answers, ends with an error or hangs when told, never starts, or hangs before it has. */
import { spawnSync } from "node:child_process";
import { resourceLimits } from "node:worker_threads";
import { serveControl, threadData } from "../../src/runtime/threads.ts";

export type FixtureControl = {
  hello(name: string): string;
  crash(): void;
  /** In a loop without end. */
  loop(): void;
  /** In a call of the system, which nobody can end from outside, until the file is there; `<file>.hangs` is there first. */
  hang(until: string): void;
  /** Crashes before it is done. */
  closeBadly(): Promise<void>;
  /** Is done when it learns the next word. */
  closeLater(): Promise<void>;
  young(): number | undefined;
  /** Fails for an empty word. */
  learn(word: string): void;
  learned(): readonly string[];
  close(): void;
};

export type Start = "well" | "broken" | "idle" | "busy" | "stuck";

/** `begun` becomes 1 when the thread's own code runs, 2 when it was closed. */
export interface FixtureData {
  readonly start: Start;
  readonly begun: Uint8Array;
  /** One that is stuck goes on when this file is there, as `hang` does; without, after a second. */
  readonly until?: string;
}

const { start, begun, until } = threadData<FixtureData>();
begun[0] = 1;
if (start === "broken") throw new Error("cannot start like this");
if (start === "idle") await new Promise((resolve) => void setTimeout(resolve, 600_000));
if (start === "busy") for (;;);
// A call of the system, which nobody can end from outside.
if (start === "stuck") {
  if (until === undefined) spawnSync("sleep", ["1"]);
  else waitForFile(until);
}

const words: string[] = [];
const nextWord = Promise.withResolvers<void>();
const crash = (): void => {
  setImmediate(() => {
    throw new Error("crashed as told");
  });
};
serveControl<FixtureControl>({
  hello: (name) => `hello ${name}`,
  learn: (word) => {
    if (word === "") throw new Error("no word");
    words.push(word);
    nextWord.resolve();
  },
  learned: () => words,
  loop: () => {
    for (;;);
  },
  hang: waitForFile,
  close: () => void (begun[0] = 2),
  closeLater: () => nextWord.promise,
  young: () => resourceLimits.maxYoungGenerationSizeMb,
  crash,
  closeBadly: () => {
    crash();
    return new Promise(() => undefined);
  },
});

function waitForFile(file: string): void {
  spawnSync("sh", ["-c", ': > "$0.hangs"; until [ -e "$0" ]; do sleep 0.02; done', file]);
}
