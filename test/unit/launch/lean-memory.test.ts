import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";

const LEAN = new URL("../../../src/launch/lean-memory.js", import.meta.url).href;

/** A thread that fills its nursery and tells how large that has become, in megabytes. */
const THREAD = `
  const { parentPort } = require("node:worker_threads");
  const kept = [];
  for (let n = 0; n < 300_000; n++) kept.push({ n });
  const young = require("node:v8").getHeapSpaceStatistics().find((space) => space.space_name === "new_space");
  parentPort.postMessage(young.space_size / 1024 / 1024);
`;

const MAIN = `
  const { startLean } = await import(${JSON.stringify(LEAN)});
  const { Worker } = await import("node:worker_threads");
  startLean();
  const resourceLimits = { maxYoungGenerationSizeMb: 12 };
  const worker = new Worker(${JSON.stringify(THREAD)}, { eval: true, execArgv: [], resourceLimits });
  worker.on("message", (size) => console.log(size));
`;

test("the small nursery of the main thread does not change those of other threads", async () => {
  // As it is once the process has been replaced by itself.
  const options = { env: { ...process.env, MALLOC_ARENA_MAX: "1" } };
  const args = ["--max-semi-space-size=1", "--input-type=module", "--eval", MAIN];
  const { stdout } = await promisify(execFile)(process.execPath, args, options);
  assert.ok(Number(stdout) > 4, `a nursery of ${stdout.trim()} MB`);
});
