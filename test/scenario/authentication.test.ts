import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import type { MailBody, QueuePage } from "../../src/endpoints/admin/contract.ts";
import { dkimRecord, dkimSign, dkimVerify } from "../fixtures/dkim.ts";
import { fakeDns, type FakeDns } from "../support/fake-dns.ts";
import { fakePrimary } from "../support/fake-primary.ts";
import { queueIdOf, sendTestMail } from "../support/raw-smtp.ts";
import { ResidentDaemon } from "../support/resident-daemon.ts";
import { tempFolder } from "../support/temp-folder.ts";

const SENDER = "alice@sender.example";
const SIGNED = dkimSign(Buffer.from(`From: ${SENDER}\r\nTo: alice@example.test\r\n\r\nHello\r\n`), [
  "from",
  "to",
]);
const FORGED = Buffer.from(
  "Authentication-Results: mx2.example.test;\r\n\tspf=pass smtp.mailfrom=bank.example\r\n",
);

function zone(): Promise<FakeDns> {
  return fakeDns({
    "sender.example": { TXT: ["v=spf1 ip4:127.0.0.1 -all"] },
    "test._domainkey.sender.example": { TXT: [dkimRecord()] },
    "_dmarc.sender.example": { TXT: ["v=DMARC1; p=reject"] },
    "bad.example": { TXT: ["v=spf1 -all"] },
  });
}

test("the results of SPF, DKIM and DMARC are added to the mail for the primary, and a reload changes them for later mail", async () => {
  await using folder = await tempFolder();
  await using dns = await zone();
  await using primary = await fakePrimary();
  const settings = {
    hostname: "mx2.example.test",
    dns: { servers: [dns.server] },
    checks: { spf: "tag", dkim: "tag", dmarc: "tag" },
  };
  const smtp = { greetDelay: "0s" };
  await using daemon = await ResidentDaemon.start({
    folder: folder.path,
    primaryPort: primary.port,
    settings,
    smtp,
  });
  const send = (sender: string, body: Buffer) =>
    sendTestMail(
      daemon.smtpPort,
      { name: sender, sender, recipients: ["alice"], body, flags: { eightBit: false, smtpUtf8: false } },
      "example.test",
    );
  const reply = await send(SENDER, Buffer.concat([FORGED, SIGNED]));
  await primary.received(1);
  const got = primary.mails[0]?.data ?? Buffer.alloc(0);
  const [top = ""] = got.toString("latin1").split("\r\nReceived:");
  assert.match(
    top,
    /^Authentication-Results: mx2\.example\.test;\r\n\tspf=pass smtp\.mailfrom=sender\.example;\r\n/,
  );
  assert.match(
    top,
    /\tdkim=pass header\.d=sender\.example header\.s=test;\r\n\tdmarc=pass \(p=reject\) header\.from/,
  );
  assert.match(top, /\r\nReceived-SPF: pass \(/);
  assert.equal(got.toString().match(/authentication-results/gi)?.length, 1, "the forged one is gone");
  assert.ok(dkimVerify(got), "the signature still verifies");
  const shown = await daemon.api<MailBody>("GET", `/v1/queue/${queueIdOf(reply)}`);
  assert.deepEqual(shown.authentication, {
    spf: { result: "pass", domain: "sender.example", identity: "mailfrom" },
    dkim: [{ domain: "sender.example", selector: "test" }],
    dmarc: { result: "pass", policy: "reject" },
    fromDomain: "sender.example",
    returnPath: true,
  });
  dns.zones["sender.example"] = "SERVFAIL";
  const text = await readFile(daemon.config, "utf8");
  const strict = text
    .replace('"spf": "tag"', '"spf": "reject"')
    .replace('"dmarc": "tag"', '"dmarc": "quarantine"');
  await writeFile(daemon.config, strict);
  await daemon.api("POST", "/v1/reload");
  await assert.rejects(send("x@bad.example", SIGNED), /550 5\.7\.23/);

  await send("x@plain.example", Buffer.from(`From: ${SENDER}\r\n\r\nForged\r\n`));
  const { items } = await daemon.api<QueuePage>("GET", "/v1/queue?reason=quarantine");
  assert.deepEqual(
    items.map(({ quarantine }) => quarantine),
    ["DMARC fails, and sender.example asks to reject such mail"],
  );
});
