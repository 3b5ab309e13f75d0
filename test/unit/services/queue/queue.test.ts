import assert from "node:assert/strict";
import { test } from "node:test";
import type { Accepted, BodyWriter, Intake, NewMail } from "../../../../src/ports/intake.ts";
import { Acceptor } from "../../../../src/services/queue/queue.ts";
import { newMail } from "../../../contract/mails.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { MemoryJournal } from "../../../support/memory-journal.ts";

const BODY = { size: 7 } as BodyWriter;

function acceptor(answer: Accepted = { kind: "accepted" }) {
  const [clock, journal, asked] = [new ManualClock(), new MemoryJournal(), [] as NewMail[]];
  const accept: Intake["accept"] = async (mail) => {
    asked.push(mail);
    return answer;
  };
  const intake = { accept } as Intake;
  return { clock, journal, asked, acceptor: new Acceptor({ intake, clock, journal, nextId: () => "id" }) };
}

/** As it comes from a transaction. */
function mailOf(changes: Partial<NewMail> = {}) {
  const { acceptedAt: _, deadline: _none, ...mail } = newMail(0, changes);
  return mail;
}

test("the store has 20 s to begin, but no longer than the client waits", async () => {
  const { acceptor: queue, asked, clock } = acceptor();
  const now = clock.now();
  const mail = mailOf();
  for (const until of [undefined, now + 5000, now + 60_000])
    await queue.accept({ mail, ...(until !== undefined && { until }) }, BODY);
  assert.deepEqual(
    asked,
    [20_000, 5000, 20_000].map((time) => Object.assign({}, mail, { acceptedAt: now, deadline: now + time })),
  );
});

test("stored mail is journalled with its facts", async () => {
  const { acceptor: queue, journal } = acceptor();
  const mail = mailOf();
  const { id, sender } = mail;
  const { ip, helo } = mail.client;
  const told = { id, sender, recipients: mail.recipients.map(({ address }) => address), ip, helo, size: 7 };
  assert.deepEqual(await queue.accept({ mail, notes: [] }, BODY), { kind: "accepted" });
  assert.deepEqual(journal.events, [{ kind: "mail.accepted", ...told }]);
  journal.events.length = 0;
  const more = { messageId: "<1@a.example>", quarantine: "virus" };
  const looked = { notes: ["slow"], checks: "spf" };
  await queue.accept({ mail: { ...mail, ...more }, ...looked }, BODY);
  const held = mail.recipients.map(({ address: recipient, domain }) => {
    return { kind: "mail.held", id, recipient, domain, reason: "quarantine", why: "quarantine: virus" };
  });
  assert.deepEqual(journal.events, [{ kind: "mail.accepted", ...told, ...more, ...looked }, ...held]);
});

test("mail that the store refused is not journalled", async () => {
  const { acceptor: queue, journal } = acceptor({ kind: "refused", why: "full" });
  assert.deepEqual(await queue.accept({ mail: mailOf({ quarantine: "virus" }) }, BODY), {
    kind: "refused",
    why: "full",
  });
  assert.deepEqual(journal.events, []);
});
