/**
 * Exim, Postfix and OpenSMTPD as primaries of the real daemon, over TLS: a certificate that is valid for the name, or
 * pinned, gets the mail octet for octet; one that is not gets nothing, and the mail waits.
 */
import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { mailNamed } from "../fixtures/mails.ts";
import { Daemon } from "../support/daemon.ts";
import { freePort } from "../support/free-port.ts";
import { sendTestMail } from "../support/raw-smtp.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { makeCertificate, type TestCertificate } from "../support/test-certificate.ts";
import { waitFor } from "../support/wait.ts";
import { skipWithoutExim, startExim } from "./exim.ts";
import { skipWithoutOpensmtpd, startOpensmtpd } from "./opensmtpd.ts";
import { skipWithout } from "./peers.ts";
import { asReceived, Postfix, primarySettings } from "./postfix.ts";
import { beforeDelivery } from "./unpacked-server.ts";

const SENT = mailNamed("dkim-signed-eight-bit");

/** A domain, and how its primary is to prove itself. */
interface Case {
  readonly domain: string;
  readonly host: string;
  readonly port: number;
  readonly transport: Readonly<Record<string, unknown>>;
}

function fingerprint({ certificate }: TestCertificate): string {
  return `sha256:${createHash("sha256").update(new X509Certificate(certificate).raw).digest("hex")}`;
}

/** Sends one mail for each domain; answers when `arrived` holds and the others were tried. */
async function deliver(
  cases: readonly Case[],
  trusted: TestCertificate,
  check: (daemon: Daemon) => Promise<void>,
): Promise<void> {
  await using folder = await tempFolder();
  const anchors = join(folder.path, "anchors.pem");
  await writeFile(anchors, trusted.certificate);
  const domains = Object.fromEntries(
    cases.map(({ domain, host, port, transport }) => [
      domain,
      { primary: { host, port, ...transport }, recipients: { catchAll: true } },
    ]),
  );
  process.env["NODE_EXTRA_CA_CERTS"] = anchors;
  const smtp = { threads: 1, greetDelay: "0s" };
  await using daemon = await Daemon.start({
    folder: folder.path,
    primaryPort: 9,
    smtp,
    settings: { domains },
  });
  delete process.env["NODE_EXTRA_CA_CERTS"];
  for (const { domain } of cases) {
    const reply = await sendTestMail(daemon.smtpPort, { ...SENT, recipients: ["alice"] }, domain);
    assert.equal(reply.code, 250, reply.lines.join(" "));
  }
  await check(daemon);
}

/** Waits until what is held is for these domains only, and their primaries have said why. */
async function onlyHeld(daemon: Daemon, domains: readonly string[]): Promise<void> {
  const held = async (): Promise<string[]> => {
    const found: string[] = [];
    for await (const { recipient } of daemon.entries()) found.push(recipient.split("@")[1] ?? "");
    return found.toSorted();
  };
  await waitFor({ what: `only mail for ${domains.join()} waits`, deadline: 20_000 }, async () => {
    return (await held()).join() === domains.toSorted().join();
  }).catch(async (error: unknown) => {
    throw new Error(`${String(error)}: ${(await held()).join()}\n${daemon.output().slice(-2000)}`);
  });
}

const skip = skipWithoutExim() || skipWithoutOpensmtpd() || skipWithout("postfix");

test("a primary with a valid certificate gets the mail, one without gets nothing", { skip }, async () => {
  const [trusted, unknown] = [await makeCertificate("localhost"), await makeCertificate("localhost")];
  await using folder = await tempFolder();
  const files = { certificate: join(folder.path, "cert.pem"), key: join(folder.path, "key.pem") };
  for (const part of ["certificate", "key"] as const) await writeFile(files[part], unknown[part]);
  await using exim = await startExim({ port: await freePort(), domain: "*", certificate: trusted });
  // Debian 12's OpenSMTPD offers STARTTLS and fails in every handshake with its OpenSSL: mail goes on in clear.
  const opensmtpdPlan = { port: await freePort(), domain: "open.test", certificate: unknown };
  await using opensmtpd = await startOpensmtpd(opensmtpdPlan);
  const tls = [
    "smtpd_tls_security_level = may",
    `smtpd_tls_cert_file = ${files.certificate}`,
    `smtpd_tls_key_file = ${files.key}`,
  ];
  const settings = [...primarySettings("pinned.test, wrong.test, stranger.test"), ...tls];
  await using postfix = await Postfix.start({ port: await freePort(), settings });
  const [pin, otherPin] = [fingerprint(unknown), fingerprint(trusted)];
  assert.notEqual(pin, otherPin);
  const cases: Case[] = [
    { domain: "valid.test", host: "localhost", port: exim.port, transport: { tls: "verify" } },
    { domain: "misnamed.test", host: "127.0.0.1", port: exim.port, transport: { tls: "verify" } },
    { domain: "pinned.test", host: "localhost", port: postfix.port, transport: { tls: "pin", pin: [pin] } },
    // At the same Postfix: a pin of another certificate, and a certificate that nobody vouches for.
    {
      domain: "wrong.test",
      host: "localhost",
      port: postfix.port,
      transport: { tls: "pin", pin: [otherPin] },
    },
    { domain: "stranger.test", host: "127.0.0.1", port: postfix.port, transport: { tls: "verify" } },
    { domain: "open.test", host: "127.0.0.1", port: opensmtpd.port, transport: { tls: "opportunistic" } },
  ];
  await deliver(cases, trusted, async (daemon) => {
    await waitFor({ what: "those at Postfix are found out", deadline: 20_000 }, async () => {
      const why = JSON.stringify((await daemon.status()).primaries);
      return why.includes("neither its certificate nor its key is pinned") && /is self-signed/.test(why);
    });
    await onlyHeld(daemon, ["misnamed.test", "wrong.test", "stranger.test"]);
    const arrived = [
      beforeDelivery((await exim.untilDelivered(1))[0] ?? Buffer.alloc(0)),
      beforeDelivery((await opensmtpd.untilDelivered(1))[0] ?? Buffer.alloc(0)),
      asReceived((await postfix.untilDelivered(1))[0] ?? Buffer.alloc(0)),
    ];
    // Under the primary's own Received field stands ours, and then the mail as it came.
    for (const file of arrived) assert.ok(file.toString("latin1").endsWith(SENT.body.toString("latin1")));
    for (const file of arrived)
      assert.match(file.toString("latin1"), /^Received: from .*\r\n\tby mx2\.holdfast\.test/);
    const log = `${await exim.log()}${await postfix.log()}`;
    assert.match(log, /X=TLS1\.3:/);
    assert.equal((await exim.delivered()).length, 1);
    assert.equal((await postfix.delivered()).length, 1);
  });
});
