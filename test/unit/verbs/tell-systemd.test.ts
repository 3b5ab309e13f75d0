import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { takeNotifier } from "../../../src/verbs/tell-systemd.ts";
import { tempFolder } from "../../support/temp-folder.ts";

test("a systemd that waits for the start is told of it, by us alone", async () => {
  await using folder = await tempFolder();
  const told = join(folder.path, "told");
  const program = `#!/bin/sh\necho "$NOTIFY_SOCKET $*" >> '${told}'\n`;
  await writeFile(join(folder.path, "systemd-notify"), program, { mode: 0o755 });
  const env: NodeJS.ProcessEnv = { PATH: folder.path, NOTIFY_SOCKET: "/run/systemd/notify" };
  const tellReady = takeNotifier(env);
  assert.deepEqual(env, { PATH: folder.path }, "programs that the daemon runs have nothing to tell it");
  await tellReady();
  assert.equal(await readFile(told, "utf8"), "/run/systemd/notify --ready\n");
});

test("where nobody waits, nobody is told; where nobody can be told, it is said", async () => {
  await using folder = await tempFolder();
  await takeNotifier({ PATH: folder.path })();
  const tellReady = takeNotifier({ PATH: folder.path, NOTIFY_SOCKET: "/run/systemd/notify" });
  await assert.rejects(tellReady(), { code: "ENOENT" });
});
