/** A thread for tests: answers, ends with an error when told, or never starts. */
import { parentPort, resourceLimits } from "node:worker_threads";
import { serveControl, threadData } from "../../src/runtime/threads.ts";

export type FixtureControl = { hello(name: string): string; crash(): void; young(): number | undefined };

const { broken } = threadData<{ readonly broken: boolean }>();
if (broken) throw new Error("cannot start like this");

serveControl<FixtureControl>(
  {
    hello: (name) => `hello ${name}`,
    young: () => resourceLimits.maxYoungGenerationSizeMb,
    crash: () => {
      setImmediate(() => {
        throw new Error("crashed as told");
      });
    },
  },
  parentPort,
);
