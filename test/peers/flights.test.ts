/** Many mails in flight on one connection to real servers, with BDAT and with DATA: octet for octet. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { smtpClient } from "../../src/adapters/smtp-client/smtp-client.ts";
import type { ClaimedMail } from "../../src/ports/work-store.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { mailNamed, mails } from "../fixtures/mails.ts";
import { claimedMail, inPieces } from "../support/claimed-mail.ts";
import { freePort } from "../support/free-port.ts";
import { targetAt } from "../support/primary-conversation.ts";
import { skipWithoutExim, startExim } from "./exim.ts";
import { skipWithoutOpensmtpd, startOpensmtpd } from "./opensmtpd.ts";
import { skipWithout } from "./peers.ts";
import { asReceived, MENDED_BY_POSTFIX, Postfix, primarySettings } from "./postfix.ts";
import { beforeDelivery } from "./unpacked-server.ts";

const DOMAIN = "example.test";
const TOP = "X-Top: ours\r\n";

function mailOf(body: Buffer, n: number, to: string): ClaimedMail {
  const mail = claimedMail({ id: `m${n}`, to: [to], body, topFields: TOP, eightBit: true });
  return body.length > 65_536 ? inPieces(mail) : mail;
}

for (const chunking of [true, false])
  test(
    `the corpus, ${chunking ? "eight mails by BDAT" : "a body and an envelope"} in flight`,
    { skip: skipWithout("postfix") },
    async () => {
      await using postfix = await Postfix.start({
        port: await freePort(),
        settings: [
          ...primarySettings(DOMAIN),
          "smtpd_recipient_restrictions = check_recipient_access inline:{gone@example.test=REJECT}, permit",
        ],
      });
      const client = smtpClient({ hostname: "mx2.test", clock: systemClock() });
      const conversation = await client.converse(targetAt(postfix.port, { chunking }));
      assert.equal(conversation.window, chunking ? 8 : 2);
      const corpus = mails(200_000);
      // Each fifth is refused, amid the others.
      const results = await Promise.all(
        corpus.map(({ body }, n) =>
          conversation.send(mailOf(body, n, `${n % 5 === 2 ? "gone" : "alice"}@${DOMAIN}`)),
        ),
      );
      await conversation.quit();
      const kinds = results.map(({ outcomes }) => outcomes.get(10)?.kind);
      assert.deepEqual(
        kinds,
        corpus.map((_, n) => (n % 5 === 2 ? "refused" : "delivered")),
      );
      const wanted = corpus.filter((_, n) => n % 5 !== 2);
      const files = await postfix.untilDelivered(wanted.length);
      const back = new Set(files.map((file) => asReceived(file).toString("latin1")));
      const changed = wanted.filter(({ body }) => !back.has(TOP + body.toString("latin1")));
      const names = changed.map(({ name }) => name).filter((name) => !MENDED_BY_POSTFIX.includes(name));
      assert.deepEqual(names, []);
    },
  );

const OTHERS = [
  { name: "Exim, by BDAT", start: startExim, skip: skipWithoutExim(), window: 8 },
  {
    name: "OpenSMTPD, which has no CHUNKING",
    start: startOpensmtpd,
    skip: skipWithoutOpensmtpd(),
    window: 0,
  },
];
const SENT = ["dkim-signed-eight-bit", "dot-lines", "attachment-of-100-kilobytes", "line-of-998"];

for (const { name, start, skip, window } of OTHERS)
  test(`several mails in flight to ${name}, one of them refused`, { skip }, async () => {
    await using server = await start({ port: await freePort(), domain: DOMAIN });
    const client = smtpClient({ hostname: "mx2.test", clock: systemClock() });
    const conversation = await client.converse(targetAt(server.port));
    if (window > 0) assert.equal(conversation.window, window);
    const corpus = SENT.flatMap((one) => [mailNamed(one), mailNamed(one), mailNamed(one)]);
    const results = await Promise.all(
      corpus.map(({ body }, n) => {
        const domain = n === 4 ? "not-here.test" : DOMAIN;
        return conversation.send(mailOf(body, n, `alice@${domain}`));
      }),
    );
    await conversation.quit();
    const kinds = results.map(({ outcomes }) => outcomes.get(10)?.kind);
    assert.deepEqual(
      kinds,
      corpus.map((_, n) => (n === 4 ? "refused" : "delivered")),
    );
    const files = await server.untilDelivered(corpus.length - 1);
    assert.equal(files.length, corpus.length - 1);
    const back = new Set(files.map((file) => beforeDelivery(file).toString("latin1")));
    for (const { name: which, body } of corpus) assert.ok(back.has(TOP + body.toString("latin1")), which);
  });
