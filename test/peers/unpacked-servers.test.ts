/** Exim and OpenSMTPD, unpacked: what they take comes back from their maildirs octet for octet. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { mailNamed } from "../fixtures/mails.ts";
import { freePort } from "../support/free-port.ts";
import { sendTestMail } from "../support/raw-smtp.ts";
import { skipWithoutExim, startExim } from "./exim.ts";
import { skipWithoutOpensmtpd, startOpensmtpd } from "./opensmtpd.ts";
import { beforeDelivery } from "./unpacked-server.ts";

const DOMAIN = "example.test";
const SENT = ["dkim-signed-eight-bit", "dot-lines", "attachment-of-100-kilobytes", "line-of-998"];
const SERVERS = [
  { name: "Exim", start: startExim, skip: skipWithoutExim() },
  { name: "OpenSMTPD", start: startOpensmtpd, skip: skipWithoutOpensmtpd() },
];

for (const { name, start, skip } of SERVERS) {
  test(`mail that ${name} accepts arrives unchanged`, { skip }, async () => {
    await using server = await start({ port: await freePort(), domain: DOMAIN });
    const sent = SENT.map(mailNamed);
    for (const mail of sent) {
      const reply = await sendTestMail(server.port, { ...mail, recipients: ["alice"] }, DOMAIN);
      assert.equal(reply.code, 250, reply.lines.join(" "));
    }
    const files = await server.untilDelivered(sent.length);
    const back = new Set(files.map((file) => beforeDelivery(file).toString("latin1")));
    for (const mail of sent) assert.ok(back.has(mail.body.toString("latin1")), mail.name);
  });
}
