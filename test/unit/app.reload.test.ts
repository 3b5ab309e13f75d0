/** What a reload of the running daemon puts into effect. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import type { TraceBody } from "../../src/endpoints/admin/contract.ts";
import { deliverFrom } from "../support/clients.ts";
import { ResidentDaemon } from "../support/resident-daemon.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { waitFor } from "../support/wait.ts";

const WAIT = { deadline: 20_000, every: 10 };

/** Changes the text of the daemon's configuration and reloads it. */
async function reload(daemon: ResidentDaemon, change: (text: string) => string) {
  await writeFile(daemon.config, change(await readFile(daemon.config, "utf8")));
  return daemon.api<{ readonly ok: boolean; readonly restart?: readonly string[] }>("POST", "/v1/reload");
}

test("a shorter retention of the trace takes effect at a reload", async () => {
  await using folder = await tempFolder();
  const settings = { retention: { trace: "30d" } };
  const smtp = { greetDelay: "0s", threads: 1 };
  await using daemon = await ResidentDaemon.start({ folder: folder.path, primaryPort: 9, smtp, settings });
  assert.equal(await deliverFrom(daemon.smtpPort, "127.0.0.2", "alice@example.test"), 250);
  const steps = async () =>
    (await daemon.api<TraceBody>("GET", "/v1/trace?about=alice@example.test")).lines.length;
  await waitFor({ what: "the trace of the mail", ...WAIT }, async () => (await steps()) > 0);
  assert.partialDeepStrictEqual(await reload(daemon, (text) => text.replace("30d", "1s")), { restart: [] });
  daemon.pass(70_000);
  await waitFor({ what: "an empty trace", ...WAIT }, async () => (await steps()) === 0);
});
