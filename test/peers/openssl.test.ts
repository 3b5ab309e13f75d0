/** Several certificates of the real daemon, as OpenSSL's client sees them, before and after a reload. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { ResidentDaemon } from "../support/resident-daemon.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { makeCertificate } from "../support/test-certificate.ts";
import { findProgram } from "./peers.ts";

function skip(): string | false {
  if (findProgram("openssl") !== undefined) return false;
  process.stderr.write("\nSKIPPED, a real peer is missing: openssl is not installed\n");
  return "openssl is not installed";
}

/** Subject and protocol of a handshake after STARTTLS; empty where there is none. */
function handshake(port: number, ...options: string[]): Promise<string> {
  const args = ["s_client", "-connect", `127.0.0.1:${port}`, "-starttls", "smtp", ...options];
  return new Promise((resolve) => {
    const child = execFile(findProgram("openssl") ?? "openssl", args, (_error, stdout) => {
      const subject = /^subject=(.*)$/m.exec(stdout)?.[1]?.replaceAll(" ", "") ?? "";
      const protocol = /^(?:New, |\s*Protocol\s*: )(TLSv[\d.]+)/m.exec(stdout)?.[1] ?? "";
      resolve(subject === "" ? "" : `${subject} ${protocol}`);
    });
    // Where the handshake fails it may be gone before it reads.
    child.stdin?.on("error", () => {}).end("QUIT\r\n");
  });
}

async function put(folder: string, name: string, names: readonly string[]) {
  const pair = await makeCertificate(`${name}.test`, 30, names);
  const files = { certificate: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) };
  for (const part of ["certificate", "key"] as const) {
    await writeFile(`${files[part]}.new`, pair[part]);
    await rename(`${files[part]}.new`, files[part]);
  }
  return files;
}

test("the certificate is selected by SNI; status shows all certificates", { skip: skip() }, async () => {
  await using folder = await tempFolder();
  const first = await put(folder.path, "first", ["mx.first.test"]);
  const second = await put(folder.path, "second", ["unused.test"]);
  const tls = [first, { ...second, names: ["*.second.test"] }];
  const smtp = { tls, threads: 1, greetDelay: "0s" };
  await using daemon = await ResidentDaemon.start({ folder: folder.path, primaryPort: 9, smtp });
  const { smtpPort } = daemon;
  assert.equal(await handshake(smtpPort, "-servername", "mx.second.test"), "CN=second.test TLSv1.3");
  assert.equal(await handshake(smtpPort, "-servername", "mx.third.test"), "CN=first.test TLSv1.3");
  assert.equal(await handshake(smtpPort, "-noservername", "-tls1_2"), "CN=first.test TLSv1.2");
  const old = ["-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0"];
  assert.equal(await handshake(smtpPort, "-servername", "mx.second.test", ...old), "");
  const { certificates } = await daemon.status();
  assert.deepEqual(
    certificates.map(({ file, names }) => [file, names]),
    [
      [first.certificate, ["mx.first.test"]],
      [second.certificate, ["*.second.test"]],
    ],
  );
  const renewed = await makeCertificate("renewed.test");
  await writeFile(second.certificate, renewed.certificate);
  const refused = await daemon.api("POST", "/v1/reload").then(
    () => "",
    (error: unknown) => String(error),
  );
  assert.match(refused, /holdfast\.yaml:\d+:\d+: smtp\.tls\[1\]\.key: .*second\.key does not belong to/);
  assert.equal(await handshake(smtpPort, "-servername", "mx.second.test"), "CN=second.test TLSv1.3");
  await writeFile(second.key, renewed.key);
  await daemon.api("POST", "/v1/reload");
  assert.equal(await handshake(smtpPort, "-servername", "mx.second.test"), "CN=renewed.test TLSv1.3");
});
