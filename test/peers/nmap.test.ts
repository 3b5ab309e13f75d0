/** What nmap's scripts say of the real daemon: no relay, no weak TLS, no strange port. */
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { join } from "node:path";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { ResidentDaemon } from "../support/resident-daemon.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { makeCertificate } from "../support/test-certificate.ts";
import { runNmap, skipWithoutNmap } from "./nmap.ts";

const SCRIPTS = ["smtp-open-relay", "smtp-commands", "smtp-strangeport", "ssl-enum-ciphers"];

/** The scripts know mail by its port, which only root may open. */
async function skip(): Promise<string | false> {
  const missing = skipWithoutNmap();
  if (missing !== false) return missing;
  const free = await mayListen("127.9.25.25", 25);
  if (free) return false;
  const reason = "port 25 of 127.9.25.25 cannot be opened; run this as root";
  process.stderr.write(`\nSKIPPED, nmap: ${reason}\n`);
  return reason;
}

test("nmap finds no open relay, no weak cipher and no unexpected port", { skip: await skip() }, async () => {
  await using folder = await tempFolder();
  const pair = await makeCertificate("mx2.holdfast.test");
  const files = { certificate: join(folder.path, "chain.pem"), key: join(folder.path, "key.pem") };
  for (const part of ["certificate", "key"] as const) await writeFile(files[part], pair[part]);
  const address = "127.9.25.25";
  const listen = [`${address}:25`, { address: `${address}:465`, tls: "implicit" }];
  // Its relay probes are refused recipients by the dozen.
  const smtp = { listen, tls: files, threads: 1, greetDelay: "0s", limits: { refusedRecipients: 100 } };
  await using daemon = await ResidentDaemon.start({ folder: folder.path, primaryPort: 9, smtp });
  const [clear, implicit] = await Promise.all([
    runNmap({ address, port: 25 }, SCRIPTS, ["smtp-open-relay.domain=elsewhere.test"]),
    runNmap({ address, port: 465 }, ["ssl-enum-ciphers", "smtp-commands"]),
  ]);
  if (process.env["NMAP_OUTPUT"] !== undefined)
    await writeFile(process.env["NMAP_OUTPUT"], `${clear}\n${implicit}`);
  assert.match(clear, /smtp-open-relay: Server doesn't seem to be an open relay, all tests failed/);
  assert.match(clear, /smtp-commands: mx2\.holdfast\.test, PIPELINING, SIZE 50000000, 8BITMIME/);
  assert.doesNotMatch(clear, /strangeport/);
  for (const output of [clear, implicit]) {
    assert.match(output, /TLSv1\.2:[^]*TLSv1\.3:[^]*least strength: A\b/);
    assert.doesNotMatch(output, /SSLv3|TLSv1\.[01]|warnings|VULNERABLE/);
  }
  assert.equal(await daemon.held(), 0);
});

function mayListen(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}
