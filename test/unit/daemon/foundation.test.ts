import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { loadConfig } from "../../../src/config/config.ts";
import { systemClock } from "../../../src/runtime/clock.ts";
import { DoubtedAges } from "../../../src/daemon/doubted-ages.ts";
import { layFoundation } from "../../../src/daemon/foundation.ts";
import { writeConfig } from "../../support/daemon.ts";
import { tempFolder } from "../../support/temp-folder.ts";

test("no job runs after the parts that it reads have been closed", async () => {
  await using folder = await tempFolder();
  const log = join(folder.path, "holdfast.log");
  const settings = { log: { file: log } };
  const { file } = await writeConfig({ folder: folder.path, primaryPort: 9, settings });
  const loaded = loadConfig(file);
  assert.ok(loaded.ok);
  const stack = new AsyncDisposableStack();
  const note = { read: () => undefined, write: async () => {} };
  const ages = await DoubtedAges.open({ clock: systemClock(), note, lastUsed: undefined });
  const ground = { clockOffset: undefined, ages };
  const { schedule, directory } = await layFoundation(loaded.config, stack, ground);
  const ran = Promise.withResolvers<void>();
  const run = (): void => {
    directory.domain("example.test", directory.generation());
    ran.resolve();
  };
  schedule.add({ name: "look", every: 1, run });
  await ran.promise;
  await stack.disposeAsync();
  assert.doesNotMatch(readFileSync(log, "utf8"), /job failed/);
});
