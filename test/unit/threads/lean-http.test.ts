import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Worker } from "node:worker_threads";

const LEAN = new URL("../../../src/threads/lean-http.ts", import.meta.url).href;

/** A thread that imports the mail libraries and tells what of Node.js they loaded. */
const THREAD = `
  import { parentPort } from "node:worker_threads";
  import ${JSON.stringify(import.meta.resolve("smtp-server"))};
  import ${JSON.stringify(import.meta.resolve("nodemailer"))};
  parentPort.postMessage(process.moduleLoadList);
`;

async function loaded(execArgv: string[]): Promise<readonly string[]> {
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(THREAD)}`), { execArgv });
  const [names] = (await once(worker, "message")) as [readonly string[]];
  await worker.terminate();
  return names.filter((name) => name.endsWith("/undici") || name.endsWith(" http"));
}

test("the mail libraries load node:http; lean-http prevents that they also load undici", async () => {
  assert.deepEqual(await loaded(["--import", LEAN]), ["NativeModule http"]);
  assert.deepEqual(await loaded([]), ["NativeModule http", "NativeModule internal/deps/undici/undici"]);
});
