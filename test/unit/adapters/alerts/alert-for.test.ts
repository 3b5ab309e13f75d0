import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { alertFor } from "../../../../src/adapters/alerts/alerts.ts";
import { Folding } from "../../../../src/adapters/alerts/folding.ts";
import type { JournalEvent } from "../../../../src/ports/journal.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

const PRIMARY = { destination: "mail.example.com:25", domains: ["example.com"] };

const SENTENCES: readonly (readonly [event: JournalEvent, name: string, text: string])[] = [
  [
    { kind: "recipients.stuck", domain: "example.com", why: "it answered 500" },
    "recipients.stuck",
    "The list of recipients of example.com could not be renewed (it answered 500); the previous list stays in force.",
  ],
  [
    { kind: "recipients.stuck", domain: "example.com", why: "it answered 500", first: true },
    "recipients.stuck",
    "The list of recipients of example.com could not be fetched (it answered 500); there is no previous list, so senders get a temporary error.",
  ],
  [
    { kind: "primary.down", ...PRIMARY, why: "connection refused", held: 1 },
    "primary.down",
    "mail.example.com:25 does not accept mail (connection refused); 1 recipient is held for example.com.",
  ],
  [
    { kind: "primary.up", ...PRIMARY, outage: 11_520_000, held: 47 },
    "primary.up",
    "mail.example.com:25 is back after 3 h 12 min; 47 recipients are waiting, and delivered from now on.",
  ],
  [
    {
      kind: "primary.loop",
      ...PRIMARY,
      domains: ["a.example", "b.example", "c.example", "d.example"],
      why: "own EHLO name",
    },
    "primary.loop",
    "mail.example.com:25 is Holdfast itself (own EHLO name); mail for a.example, b.example, c.example and 1 more is held until the primary is corrected.",
  ],
  [
    {
      kind: "notice.withheld",
      id: "m1",
      sender: "ann@friend.test",
      recipients: ["bob@one.test"],
      domain: "one.test",
      about: "failed",
      why: "no route for notices is set",
      operators: true,
    },
    "notice.withheld",
    "The sender ann@friend.test of mail m1 for one.test should be notified about it but is not: no route for notices is set. It is parked.",
  ],
  [
    {
      kind: "probation.stopped",
      destination: "mail.example.com:25",
      domain: "example.com",
      why: "it refused alice@example.com, although the address exists: 550 no such user",
      held: 47,
    },
    "probation.stopped",
    "mail.example.com:25 came back but behaves abnormally (it refused alice@example.com, although the address exists: 550 no such user); mail for example.com is held, 47 recipients are waiting. A canary goes from time to time; `holdfast domain resume example.com` lets all of it go.",
  ],
  [
    {
      kind: "probation.stopped",
      destination: "mail.example.com:25",
      domain: "example.com",
      why: "it refuses senders: 550 no",
      held: 2,
      elsewhere: true,
    },
    "probation.stopped",
    "mail.example.com:25 came back but behaves abnormally (it refuses senders: 550 no); mail for example.com goes to its other primaries, 2 recipients are waiting. A canary goes from time to time; `holdfast domain resume example.com` lets all of it go there again.",
  ],
  [
    { kind: "store.condition", condition: "full", why: "reserve reached", free: 1024 ** 3 },
    "store.full",
    "Storage is full (reserve reached); new mail is deferred with 452, deliveries go on. 1 GiB are free.",
  ],
  [
    {
      kind: "store.condition",
      condition: "full",
      why: "no block was left, so the ballast is being given up",
      free: 4096,
      ballast: 31 * 1024 ** 2,
    },
    "store.ballast",
    "The disk is full (no block was left, so the ballast is being given up); new mail is deferred with 452, deliveries go on in the space reserved for them, of which 31 MiB are left. 4 KiB are free. Free some space.",
  ],
  [
    { kind: "store.condition", condition: "full", why: "the ballast is used up", free: 0, ballast: 0 },
    "store.stuck",
    "The disk is full (the ballast is used up); new mail is deferred with 452, deliveries stand still until there is room, and nothing is lost. 0 B are free. Free some space.",
  ],
  [
    { kind: "store.condition", condition: "sick", why: "EIO" },
    "store.sick",
    "Storage is sick (EIO); nothing is accepted or delivered until it works again.",
  ],
  [
    { kind: "store.condition", condition: "ok", why: "probe passed" },
    "store.ok",
    "Storage works again (probe passed); mail is accepted.",
  ],
  [
    { kind: "quota.reached", domain: "example.com", messages: 1, bytes: 2048 },
    "quota.reached",
    "example.com has reached its quota (1 mail, 2 KiB held); senders get a temporary error until some of it is gone.",
  ],
  [
    { kind: "quota.left", domain: "example.com", messages: 0, bytes: 0 },
    "quota.left",
    "example.com is below its quota again (0 mails, 0 B held); its mail is accepted.",
  ],
  [
    { kind: "thread.silent", thread: "storage", silence: 60_000 },
    "thread.silent",
    "The storage thread has not answered for 1 min: most likely the disk does not. Until it does, no mail is accepted or delivered; none is lost.",
  ],
  [
    { kind: "thread.silent", thread: "smtp-1", silence: 60_000 },
    "thread.silent",
    "The smtp-1 thread has not answered for 1 min; it is ended and started again. Its connections are cut, and their mail comes again; none is lost.",
  ],
  [
    { kind: "thread.answers", thread: "storage", silence: 180_000 },
    "thread.answers",
    "The storage thread answers again, after 3 min.",
  ],
  [
    { kind: "clock.set", by: 2 * 86_400_000 },
    "clock.set",
    "The clock jumped forward by 2 d: it was set, or the machine slept. No mail expires for a day; if the time is wrong, set it right before that day is over.",
  ],
  [
    { kind: "queue.oldest", domain: "example.com", age: 14_400_000, recipients: 3 },
    "queue.oldest",
    "The oldest mail for example.com has waited for 4 h; 3 recipients are waiting.",
  ],
  [
    { kind: "quarantine.unread", recipients: 12, age: 15 * 86_400_000, left: 15 * 86_400_000 },
    "quarantine.unread",
    "Nobody has looked at the oldest mail in quarantine for 15 d; it is deleted in 15 d. 12 recipients to look at: `holdfast quarantine list`.",
  ],
  [
    { kind: "parked.unread", recipients: 1, age: 24 * 86_400_000, left: 6 * 86_400_000 },
    "parked.unread",
    "Nobody has decided on parked mail for 24 d; it is deleted in 6 d. 1 recipient to look at: `holdfast queue list --state parked`.",
  ],
  [
    { kind: "queue.deleted", recipients: 3 },
    "queue.deleted",
    "Quarantined or parked mail was deleted because nobody decided on it before its retention ended: 3 recipients since the last such alert. `holdfast trace --ledger` names them.",
  ],
  [
    {
      kind: "certificate.stuck",
      file: "/etc/mx.pem",
      why: "/etc/mx.key does not belong to the certificate in /etc/mx.pem",
      expiresAt: Date.UTC(2027, 1, 21),
    },
    "certificate.stuck",
    "The files of a certificate were changed and cannot be used: /etc/mx.key does not belong to the certificate in /etc/mx.pem. The previous certificate stays in use; it ends on 2027-02-21.",
  ],
  [
    { kind: "queue.expiring", domain: "example.com", share: 0.8, recipients: 2 },
    "queue.expiring",
    "Mail for example.com has used 80 % of its retention; 2 recipients are close to expiry.",
  ],
];

test("each alert is one sentence with numbers", () => {
  for (const [event, name, text] of SENTENCES) {
    const alert = alertFor(event, 5);
    assert.deepEqual([alert?.name, alert?.text, alert?.at], [name, text, 5]);
    assert.equal("kind" in (alert?.facts ?? {}), false);
  }
});

test("the alert of a primary with ten thousand domains contains a hundred of them", () => {
  const domains = Array.from({ length: 10_000 }, (_, n) => `domain${n}.example`);
  const event: JournalEvent = {
    kind: "primary.down",
    ...PRIMARY,
    domains,
    why: "connection refused",
    held: 1,
  };
  const { facts = {} } = alertFor(event, 0) ?? {};
  const { domains: named, ...others } = facts;
  assert.deepEqual(named, domains.slice(0, 100));
  assert.deepEqual(others, { destination: PRIMARY.destination, why: "connection refused", held: 1 });
});

test("each alert is described in docs/api.md", () => {
  const page = readFileSync(new URL("../../../../docs/api.md", import.meta.url), "utf8");
  for (const [, name] of SENTENCES) assert.ok(page.includes(`\`${name}\``), name);
});

test("mail held because it may have arrived several times causes an alert, other held mail does not", () => {
  const held = {
    kind: "mail.held",
    id: "m1",
    recipient: "alice@example.com",
    domain: "example.com",
    destination: "mail.example.com:25",
  } as const;
  const alert = alertFor({ ...held, reason: "unconfirmed", why: "the peer closed the connection" }, 5);
  assert.deepEqual([alert?.name, alert?.subject], ["mail.held", "example.com"]);
  assert.equal(
    alert?.text,
    "Mail m1 for alice@example.com went to mail.example.com:25 several times without a reply to the final dot; each copy may have arrived, so the mail is held. `holdfast queue release m1` sends it once more.",
  );
  assert.match(
    alertFor({ ...held, reason: "damaged", why: "its body is gone" }, 5)?.text ?? "",
    /^Mail m1 for alice@example\.com is held, because its stored copy differs from the accepted mail: its body is gone\. /,
  );
  // The stop of a probation is told once, quarantine has lists of its own.
  assert.equal(alertFor({ ...held, reason: "probation" }, 5), undefined);
  assert.equal(alertFor({ ...held, reason: "quarantine" }, 5), undefined);
});

test("damaged mail causes an alert at once, even if mail of the same domain is held for another reason", () => {
  const sent: string[] = [];
  const folding = new Folding(new ManualClock(), ({ text }) => void sent.push(text));
  const held = {
    kind: "mail.held",
    id: "m1",
    recipient: "alice@example.com",
    domain: "example.com",
  } as const;
  for (const reason of ["unconfirmed", "damaged", "damaged", "unconfirmed"] as const) {
    const alert = alertFor({ ...held, reason, why: reason }, 5);
    if (alert !== undefined) folding.add(alert);
  }
  assert.equal(sent.length, 2);
  assert.match(sent[1] ?? "", /its stored copy differs from the accepted mail/);
});

test("everyday events cause no alert", () => {
  assert.equal(
    alertFor(
      { kind: "config.reloaded", generation: 2, added: [], changed: [], draining: [], removed: [] },
      5,
    ),
    undefined,
  );
  assert.equal(alertFor({ kind: "queue.expired", recipients: 2 }, 5), undefined);
});

test("a reason given by a peer becomes one line of plain text", () => {
  const alert = alertFor({ kind: "primary.down", ...PRIMARY, why: "421 \u001b[2J\r\nbye\u202e", held: 0 }, 5);
  assert.match(alert?.text ?? "", /\(421 +\[2J bye \)/);
});
