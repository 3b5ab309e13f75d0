/** The contract of every storage engine for notices: which ones are owed, and that each is written once and counted. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DSN_DOMAIN, type OwedMail, type ToldRequest, type DsnKind } from "../../src/ports/dsn.ts";
import type { NewMail } from "../../src/ports/intake.ts";
import type { RecipientState } from "../../src/ports/recipient-state.ts";
import type { ClaimedMail } from "../../src/ports/work-store.ts";
import { accept, bodyOf, claimOne, DELIVERED, fillBody, newMail, REFUSED, to, UNCONFIRMED } from "./mails.ts";
import type { StoreFactory, StoreUnderTest } from "./store.contract.ts";

const DAY = 86_400_000;
const NEVER = { waitingBefore: 0, parkedBefore: 0, quarantinedBefore: 0, goneBefore: 0, limit: 1000 };

export function dsnContract(engine: string, open: StoreFactory): void {
  describe(`notices in ${engine}`, () => {
    asking(open);
    owing(open);
    givingUp(open);
    paying(open);
    ageing(open);
  });
}

/** Accepts a mail and parks it after its attempt, so that a failure notice is owed. */
async function debt(store: StoreUnderTest, changes: Partial<NewMail> = {}, body?: string): Promise<NewMail> {
  const mail = newMail(store.clock.now(), changes);
  await accept(store.intake, mail, body);
  await close(store, { state: "parked", owes: "failed" });
  return mail;
}

async function close(
  store: StoreUnderTest,
  ending: { readonly state: RecipientState; readonly owes?: DsnKind; readonly reason?: "content" },
): Promise<void> {
  const claimed = await claimOne(store);
  const outcome = ending.state === "gone" ? DELIVERED : REFUSED;
  const recipients = claimed.recipients.map(({ n }) => ({ n, outcome, ...ending }));
  const { id, token } = claimed;
  const now = store.clock.now();
  assert.ok(await store.work.settle({ id, token, recipients, destination: "192.0.2.9:25", now }));
}

function owed(store: StoreUnderTest, limit = 10): Promise<readonly OwedMail[]> {
  return store.work.owed({ limit, now: store.clock.now() });
}

function noticeFor(store: StoreUnderTest, mail: NewMail, text = "told"): ToldRequest {
  const now = store.clock.now();
  const notice = newMail(now, {
    sender: "",
    recipients: [{ address: mail.sender, domain: DSN_DOMAIN }],
    topFields: "",
  });
  const told = { kind: "failed", at: now, notice: notice.id } as const;
  return { id: mail.id, recipients: [0], told, notice: { mail: notice, body: Buffer.from(text) } };
}

function asking(open: StoreFactory): void {
  it("stores the sender's DSN parameters, and returns them in the claim and to operators", async () => {
    await using store = await open();
    const dsn = { ret: "FULL", envid: "QQ+2B1" } as const;
    const wish = { notify: "SUCCESS,DELAY", orcpt: "rfc822;a+2Bb@one.test" };
    const recipients = [{ address: "a@one.test", domain: "one.test", ...wish }, ...to("b@one.test")];
    const traits = ["list", "automatic"] as const;
    const mail = newMail(store.clock.now(), { dsn, recipients, traits });
    await accept(store.intake, mail);
    const claimed = await claimOne(store);
    assert.deepEqual(claimed.dsn, dsn);
    assert.deepEqual(claimed.recipients, [
      { n: 0, address: "a@one.test", attempts: 0, unconfirmed: 0, ...wish },
      { n: 1, address: "b@one.test", attempts: 0, unconfirmed: 0 },
    ]);
    const shown = await store.reader.show(mail.id);
    assert.deepEqual([shown?.dsn, shown?.traits], [dsn, traits]);
    assert.equal(shown?.recipients[0]?.orcpt, wish.orcpt);
    assert.equal(shown?.recipients[1]?.notify, undefined);
  });

  it("returns the sender's DSN parameters in a claim by grant, too", async () => {
    await using store = await open();
    const dsn = { envid: "E" };
    const fresh = new Promise<ClaimedMail>((resolve) => {
      store.work.onEvent((event) => event.kind === "claimed" && resolve(event.mail));
    });
    store.work.grant("one.test", 1);
    await store.work.work();
    const recipients = [{ address: "a@one.test", domain: "one.test", notify: "NEVER" }];
    await accept(store.intake, newMail(store.clock.now(), { dsn, recipients }));
    const mail = await fresh;
    assert.deepEqual(mail.dsn, dsn);
    const plain = { n: 0, address: "a@one.test", attempts: 0, unconfirmed: 0 };
    assert.deepEqual(mail.recipients, [{ ...plain, notify: "NEVER" }]);
  });
}

function givingUp(open: StoreFactory): void {
  const bounce = (store: StoreUnderTest): Promise<number> =>
    store.control.operate({ verb: "bounce", filter: {}, who: "socket", now: store.clock.now() });
  const statesOf = async (store: StoreUnderTest): Promise<readonly string[]> => {
    const { items } = await store.reader.list({ filter: {}, limit: 10 });
    return items.map(({ sender, state, reason = "" }) => `${sender} ${state} ${reason}`.trim());
  };

  it("owes a notice for each waiting or held mail that an operator bounces", async () => {
    await using store = await open();
    const [held, waiting] = [newMail(store.clock.now()), newMail(store.clock.now())];
    await accept(store.intake, held);
    await store.control.operate({ verb: "hold", filter: {}, who: "x", now: store.clock.now() });
    await accept(store.intake, waiting, "body");
    assert.equal(await bounce(store), 2);
    assert.deepEqual(
      await statesOf(store),
      Array.from({ length: 2 }, () => "sender@example.org parked operator"),
    );
    const debts = await owed(store);
    assert.deepEqual(
      debts.map(({ id, recipients }) => [id, recipients.map(({ kind }) => kind)]),
      [
        [held.id, ["expired"]],
        [waiting.id, ["expired"]],
      ],
    );
    assert.ok(debts[1]?.body !== undefined, "the body is there to be quoted");
  });

  it("owes a notice again if an operator bounces mail whose notice was not sent", async () => {
    await using store = await open();
    await accept(store.intake, newMail(store.clock.now()));
    await bounce(store);
    const [mail] = await owed(store);
    const why = { kind: "expired", at: store.clock.now(), why: "notices are off" } as const;
    await store.work.told({ id: mail?.id ?? "", recipients: [0], told: why });
    assert.deepEqual(await owed(store), []);
    assert.equal(await bounce(store), 1);
    assert.equal((await owed(store))[0]?.recipients[0]?.kind, "expired");
  });

  it("an owed notice states whether an operator bounced the mail or whether it expired", async () => {
    await using store = await open();
    await accept(store.intake, newMail(store.clock.now()));
    store.move(31 * DAY);
    const now = store.clock.now();
    await store.work.expire({ ...NEVER, now, waitingBefore: now - DAY });
    await accept(store.intake, newMail(now));
    await bounce(store);
    const debts = (await owed(store)).flatMap(({ recipients }) => recipients);
    assert.deepEqual(
      debts.map(({ kind, byOperator }) => [kind, byOperator]),
      [
        ["expired", undefined],
        ["expired", true],
      ],
    );
  });

  it("an owed notice has the time of the refusal, even if an operator bounces the mail days later", async () => {
    await using store = await open();
    const refusedAt = store.clock.now();
    const { id } = await debt(store);
    await store.work.told({ id, recipients: [0], told: { kind: "failed", at: refusedAt, why: "no route" } });
    store.move(5 * DAY);
    assert.equal(await bounce(store), 1);
    assert.equal((await owed(store))[0]?.recipients[0]?.at, refusedAt);
  });

  it("a bounce of all mail owes notices only for parked mail without a notice, and never for a notice", async () => {
    await using store = await open();
    const [told, silent] = [await debt(store), await debt(store)];
    await store.work.told(noticeFor(store, told));
    const why = { kind: "failed", at: store.clock.now(), why: "notices are off" } as const;
    await store.work.told({ id: silent.id, recipients: [0], told: why });
    assert.deepEqual(await owed(store), []);
    assert.equal(await bounce(store), 1);
    const [mail, ...rest] = await owed(store);
    assert.deepEqual([mail?.id, mail?.recipients[0]?.kind, rest.length], [silent.id, "failed", 0]);
    assert.deepEqual(
      (await statesOf(store)).filter((state) => state.startsWith("waiting")),
      ["waiting"],
      "the notice still waits to be sent",
    );
  });
}

function owing(open: StoreFactory): void {
  it("lists owed notices with all that a notice needs, the oldest mail first", async () => {
    await using store = await open();
    assert.deepEqual(await owed(store), []);
    const dsn = { ret: "HDRS" } as const;
    const first = await debt(store, { messageId: "<m@x>", dsn, traits: ["bulk"] }, "Subject: x\r\n\r\ny");
    const second = await debt(store);
    const [mail, other, ...rest] = await owed(store);
    assert.deepEqual([mail?.id, other?.id, rest.length], [first.id, second.id, 0]);
    const { body, recipients, ...facts } = mail as OwedMail;
    assert.deepEqual(facts, {
      id: first.id,
      sender: first.sender,
      acceptedAt: first.acceptedAt,
      client: first.client,
      topFields: first.topFields,
      smtpUtf8: false,
      messageId: "<m@x>",
      dsn,
      traits: ["bulk"],
      noticesToSender: 0,
    });
    assert.deepEqual(recipients, [
      {
        n: 0,
        address: "a@one.test",
        domain: "one.test",
        kind: "failed",
        lastReply: "550 5.1.1 no such user",
        destination: "192.0.2.9:25",
        at: store.clock.now(),
      },
    ]);
    const content = body?.read();
    assert.equal(Buffer.isBuffer(content) && content.toString(), "Subject: x\r\n\r\ny");
    assert.equal((await owed(store, 1)).length, 1);
  });

  it("an owed notice states that the primary may have the mail if its reply was lost", async () => {
    await using store = await open();
    await accept(store.intake, newMail(store.clock.now()));
    const { id, token } = await claimOne(store);
    const now = store.clock.now();
    const lost = { n: 0, outcome: UNCONFIRMED, state: "unconfirmed", dueAt: now } as const;
    assert.ok(await store.work.settle({ id, token, recipients: [lost], now }));
    await accept(store.intake, newMail(store.clock.now() + 1));
    await store.control.operate({ verb: "bounce", filter: {}, who: "socket", now });
    const told = (await owed(store)).map(({ recipients }) => recipients[0]?.unconfirmed);
    assert.deepEqual(told, [true, undefined]);
  });

  it("keeps the body of a delivered mail until its notice is written", async () => {
    await using store = await open();
    const mail = newMail(store.clock.now());
    await accept(store.intake, mail, "body");
    await close(store, { state: "gone", owes: "relayed" });
    assert.equal((await store.reader.show(mail.id))?.hasBody, true);
    assert.ok((await owed(store))[0]?.body !== undefined);
    await store.work.told({ ...noticeFor(store, mail), told: { kind: "relayed", at: 1, why: "no" } });
    assert.equal((await store.reader.show(mail.id))?.hasBody, false);
  });

  it("an owed notice names the recipient's domain, not the host that an operator rerouted the mail to", async () => {
    await using store = await open();
    const mail = newMail(store.clock.now());
    await accept(store.intake, mail);
    const now = store.clock.now();
    const reroute = { verb: "reroute", filter: { id: mail.id }, to: "10.0.0.7:2525", who: "x", now } as const;
    assert.equal(await store.control.operate(reroute), 1);
    await store.control.operate({ verb: "bounce", filter: { id: mail.id }, who: "x", now });
    assert.equal((await owed(store))[0]?.recipients[0]?.domain, "one.test");
  });

  it("owes no delay notice after the mail is delivered", async () => {
    await using store = await open();
    const ids: string[] = [];
    for (const state of ["gone", "waiting"] as const) {
      const mail = newMail(store.clock.now());
      ids.push(mail.id);
      await accept(store.intake, mail);
      await store.work.delayed({ before: store.clock.now() + 1, limit: 10 });
      await close(store, { state });
    }
    assert.deepEqual(
      (await owed(store)).map(({ id }) => id),
      ids.slice(1),
    );
    assert.equal((await store.reader.show(ids[0] ?? ""))?.hasBody, false);
  });

  it("owes no notice after an operator releases or deletes the mail", async () => {
    await using store = await open();
    for (const verb of ["delete", "release"] as const) {
      const { id } = await debt(store);
      await store.control.operate({ verb, filter: { id }, who: "socket", now: store.clock.now() });
      assert.deepEqual(await owed(store), []);
    }
  });

  it("owes the same notices after a crash", async () => {
    await using store = await open();
    const { id } = await debt(store);
    await using again = await store.reopenAfterCrash();
    assert.deepEqual(
      (await owed(again)).map((mail) => mail.id),
      [id],
    );
  });
}

function paying(open: StoreFactory): void {
  it("records a notice once, and queues it in the same transaction", async () => {
    await using store = await open();
    const mail = await debt(store);
    const work = new Promise((resolve) => store.work.onEvent(resolve));
    const request = noticeFor(store, mail, "notice");
    assert.equal(await store.work.told(request), true);
    assert.deepEqual(await work, { kind: "work", domain: DSN_DOMAIN, recipients: 1 });
    assert.equal(await store.work.told(noticeFor(store, mail)), false);
    assert.deepEqual(await owed(store), []);
    const notice = await claimOne(store, DSN_DOMAIN);
    assert.deepEqual([notice.sender, notice.recipients[0]?.address], ["", mail.sender]);
    assert.equal((await bodyOf(notice)).toString(), "notice");
    assert.deepEqual(await store.work.claim({ domain: DSN_DOMAIN, limit: 9, now: store.clock.now() }), []);
    const [shown] = (await store.reader.show(mail.id))?.recipients ?? [];
    assert.deepEqual(shown?.told, request.told);
    assert.equal(shown?.owed, undefined);
  });

  it("a delay notice does not settle the failure notice that became owed while it was written", async () => {
    await using store = await open();
    const mail = newMail(store.clock.now());
    await accept(store.intake, mail);
    await store.work.delayed({ before: store.clock.now() + 1, limit: 10 });
    const kinds = async (): Promise<readonly string[]> =>
      (await owed(store)).flatMap(({ recipients }) => recipients.map(({ kind }) => kind));
    assert.deepEqual(await kinds(), ["delayed"]);
    await close(store, { state: "parked", owes: "failed" });
    const request = noticeFor(store, mail);
    const told = { ...request.told, kind: "delayed" } as const;
    assert.equal(await store.work.told({ ...request, told }), false);
    assert.deepEqual(await kinds(), ["failed"]);
    assert.deepEqual(await store.work.claim({ domain: DSN_DOMAIN, limit: 9, now: store.clock.now() }), []);
  });

  it("rerouting all mail leaves notices alone, and undoing the route includes them", async () => {
    await using store = await open();
    await store.work.told(noticeFor(store, await debt(store)));
    const all = { verb: "reroute", filter: {}, who: "socket", now: store.clock.now() } as const;
    assert.equal(
      await store.control.operate({ ...all, to: "mail.test:25" }),
      1,
      "the mail that the notice reports",
    );
    const { items } = await store.reader.list({ filter: { domain: DSN_DOMAIN }, limit: 10 });
    assert.deepEqual(
      items.map(({ route, state }) => [route, state]),
      [[undefined, "waiting"]],
    );
    assert.equal(await store.control.operate(all), 2);
    assert.equal((await claimOne(store, DSN_DOMAIN)).sender, "");
  });

  it("stores the reason why no notice was sent", async () => {
    await using store = await open();
    const { id } = await debt(store);
    const told = { kind: "failed", at: 5, why: "a list" } as const;
    assert.equal(await store.work.told({ id, recipients: [0], told }), true);
    assert.deepEqual((await store.reader.show(id))?.recipients[0]?.told, told);
    assert.equal(await store.work.told({ id: "unknown", recipients: [0], told }), false);
  });

  it("counts the notices to one address for one day from the first", async () => {
    await using store = await open();
    const count = async (): Promise<number | undefined> => {
      const mail = await debt(store, { sender: "Sender@Example.org" });
      const [found] = await owed(store);
      assert.equal(await store.work.told(noticeFor(store, mail)), true);
      return found?.noticesToSender;
    };
    assert.deepEqual([await count(), await count(), await count()], [0, 1, 2]);
    store.move(DAY - 1);
    assert.equal(await count(), 3);
    store.move(2);
    assert.deepEqual([await count(), await count()], [0, 1]);
    store.move(DAY + 1);
    await store.work.expire({ ...NEVER, now: store.clock.now() });
    assert.equal(await count(), 0);
  });

  it("ignores a notice count that begins in the future, because the clock was wrong then", async () => {
    await using store = await open();
    const now = store.clock.now();
    const ahead = now + 365 * DAY;
    const countAt = async (time: number): Promise<number | undefined> => {
      const mail = await debt(store);
      const [found] = await store.work.owed({ limit: 1, now: time });
      const { notice, ...request } = noticeFor(store, mail);
      assert.ok(notice !== undefined);
      const written = { ...notice, mail: { ...notice.mail, acceptedAt: time } };
      assert.equal(await store.work.told({ ...request, notice: written }), true);
      return found?.noticesToSender;
    };
    assert.deepEqual([await countAt(ahead), await countAt(ahead)], [0, 1]);
    assert.deepEqual([await countAt(now), await countAt(now)], [0, 1]);
    await countAt(ahead);
    assert.equal((await store.work.expire({ ...NEVER, now })).forgotten, 1);
  });
}

function ageing(open: StoreFactory): void {
  it("owes a notice for expired mail, but none for an expired notice", async () => {
    await using store = await open();
    const mail = newMail(store.clock.now());
    await accept(store.intake, mail);
    const body = await fillBody(store.intake, "notice");
    const notice = newMail(store.clock.now(), { recipients: [{ address: "s@x", domain: DSN_DOMAIN }] });
    await store.intake.accept(notice, body);
    store.move(31 * DAY);
    const now = store.clock.now();
    assert.equal((await store.work.expire({ ...NEVER, now, waitingBefore: now - DAY })).givenUp, 2);
    const [found, ...others] = await owed(store);
    assert.deepEqual([found?.id, found?.recipients[0]?.kind, others.length], [mail.id, "expired", 0]);
    const gone = await store.reader.show(notice.id);
    assert.deepEqual([gone?.recipients[0]?.state, gone?.hasBody], ["gone", false]);
  });

  it("closes mail refused for its content sooner than other parked mail", async () => {
    await using store = await open();
    const mails: NewMail[] = [];
    for (const reason of [undefined, "content"] as const) {
      mails.push(newMail(store.clock.now()));
      await accept(store.intake, mails.at(-1) as NewMail);
      await close(store, { state: "parked", ...(reason !== undefined && { reason }) });
    }
    store.move(8 * DAY);
    const now = store.clock.now();
    const slice = { ...NEVER, now, parkedBefore: now - 30 * DAY, contentBefore: now - 7 * DAY };
    assert.equal((await store.work.expire(slice)).deleted, 1);
    const states = await Promise.all(
      mails.map(async ({ id }) => (await store.reader.show(id))?.recipients[0]),
    );
    assert.deepEqual(
      states.map((entry) => `${entry?.state} ${entry?.reason}`),
      ["parked undefined", "gone expired"],
    );
  });

  it("owes no notice and keeps no body after parked mail is closed", async () => {
    await using store = await open();
    const mail = await debt(store);
    store.move(8 * DAY);
    const now = store.clock.now();
    assert.equal((await store.work.expire({ ...NEVER, now, parkedBefore: now - 7 * DAY })).deleted, 1);
    const { recipients: [entry] = [], hasBody } = (await store.reader.show(mail.id)) ?? {};
    assert.deepEqual([entry?.state, entry?.owed, hasBody], ["gone", undefined, false]);
    assert.deepEqual(await owed(store), []);
  });

  it("forgets an old mail with its body, even if its notice was never written", async () => {
    await using store = await open();
    const mail = newMail(store.clock.now());
    await accept(store.intake, mail);
    await close(store, { state: "gone", owes: "relayed" });
    assert.equal((await store.reader.show(mail.id))?.hasBody, true, "the notice may quote it");
    store.move(91 * DAY);
    const now = store.clock.now();
    await store.work.expire({ ...NEVER, now, goneBefore: now - 90 * DAY });
    assert.equal(await store.reader.show(mail.id), undefined);
    // The next mail reuses the row of the forgotten one.
    assert.deepEqual(await accept(store.intake, newMail(now), "new"), { kind: "accepted" });
    assert.equal((await bodyOf(await claimOne(store))).toString(), "new");
  });

  it("owes no delay notice for a notice", async () => {
    await using store = await open();
    const mail = await debt(store);
    await store.work.told(noticeFor(store, mail));
    store.move(DAY);
    await store.work.delayed({ before: store.clock.now(), limit: 100 });
    assert.deepEqual(await owed(store), []);
  });

  it("a delay notice counts the wait of quarantined mail from its release", async () => {
    await using store = await open();
    const { id } = newMail(store.clock.now());
    await accept(store.intake, newMail(store.clock.now(), { id, quarantine: "a virus" }));
    store.move(10 * DAY);
    const released = store.clock.now();
    await store.control.operate({ verb: "release", filter: { id }, who: "socket", now: released });
    store.move(DAY);
    const now = store.clock.now();
    await store.work.delayed({ before: now, limit: 10 });
    // A flush does not change since when the mail waits.
    await store.control.operate({ verb: "flush", filter: { id }, who: "socket", now });
    const [{ kind, at } = {}] = (await owed(store))[0]?.recipients ?? [];
    assert.deepEqual([kind, at], ["delayed", released]);
  });

  it("owes one delay notice for each recipient, the oldest mail first, slice by slice", async () => {
    await using store = await open();
    await Promise.all(Array.from({ length: 150 }, () => accept(store.intake, newMail(store.clock.now()))));
    store.move(DAY);
    const young = newMail(store.clock.now());
    await accept(store.intake, young);
    const before = store.clock.now() - 1;
    const first = await store.work.delayed({ before, limit: 100 });
    assert.equal(first.more, true);
    assert.equal((await owed(store, 1000)).length, 100);
    const second = await store.work.delayed({ before, limit: 100, after: first.place });
    assert.equal(second.more, false);
    const all = await owed(store, 1000);
    assert.equal(all.length, 150);
    assert.ok(all.every(({ id, recipients }) => id !== young.id && recipients[0]?.kind === "delayed"));
    const told = { kind: "delayed", at: 1, why: "x" } as const;
    await Promise.all(all.map(({ id }) => store.work.told({ id, recipients: [0], told })));
    assert.equal((await store.work.delayed({ before, limit: 1000 })).more, false);
    assert.deepEqual(await owed(store), []);
  });
}
