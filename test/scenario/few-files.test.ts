import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { Daemon } from "../support/daemon.ts";
import { RawSmtp } from "../support/raw-smtp.ts";
import { tempFolder } from "../support/temp-folder.ts";

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
