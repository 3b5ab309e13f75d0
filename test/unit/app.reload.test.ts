/** What a reload of the running daemon puts into effect. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { connect } from "node:tls";
import type { TraceBody } from "../../src/endpoints/admin/contract.ts";
import { deliverFrom } from "../support/clients.ts";
import { ResidentDaemon } from "../support/resident-daemon.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { testCertificate } from "../support/test-certificate.ts";
import { watchThreads } from "../support/thread-watch.ts";
import { freePort } from "../support/free-port.ts";
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

/** The name in the certificate that a port shows, which speaks TLS from the first byte. */
async function nameShown(port: number): Promise<unknown> {
  const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const { subject } = socket.getPeerCertificate();
  socket.destroy();
  return subject.CN;
}

test("implicit TLS, which stays open until the restart, keeps its certificate", async () => {
  using threads = watchThreads();
  await using folder = await tempFolder();
  const pair = await testCertificate();
  const files = { certificate: join(folder.path, "tls.crt"), key: join(folder.path, "tls.key") };
  await writeFile(files.certificate, pair.certificate);
  await writeFile(files.key, pair.key);
  const [smtpPort, port] = [await freePort(), await freePort()];
  const listen = [`127.0.0.1:${smtpPort}`, { address: `127.0.0.1:${port}`, tls: "implicit" }];
  const smtp = { greetDelay: "0s", threads: 1, listen, tls: files };
  await using daemon = await ResidentDaemon.start({ folder: folder.path, primaryPort: 9, smtpPort, smtp });
  const without = (text: string): string => {
    const { smtp: now, ...rest } = JSON.parse(text) as { readonly smtp: object };
    return JSON.stringify({ ...rest, smtp: { ...now, listen: listen.slice(0, 1), tls: undefined } });
  };
  assert.partialDeepStrictEqual(await reload(daemon, without), { restart: ["smtp.listen", "smtp.tls"] });
  await threads.named("smtp-1")[0]?.terminate();
  await waitFor({ what: "another SMTP thread", ...WAIT }, () => threads.named("smtp-1").length > 1);
  let name: unknown;
  await waitFor({ what: "its listener", ...WAIT }, async () => {
    name = await nameShown(port).catch(() => undefined);
    return name !== undefined;
  });
  assert.equal(name, "mx.us");
});
