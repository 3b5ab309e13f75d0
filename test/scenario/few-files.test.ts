import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { test } from "node:test";
import { Daemon } from "../support/daemon.ts";
import { RawSmtp } from "../support/raw-smtp.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { waitFor } from "../support/wait.ts";

const FILES = 128;
const CLIENTS = 200;

test("clients beyond the limit of file descriptors get a 421, and the log names the limit that would be enough", async () => {
  await using folder = await tempFolder();
  await using daemon = await Daemon.start({ folder: folder.path, primaryPort: 9, files: FILES });
  const clients = Array.from({ length: CLIENTS }, () => new RawSmtp(connect(daemon.smtpPort, "127.0.0.1")));
  const codes = await Promise.all(clients.map(async (client) => (await client.reply())?.code));
  for (const client of clients) client.close();
  const count = (wanted: number): number => codes.filter((code) => code === wanted).length;
  assert.deepEqual([count(220), count(421)], [14, CLIENTS - 14]);
  assert.match(
    daemon.output(),
    /"files\.limit\.low","files":128,"needed":11000,"wanted":10000,"connections":14,/,
  );
});

test("a reload that wants more connections than there are descriptors for says so in the log", async () => {
  await using folder = await tempFolder();
  const smtp = { limits: { connections: 10 } };
  await using daemon = await Daemon.start({ folder: folder.path, primaryPort: 9, files: FILES, smtp });
  assert.doesNotMatch(daemon.output(), /files\.limit\.low/);
  await writeFile(
    daemon.config,
    (await readFile(daemon.config, "utf8")).replace(/"connections": 10\b/, '"connections": 200'),
  );
  await daemon.api("POST", "/v1/reload");
  const warns = (): boolean =>
    /"files\.limit\.low","files":128,"needed":1200,"wanted":200,"connections":14,/.test(daemon.output());
  await waitFor({ what: "the warning", deadline: 5000 }, warns);
});
