/**
 * The contract of every storage engine, run with a factory of the engine's store. The clock stands still unless a test
 * moves it.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { TokenStore } from "../../src/ports/tokens.ts";
import type { RuleStore } from "../../src/ports/rules.ts";
import type { DirectoryBrowser, DirectoryReader, DirectoryWriter } from "../../src/ports/directory.ts";
import type { DsnStore } from "../../src/ports/dsn.ts";
import type { OperatorStore, QueueReader } from "../../src/ports/operator.ts";
import type { FetchRecords } from "../../src/ports/recipient-lists.ts";
import { FOREIGN_CURSOR } from "../../src/ports/page.ts";
import type { Intake } from "../../src/ports/intake.ts";
import type { RecipientState } from "../../src/ports/recipient-state.ts";
import type { ClaimedMail, WorkEvent, WorkStore } from "../../src/ports/work-store.ts";
import type { Clock } from "../../src/runtime/clock.ts";
import {
  DEFERRED,
  DELIVERED,
  REFUSED,
  RELEASED,
  UNCONFIRMED,
  accept,
  bodyOf,
  claimOne,
  fillBody,
  newMail,
  sha256,
  settlement,
  to,
} from "./mails.ts";
import { directoryContract } from "./directory.contract.ts";

export interface StoreUnderTest extends AsyncDisposable {
  readonly clock: Clock;
  readonly intake: Intake;
  readonly work: WorkStore & DsnStore;
  readonly control: OperatorStore & DirectoryWriter & TokenStore & RuleStore & FetchRecords;
  readonly reader: QueueReader & DirectoryBrowser;
  readonly directory: DirectoryReader;
  move(milliseconds: number): void;
  /** Opens a copy of the files that a killed process would leave. The first store stays open. */
  reopenAfterCrash(): Promise<StoreUnderTest & { readonly recovered: number }>;
}

export type StoreFactory = () => Promise<StoreUnderTest>;

const DAY = 24 * 60 * 60 * 1000;
const ACCEPTED = { kind: "accepted" };
/** The result of an expiry that found nothing too old. */
const NOTHING = { givenUp: 0, deleted: 0, forgotten: 0 };

export function storeContract(engine: string, open: StoreFactory): void {
  describe(`the queue in ${engine}`, () => {
    acceptance(open);
    claims(open);
    settlements(open);
    operators(open);
    expiry(open);
    proving(open);
    reading(open);
  });
  directoryContract(engine, open);
}

async function stateOf(store: StoreUnderTest, id: string): Promise<RecipientState[]> {
  return ((await store.reader.show(id))?.recipients ?? []).map(({ state }) => state);
}

function acceptance(open: StoreFactory): void {
  it("stores a mail with all of its fields", async () => {
    await using store = await open();
    const client = { ip: "192.0.2.1", helo: "h", name: "n.example", tls: "TLSv1.3" };
    const known = { messageId: "<m@x>", subject: "s", from: "f@x", smtpUtf8: true, eightBit: true };
    const mail = newMail(store.clock.now(), { client, ...known, sender: "" });
    assert.deepEqual(await accept(store.intake, mail, "hello\r\n"), ACCEPTED);
    const claimed = await claimOne(store);
    const { id, sender, topFields, smtpUtf8, eightBit, acceptedAt, size } = claimed;
    assert.deepEqual(
      { id, sender, topFields, smtpUtf8, eightBit, acceptedAt, size, client: claimed.client },
      {
        id: mail.id,
        sender: "",
        topFields: mail.topFields,
        smtpUtf8: true,
        eightBit: true,
        acceptedAt: mail.acceptedAt,
        size: 7,
        client,
      },
    );
    assert.equal((await bodyOf(claimed)).toString(), "hello\r\n");
    assert.deepEqual(claimed.recipients, [{ n: 0, address: "a@one.test", attempts: 0, unconfirmed: 0 }]);
    const shown = await store.reader.show(mail.id);
    assert.equal(shown?.messageId, "<m@x>");
    assert.equal(shown?.hasBody, true);
  });

  it("stores SMTPUTF8 and 8BITMIME as separate properties of a mail", async () => {
    await using store = await open();
    for (const kind of [
      { smtpUtf8: true, eightBit: false },
      { smtpUtf8: false, eightBit: true },
    ]) {
      await accept(store.intake, newMail(store.clock.now(), kind));
      const { smtpUtf8, eightBit } = await claimOne(store);
      assert.deepEqual({ smtpUtf8, eightBit }, kind);
    }
  });

  it("stores the authentication results of the sender, for claims by request and by grant", async () => {
    await using store = await open();
    const authentication = {
      spf: { result: "pass", domain: "example.org", identity: "mailfrom" },
      dkim: [{ domain: "example.org", selector: "s1" }],
      dmarc: { result: "pass", policy: "reject" },
      fromDomain: "example.org",
      returnPath: true,
    } as const;
    const events: WorkEvent[] = [];
    store.work.onEvent((event) => events.push(event));
    const mail = newMail(store.clock.now(), { authentication });
    await accept(store.intake, mail);
    assert.deepEqual((await claimOne(store)).authentication, authentication);
    assert.deepEqual((await store.reader.show(mail.id))?.authentication, authentication);
    store.work.grant("one.test", 1);
    await store.work.work();
    await accept(store.intake, newMail(store.clock.now(), { authentication }));
    await store.work.work();
    const [granted] = events.flatMap((event) => (event.kind === "claimed" ? [event.mail] : []));
    assert.deepEqual(granted?.authentication, authentication);
  });

  it("stores an empty body", async () => {
    await using store = await open();
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now()), ""), ACCEPTED);
    assert.equal((await bodyOf(await claimOne(store))).length, 0);
  });

  for (const size of [16_384, 16_385, 65_536, 65_537, 3_000_000]) {
    it(`returns a body of ${size} bytes unchanged, twice`, async () => {
      await using store = await open();
      const content = Buffer.alloc(
        size,
        Uint8Array.from({ length: 251 }, (_, i) => (i * 31) % 251),
      );
      assert.deepEqual(
        await accept(store.intake, newMail(store.clock.now()), Buffer.from(content)),
        ACCEPTED,
      );
      const mail = await claimOne(store);
      assert.equal(mail.body.size, size);
      for (let attempt = 0; attempt < 2; attempt++) assert.ok((await bodyOf(mail)).equals(content));
      assert.equal(mail.body.digest(), sha256(content));
    });
  }

  it("stores the body's hash for each recipient that a primary accepted, and for no other recipient", async () => {
    await using store = await open();
    const recipients = to("a@one.test", "b@one.test");
    const { id } = newMail(store.clock.now());
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now(), { id, recipients })), ACCEPTED);
    const mail = await claimOne(store);
    await bodyOf(mail);
    const hash = mail.body.digest();
    assert.equal(hash, sha256("body"));
    const now = store.clock.now();
    const settled = [
      { n: 0, state: "gone", outcome: DELIVERED },
      { n: 1, state: "waiting", outcome: DEFERRED, dueAt: now },
    ] as const;
    const request = { id, token: mail.token, now, hash: hash as string, recipients: settled };
    assert.ok(await store.work.settle(request));
    const shown = await store.reader.show(id);
    assert.deepEqual(
      shown?.recipients.map((recipient) => recipient.hash),
      [hash, undefined],
    );
    assert.match(shown?.crc32 ?? "", /^[0-9a-f]{8}$/);
  });

  it("stores each mail's own body when mails of many sizes, one of them refused, arrive at once", async () => {
    await using store = await open();
    const sizes = [0, 1, 30_000, 70_000, 29_000, 2000, 65_536, 0, 4096, 200_000, 61_440, 3];
    const contents = sizes.map((size, i) => Buffer.alloc(size, `${i} of many, `));
    const bodies = await Promise.all(contents.map((content) => fillBody(store.intake, content)));
    const mails = contents.map(() => newMail(store.clock.now()));
    mails[8] = mails[5] as (typeof mails)[0];
    const answers = await Promise.all(mails.map((mail, i) => store.intake.accept(mail, bodies[i] as never)));
    assert.deepEqual(
      answers.map(({ kind }) => kind),
      sizes.map((_, i) => (i === 8 ? "refused" : "accepted")),
    );
    const claims = await store.work.claim({ domain: "one.test", limit: 20, now: store.clock.now() });
    const found = new Map(claims.map((claim) => [claim.id, claim]));
    for (const [i, { id }] of mails.entries())
      if (i !== 8) assert.ok((await bodyOf(found.get(id) as never)).equals(contents[i] as Buffer), `${i}`);
  });

  it("holds mail that arrives with a quarantine reason, and makes it due when it is released", async () => {
    await using store = await open();
    const recipients = to("a@one.test", "b@two.test");
    const mail = newMail(store.clock.now(), { recipients, quarantine: "spam, score 9" });
    store.work.grant("one.test", 1);
    assert.deepEqual(await accept(store.intake, mail, "body"), ACCEPTED);
    assert.deepEqual(await stateOf(store, mail.id), ["held", "held"]);
    const shown = await store.reader.show(mail.id);
    assert.deepEqual([shown?.quarantine, shown?.recipients[0]?.reason], ["spam, score 9", "quarantine"]);
    const now = store.clock.now();
    assert.deepEqual(await store.work.claim({ domain: "two.test", limit: 9, now: now + 1e9 }), []);
    const act = { verb: "release", filter: { id: mail.id }, who: "x", now } as const;
    assert.equal(await store.control.operate(act), 2);
    assert.equal((await bodyOf(await claimOne(store))).toString(), "body");
  });

  for (const size of [4_000, 65_536, 700_000]) {
    it(`an arriving body of ${size} bytes can be read twice before it is accepted`, async () => {
      await using store = await open();
      const content = Buffer.alloc(size, "0123456789");
      const body = await fillBody(store.intake, Buffer.from(content));
      for (let time = 0; time < 2; time++) {
        const read: Buffer[] = [];
        for await (const chunk of body.read()) read.push(chunk);
        assert.ok(Buffer.concat(read).equals(content));
      }
      const mail = newMail(store.clock.now());
      assert.deepEqual(await store.intake.accept(mail, body), ACCEPTED);
      assert.ok((await bodyOf(await claimOne(store))).equals(content));
    });
  }

  it("octets that were read from an arriving body do not change after the body is aborted", async () => {
    await using store = await open();
    const body = await fillBody(store.intake, "a".repeat(10_000));
    const shown: Buffer[] = [];
    for await (const piece of body.read()) shown.push(piece);
    body.abort();
    await fillBody(store.intake, "b".repeat(10_000));
    assert.equal(Buffer.concat(shown).toString(), "a".repeat(10_000));
  });

  it("refuses a mail whose deadline has passed", async () => {
    await using store = await open();
    const mail = newMail(store.clock.now(), { deadline: store.clock.now() - 1 });
    assert.deepEqual(await accept(store.intake, mail), { kind: "refused", why: "late" });
    assert.equal(await store.reader.show(mail.id), undefined);
  });

  it("refuses one bad mail among many and accepts the others", async () => {
    await using store = await open();
    const twice = newMail(store.clock.now());
    assert.deepEqual(await accept(store.intake, twice), ACCEPTED);
    const events: WorkEvent[] = [];
    store.work.onEvent((event) => events.push(event));
    store.work.grant("one.test", 1);
    await store.work.work();
    const good = [newMail(store.clock.now()), newMail(store.clock.now())];
    const bodies = await Promise.all([1, 2, 3].map(() => fillBody(store.intake, "x")));
    const mails = [good[0], twice, good[1]].map((mail, i) =>
      store.intake.accept(mail as never, bodies[i] as never),
    );
    const results = await Promise.all(mails);
    assert.deepEqual(results, [ACCEPTED, { kind: "refused", why: "row" }, ACCEPTED]);
    const states = await Promise.all([twice, ...good].map(({ id }) => stateOf(store, id)));
    assert.deepEqual(states.flat(), ["waiting", "claimed", "waiting"]);
    const told = events.map((event) => (event.kind === "claimed" ? event.mail.id : event));
    assert.deepEqual(
      new Set(told),
      new Set([good[0]?.id, { kind: "work", domain: "one.test", recipients: 1 }]),
    );
  });

  it("drops a body that is aborted, and keeps a body that is aborted after it was accepted", async () => {
    await using store = await open();
    const thrown = await fillBody(store.intake, Buffer.alloc(200_000));
    thrown.abort();
    thrown.abort();
    await assert.rejects(async () => thrown.write(Buffer.from("more")), /closed/);
    const content = Buffer.alloc(200_000, 7);
    const kept = await fillBody(store.intake, content);
    const answer = store.intake.accept(newMail(store.clock.now()), kept);
    kept.abort();
    assert.deepEqual(await answer, ACCEPTED);
    kept.abort();
    assert.equal((await bodyOf(await claimOne(store))).length, 200_000);
  });

  it("reports the new work of each domain when a mail is committed", async () => {
    await using store = await open();
    const events: WorkEvent[] = [];
    store.work.onEvent((event) => events.push(event));
    await accept(
      store.intake,
      newMail(store.clock.now(), { recipients: to("a@one.test", "b@one.test", "c@two.test") }),
    );
    await store.work.work();
    assert.deepEqual(events, [
      { kind: "work", domain: "one.test", recipients: 2 },
      { kind: "work", domain: "two.test", recipients: 1 },
    ]);
  });

  it("claims new mail by grant, including its body, and uses one credit per mail", async () => {
    await using store = await open();
    const events: WorkEvent[] = [];
    store.work.onEvent((event) => events.push(event));
    store.work.grant("one.test", 1);
    await store.work.work();
    const granted = newMail(store.clock.now(), { recipients: to("a@one.test", "b@two.test") });
    await accept(store.intake, granted, "granted");
    await accept(store.intake, newMail(store.clock.now()));
    await store.work.work();
    const claims = events.flatMap((event) => (event.kind === "claimed" ? [event.mail] : []));
    assert.equal(claims.length, 1);
    const [claim] = claims as [(typeof claims)[0]];
    assert.equal((await bodyOf(claim)).toString(), "granted");
    assert.deepEqual(await stateOf(store, granted.id), ["claimed", "waiting"]);
    const words = events.flatMap((event) => (event.kind === "work" ? [event.domain] : []));
    assert.deepEqual(words, ["two.test", "one.test"]);
    assert.equal(
      await store.work.settle(settlement(claim, { state: "gone", outcome: DELIVERED }, store.clock.now())),
      true,
    );
    assert.deepEqual(await stateOf(store, granted.id), ["gone", "waiting"]);
  });

  it("claims each mail with its own body when several mails arrive in one turn", async () => {
    await using store = await open();
    const claims: ClaimedMail[] = [];
    store.work.onEvent((event) => event.kind === "claimed" && claims.push(event.mail));
    store.work.grant("one.test", 2);
    await store.work.work();
    const contents = ["first", "the second", "one beyond the grant"];
    const bodies = await Promise.all(contents.map((content) => fillBody(store.intake, content)));
    await Promise.all(bodies.map((body) => store.intake.accept(newMail(store.clock.now()), body)));
    await store.work.work();
    claims.push(await claimOne(store));
    const given = await Promise.all(claims.map(async (claim) => (await bodyOf(claim)).toString()));
    assert.deepEqual(given, contents);
  });

  it("claims no new mail after the grant was withdrawn", async () => {
    await using store = await open();
    store.work.grant("one.test", 5);
    store.work.grant("one.test", 0);
    await store.work.work();
    const mail = newMail(store.clock.now());
    await accept(store.intake, mail);
    assert.deepEqual(await stateOf(store, mail.id), ["waiting"]);
  });
}

function claims(open: StoreFactory): void {
  it("claims whole mails, the oldest due first, up to the limit", async () => {
    await using store = await open();
    const ids: string[] = [];
    for (let i = 0; i < 3; i++) {
      const mail = newMail(store.clock.now(), { recipients: to("a@one.test", "b@one.test", "c@two.test") });
      ids.push(mail.id);
      await accept(store.intake, mail);
      store.move(10);
    }
    const request = { domain: "one.test", limit: 2, now: store.clock.now() };
    assert.deepEqual(await store.work.claim({ ...request, limit: 0 }), []);
    const first = await store.work.claim(request);
    assert.deepEqual(
      first.map(({ id }) => id),
      ids.slice(0, 2),
    );
    assert.deepEqual(
      first[0]?.recipients.map(({ n }) => n),
      [0, 1],
    );
    assert.deepEqual(
      (await store.work.claim(request)).map(({ id }) => id),
      ids.slice(2),
    );
    assert.deepEqual(await store.work.claim(request), []);
    assert.equal(new Set(first.map(({ token }) => token)).size, 2);
  });

  it("claims unconfirmed recipients only when they are due", async () => {
    await using store = await open();
    await accept(store.intake, newMail(store.clock.now()));
    const mail = await claimOne(store);
    const dueAt = store.clock.now() + 60_000;
    await store.work.settle(
      settlement(mail, { state: "unconfirmed", outcome: UNCONFIRMED, dueAt }, store.clock.now()),
    );
    assert.deepEqual(await store.work.claim({ domain: "one.test", limit: 9, now: dueAt - 1 }), []);
    const [again] = await store.work.claim({ domain: "one.test", limit: 9, now: dueAt });
    assert.deepEqual(again?.recipients, [{ n: 0, address: "a@one.test", attempts: 1, unconfirmed: 1 }]);
  });

  it("lists waiting work by domain", async () => {
    await using store = await open();
    const start = store.clock.now();
    await accept(store.intake, newMail(start, { recipients: to("a@one.test", "b@one.test", "c@two.test") }));
    await accept(store.intake, newMail(start + 5));
    await claimOne(store, "two.test");
    assert.deepEqual(await store.work.work(), [
      { domain: "one.test", recipients: 3, nextDue: start, lastDue: start + 5, oldest: start },
    ]);
    await accept(store.intake, newMail(start + 6, { recipients: to("d@four.test", "e@three.test") }));
    const domains = (await store.work.work()).map(({ domain }) => domain);
    assert.deepEqual(domains, ["four.test", "one.test", "three.test"]);
  });

  it("wakes recipients that wait for their next attempt", async () => {
    await using store = await open();
    for (let i = 0; i < 3; i++) await accept(store.intake, newMail(store.clock.now()));
    const dueAt = store.clock.now() + DAY;
    for (const mail of await store.work.claim({ domain: "one.test", limit: 9, now: store.clock.now() }))
      await store.work.settle(
        settlement(mail, { state: "waiting", outcome: DEFERRED, dueAt }, store.clock.now()),
      );
    store.move(1000);
    const events: WorkEvent[] = [];
    store.work.onEvent((event) => events.push(event));
    const [work] = await store.work.wake(["one.test", "nothing.test"]);
    assert.equal(work?.recipients, 3);
    assert.deepEqual(events, [{ kind: "work", domain: "one.test", recipients: 3 }]);
    const { items } = await store.reader.list({ filter: {}, limit: 9 });
    assert.deepEqual(new Set(items.map(({ updatedAt }) => updatedAt)), new Set([store.clock.now()]));
    assert.equal(work?.nextDue, store.clock.now());
    assert.equal(
      (await store.work.claim({ domain: "one.test", limit: 9, now: store.clock.now() })).length,
      3,
    );
  });

  it("wakes and counts 5100 waiting recipients in one call", async () => {
    await using store = await open();
    const now = store.clock.now();
    const recipients = to(...Array.from({ length: 5100 }, (_, i) => `r${i}@one.test`));
    await accept(store.intake, newMail(now, { recipients }));
    const later = { state: "waiting", outcome: DEFERRED, dueAt: now + DAY } as const;
    await store.work.settle(settlement(await claimOne(store), later, now));
    const all = { domain: "one.test", recipients: 5100, oldest: now };
    assert.deepEqual(await store.work.work(), [{ ...all, nextDue: now + DAY, lastDue: now + DAY }]);
    assert.deepEqual(await store.work.wake(["one.test"]), [{ ...all, nextDue: now, lastDue: now }]);
  });

  it("claims only the recipients of a mail that still wait and are due", async () => {
    await using store = await open();
    const now = store.clock.now();
    const mail = newMail(now, { recipients: to("a@one.test", "b@one.test", "c@one.test", "d@one.test") });
    await accept(store.intake, mail);
    const { id, token } = await claimOne(store);
    const recipients = [
      { n: 0, state: "gone", outcome: DELIVERED },
      { n: 1, state: "waiting", outcome: DEFERRED, dueAt: now },
      { n: 2, state: "waiting", outcome: DEFERRED, dueAt: now + DAY },
      { n: 3, state: "waiting", outcome: DEFERRED, dueAt: now },
    ] as const;
    assert.ok(await store.work.settle({ id, token, recipients, now }));
    const hold = { verb: "hold", filter: { recipient: "d@one.test" }, who: "x", now } as const;
    assert.equal(await store.control.operate(hold), 1);
    assert.deepEqual(
      (await claimOne(store)).recipients.map(({ n }) => n),
      [1],
    );
    assert.deepEqual(await stateOf(store, id), ["gone", "claimed", "waiting", "held"]);
  });

  it("marks claimed mail as unconfirmed after a crash, and makes it due after a short wait", async () => {
    await using store = await open();
    const [lost, waits] = [newMail(store.clock.now()), newMail(store.clock.now() + 1)];
    await accept(store.intake, lost);
    await accept(store.intake, waits);
    const claim = await claimOne(store);
    await using after = await store.reopenAfterCrash();
    assert.equal(after.recovered, 1);
    assert.deepEqual(await stateOf(after, lost.id), ["unconfirmed"]);
    assert.deepEqual(await stateOf(after, waits.id), ["waiting"]);
    assert.equal((await after.reader.show(lost.id))?.recipients[0]?.reason, undefined);
    const aside = { verb: "delete", filter: { reason: "unconfirmed" }, who: "x", now: 0 } as const;
    assert.equal(
      await after.control.operate(aside),
      0,
      "the reason `unconfirmed` is for mail that is held after lost replies",
    );
    assert.equal(await after.work.settle(settlement(claim, { state: "gone", outcome: DELIVERED }, 0)), false);
    const now = store.clock.now();
    const doubts = async (at: number) => {
      const mails = await after.work.claim({ domain: "one.test", limit: 9, now: at });
      return mails.map(({ id, recipients }) => [id, recipients[0]?.unconfirmed]);
    };
    assert.deepEqual(await doubts(now + 1), [[waits.id, 0]]);
    assert.deepEqual(
      await doubts(now + 5000),
      [[lost.id, 1]],
      "the crash counts as a lost reply, so repeated delivery is bounded",
    );
  });
}

function settlements(open: StoreFactory): void {
  it("counts an attempt, but not a release", async () => {
    await using store = await open();
    await accept(store.intake, newMail(store.clock.now()));
    const now = store.clock.now();
    const first = await claimOne(store);
    assert.equal(
      await store.work.settle(settlement(first, { state: "waiting", outcome: DEFERRED, dueAt: now }, now)),
      true,
    );
    const second = await claimOne(store);
    assert.equal(second.recipients[0]?.attempts, 1);
    const { destination, ...release } = settlement(second, { state: "waiting", outcome: RELEASED }, now);
    assert.equal(await store.work.settle(release), true);
    const third = await claimOne(store);
    assert.deepEqual(third.recipients[0], { n: 0, address: "a@one.test", attempts: 1, unconfirmed: 0 });
    const known = (await store.reader.show(first.id))?.recipients[0];
    assert.deepEqual([known?.lastReply, known?.destination], ["451 later", destination]);
  });

  it("stores an error text of our own without a reply code; only a server's reply has a code", async () => {
    await using store = await open();
    const now = store.clock.now();
    await accept(store.intake, newMail(now));
    const reply = { code: 421, enhanced: "4.4.2", text: "the connection was lost" };
    const outcome = { kind: "deferred", reply, ours: true } as const;
    const mail = await claimOne(store);
    await store.work.settle(settlement(mail, { state: "waiting", outcome, dueAt: now }, now));
    assert.equal((await store.reader.show(mail.id))?.recipients[0]?.lastReply, "the connection was lost");
  });

  it("keeps released mail at its place in the queue, before mail that arrived later", async () => {
    await using store = await open();
    const first = newMail(store.clock.now());
    await accept(store.intake, first);
    store.move(5);
    await accept(store.intake, newMail(store.clock.now()));
    store.move(5);
    const released = { state: "waiting", outcome: RELEASED } as const;
    await store.work.settle(settlement(await claimOne(store), released, store.clock.now()));
    assert.equal((await claimOne(store)).id, first.id);
  });

  it("stores at most 1100 characters of a primary's reply", async () => {
    await using store = await open();
    await accept(store.intake, newMail(store.clock.now()));
    const outcome = { kind: "refused", reply: { code: 550, text: "x".repeat(60_000) } } as const;
    const { id, ...mail } = await claimOne(store);
    await store.work.settle(settlement({ id, ...mail }, { state: "parked", outcome }, store.clock.now()));
    const { lastReply = "" } = (await store.reader.show(id))?.recipients[0] ?? {};
    assert.deepEqual([lastReply.length, lastReply.slice(0, 5)], [1100, "550 x"]);
  });

  it("lists and shows all fields of a recipient", async () => {
    await using store = await open();
    const start = store.clock.now();
    const mail = newMail(start, { subject: "Hello", from: "s@example.org" });
    await accept(store.intake, mail, "body");
    store.move(10);
    const lost = { state: "unconfirmed", outcome: UNCONFIRMED, reason: "unconfirmed" } as const;
    const [first, second] = [start + 10, start + 20];
    await store.work.settle(settlement(await claimOne(store), { ...lost, dueAt: first }, first));
    store.move(10);
    const deferred = { state: "waiting", outcome: DEFERRED, dueAt: second + DAY } as const;
    await store.work.settle(settlement(await claimOne(store), deferred, second));
    const known = {
      id: mail.id,
      n: 0,
      recipient: "a@one.test",
      domain: "one.test",
      sender: mail.sender,
      state: "waiting",
      acceptedAt: start,
      updatedAt: second,
      dueAt: second + DAY,
      attempts: 2,
      unconfirmed: 1,
      lastReply: "451 later",
      destination: "192.0.2.9:25",
      size: 4,
      subject: "Hello",
    };
    assert.deepEqual((await store.reader.list({ filter: {}, limit: 9 })).items, [known]);
    const shown = await store.reader.show(mail.id);
    assert.deepEqual(shown?.recipients, [known]);
    assert.deepEqual([shown?.subject, shown?.from], ["Hello", "s@example.org"]);
    await store.control.operate({ verb: "hold", filter: {}, who: "x", now: second });
    const [held] = (await store.reader.list({ filter: {}, limit: 9 })).items;
    assert.deepEqual([held?.state, held?.dueAt, held?.who], ["held", undefined, "x"]);
  });

  it("counts lost replies, and keeps the count across other outcomes", async () => {
    await using store = await open();
    await accept(store.intake, newMail(store.clock.now()));
    const now = store.clock.now();
    const counts: unknown[] = [];
    for (const outcome of [UNCONFIRMED, DEFERRED, UNCONFIRMED, RELEASED]) {
      const state = outcome === UNCONFIRMED ? "unconfirmed" : "waiting";
      await store.work.settle(settlement(await claimOne(store), { state, outcome, dueAt: now }, now));
      const [work] = await store.work.claim({ domain: "one.test", limit: 1, now });
      counts.push(work?.recipients[0]?.unconfirmed);
      await store.work.settle(settlement(work as ClaimedMail, { state: "waiting", outcome: RELEASED }, now));
    }
    assert.deepEqual(counts, [1, 1, 2, 2]);
  });

  it("refuses a settlement with a wrong or used token, and writes nothing", async () => {
    await using store = await open();
    await accept(store.intake, newMail(store.clock.now()));
    const mail = await claimOne(store);
    const gone = settlement(mail, { state: "gone", outcome: DELIVERED }, store.clock.now());
    assert.equal(await store.work.settle({ ...gone, token: mail.token + 1 }), false);
    assert.equal(await store.work.settle({ ...gone, id: "nonesuch" }), false);
    assert.deepEqual(await stateOf(store, mail.id), ["claimed"]);
    assert.equal(await store.work.settle(gone), true);
    assert.equal(await store.work.settle(gone), false);
  });

  it("refuses a settlement that names a recipient twice", async () => {
    await using store = await open();
    await accept(store.intake, newMail(store.clock.now()));
    const once = settlement(await claimOne(store), { state: "gone", outcome: DELIVERED }, store.clock.now());
    const recipients = [...once.recipients, ...once.recipients];
    assert.equal(await store.work.settle({ ...once, recipients }), false);
    assert.equal(await store.work.settle(once), true);
  });

  it("keeps the ledger, and drops the body when the last recipient is gone", async () => {
    await using store = await open();
    const content = Buffer.alloc(100_000, 1);
    for (const body of ["small", content]) {
      const mail = newMail(store.clock.now(), { recipients: to("a@one.test", "b@two.test") });
      await accept(store.intake, mail, body);
      for (const [domain, kept] of [
        ["one.test", true],
        ["two.test", false],
      ] as const) {
        const claim = await claimOne(store, domain);
        await store.work.settle(settlement(claim, { state: "gone", outcome: DELIVERED }, store.clock.now()));
        assert.equal((await store.reader.show(mail.id))?.hasBody, kept);
      }
      const [row] = (await store.reader.show(mail.id))?.recipients ?? [];
      assert.equal(row?.lastReply, "250 2.0.0 taken");
      assert.equal(row?.destination, "192.0.2.9:25");
      assert.equal(await store.reader.export(mail.id), undefined);
    }
  });

  it("keeps the body for a recipient that is parked or held, until an operator deletes it", async () => {
    await using store = await open();
    for (const state of ["parked", "held"] as const)
      for (const body of ["small", Buffer.alloc(100_000, 1)]) {
        const mail = newMail(store.clock.now(), { recipients: to("a@one.test", "b@two.test") });
        await accept(store.intake, mail, body);
        const now = store.clock.now();
        await store.work.settle(settlement(await claimOne(store), { state, outcome: REFUSED }, now));
        const other = await claimOne(store, "two.test");
        await store.work.settle(settlement(other, { state: "gone", outcome: DELIVERED }, now));
        const hasBody = async () => (await store.reader.show(mail.id))?.hasBody;
        assert.equal(await hasBody(), true, state);
        await store.control.operate({ verb: "delete", filter: { id: mail.id }, who: "x", now });
        assert.equal(await hasBody(), false, state);
      }
  });

  it("rejects an illegal state change and leaves the claim as it was", async () => {
    await using store = await open();
    await accept(store.intake, newMail(store.clock.now()));
    const mail = await claimOne(store);
    const illegal = settlement(mail, { state: "claimed", outcome: DEFERRED }, store.clock.now());
    await assert.rejects(store.work.settle(illegal));
    assert.equal(await store.work.settle(settlement(mail, { state: "gone", outcome: DELIVERED }, 1)), true);
  });
}

function proving(open: StoreFactory): void {
  it("lists due mail without claiming it, and claims one mail by its id", async () => {
    await using store = await open();
    const mails = [to("a@one.test", "b@one.test"), to("c@one.test"), to("d@two.test")].map((recipients) =>
      newMail(store.clock.now(), { recipients }),
    );
    for (const mail of mails) await accept(store.intake, mail);
    const request = { domain: "one.test", now: store.clock.now() };
    const [first, second] = mails.map(({ id }) => id);
    assert.deepEqual(await store.work.due({ ...request, limit: 10 }), [
      { id: first, recipients: ["a@one.test", "b@one.test"] },
      { id: second, recipients: ["c@one.test"] },
    ]);
    assert.equal((await store.work.due({ ...request, limit: 1 })).length, 1);
    assert.deepEqual(await store.work.due({ ...request, now: request.now - 1, limit: 10 }), []);
    const named = { ...request, limit: 5, id: second as string };
    for (const not of [{ domain: "two.test" }, { now: store.clock.now() - 1 }])
      assert.deepEqual(
        await store.work.claim({ ...named, ...not }),
        [],
        "the mail has nothing due for this domain or at this time",
      );
    const claimed = await store.work.claim(named);
    assert.deepEqual(
      claimed.map(({ id }) => id),
      [second],
    );
    assert.equal((await store.work.claim(named)).length, 0);
    assert.deepEqual(await store.work.due({ ...request, limit: 10 }), [
      { id: first, recipients: ["a@one.test", "b@one.test"] },
    ]);
    const whole = await store.work.claim({ ...named, id: first as string });
    assert.deepEqual(
      whole.map(({ recipients }) => recipients.length),
      [2],
    );
  });

  it("remembers for 32 days that a primary accepted mail for a recipient", async () => {
    await using store = await open();
    await accept(store.intake, newMail(store.clock.now(), { recipients: to("Ann@one.test") }));
    const mail = await claimOne(store);
    assert.equal((await store.work.accepted(["ann@one.test"])).size, 0);
    const at = store.clock.now();
    await store.work.settle(settlement(mail, { state: "gone", outcome: DELIVERED }, at));
    assert.deepEqual(
      await store.work.accepted(["ANN@one.test", "bob@one.test"]),
      new Map([["ANN@one.test", at]]),
    );
    store.move(33 * DAY);
    const now = store.clock.now();
    const before = { waitingBefore: 0, parkedBefore: 0, quarantinedBefore: 0, goneBefore: 0 };
    const slice = { now, ...before, limit: 10 };
    await store.work.expire(slice);
    assert.equal((await store.work.accepted(["ann@one.test"])).size, 0);
  });

  it("forgets, slice by slice, all recipients whose last accepted mail is older than 32 days", async () => {
    await using store = await open();
    const recipients = to(...Array.from({ length: 130 }, (_, i) => `r${i}@one.test`));
    await accept(store.intake, newMail(store.clock.now(), { recipients }));
    const mail = await claimOne(store);
    const delivered = { state: "gone", reason: "delivered", outcome: DELIVERED } as const;
    await store.work.settle(settlement(mail, delivered, store.clock.now()));
    const known = async () => (await store.work.accepted(recipients.map(({ address }) => address))).size;
    assert.equal(await known(), 130);
    store.move(33 * DAY);
    const before = { waitingBefore: 0, parkedBefore: 0, quarantinedBefore: 0, goneBefore: 0 };
    const slice = { now: store.clock.now(), ...before, limit: 70 };
    assert.deepEqual(await store.work.expire(slice), { ...NOTHING, forgotten: 70 });
    assert.equal(await known(), 60);
    assert.deepEqual(await store.work.expire(slice), { ...NOTHING, forgotten: 60 });
    assert.equal(await known(), 0);
    assert.deepEqual(await store.work.expire(slice), NOTHING);
  });

  it("releases mail that is held for probation, and no other held mail", async () => {
    await using store = await open();
    for (const address of ["a@one.test", "b@one.test", "c@two.test"])
      await accept(store.intake, newMail(store.clock.now(), { recipients: to(address) }));
    for (const domain of ["one.test", "one.test", "two.test"]) {
      const mail = await claimOne(store, domain);
      const recipients = mail.recipients.map(({ n }) => ({
        n,
        outcome: REFUSED,
        state: "held" as const,
        reason: "probation" as const,
      }));
      await store.work.settle({ id: mail.id, token: mail.token, recipients, now: store.clock.now() });
    }
    await accept(store.intake, newMail(store.clock.now(), { recipients: to("x@two.test") }));
    const hold = { verb: "hold", filter: { recipient: "x@two.test" }, who: "socket" } as const;
    assert.equal(await store.control.operate({ ...hold, now: store.clock.now() }), 1);
    const events: WorkEvent[] = [];
    store.work.onEvent((event) => events.push(event));
    store.move(1000);
    const now = store.clock.now();
    assert.deepEqual(
      await store.work.unhold({ domain: "one.test", limit: 1, now }),
      new Map([["one.test", 1]]),
    );
    assert.deepEqual(events, [{ kind: "work", domain: "one.test", recipients: 1 }]);
    assert.deepEqual(
      await store.work.unhold({ now }),
      new Map([
        ["one.test", 1],
        ["two.test", 1],
      ]),
    );
    assert.equal((await store.work.unhold({ now })).size, 0);
    const released = await store.reader.list({ filter: { state: "waiting" }, limit: 10 });
    assert.deepEqual(
      released.items.map(({ reason, dueAt, updatedAt }) => [reason, dueAt, updatedAt]),
      Array.from({ length: 3 }, () => [undefined, now, now]),
    );
    const held = await store.reader.list({ filter: { state: "held" }, limit: 10 });
    assert.deepEqual(
      held.items.map(({ recipient }) => recipient),
      ["x@two.test"],
    );
  });
}

function operators(open: StoreFactory): void {
  it("holds, releases, flushes and deletes the recipients that match the filter", async () => {
    await using store = await open();
    const mails = [to("a@one.test"), to("b@one.test"), to("c@two.test")].map((recipients, i) =>
      newMail(store.clock.now(), { recipients, sender: i === 1 ? "other@x.test" : "sender@example.org" }),
    );
    for (const mail of mails) await accept(store.intake, mail);
    const act = (verb: "hold" | "release" | "delete" | "flush", filter: object) =>
      store.control.operate({ verb, filter, who: "socket", now: store.clock.now() });
    const states = async () => (await Promise.all(mails.map(({ id }) => stateOf(store, id)))).flat();
    assert.equal(await act("hold", { domain: "one.test" }), 2);
    assert.equal(await act("hold", { domain: "one.test" }), 0);
    assert.deepEqual(await states(), ["held", "held", "waiting"]);
    assert.equal(await act("release", { sender: "OTHER@x.test" }), 1);
    assert.equal(await act("flush", {}), 2);
    assert.equal(await act("delete", { id: mails[0]?.id }), 1);
    assert.equal(await act("delete", { recipient: "c@two.test", state: "waiting" }), 1);
    assert.deepEqual(await states(), ["gone", "waiting", "gone"]);
    assert.equal(await act("release", {}), 0, "recipients that are gone stay gone");
    const [row] = (await store.reader.show(mails[0]?.id ?? ""))?.recipients ?? [];
    assert.deepEqual([row?.reason, row?.who], ["deleted", "socket"]);
    assert.equal((await store.reader.show(mails[0]?.id ?? ""))?.hasBody, false);
  });

  it("reroutes waiting and held mail, and still lists and counts it under its own domain", async () => {
    await using store = await open();
    const mails = ["a", "b", "c"].map((local) =>
      newMail(store.clock.now(), { recipients: to(`${local}@one.test`) }),
    );
    for (const mail of mails) await accept(store.intake, mail);
    await accept(store.intake, newMail(store.clock.now(), { recipients: to("d@one.test.au") }));
    const request = { who: "socket", now: store.clock.now() };
    await store.control.operate({ ...request, verb: "hold", filter: { id: mails[0]?.id ?? "" } });
    const reroute = { ...request, verb: "reroute", filter: { domain: "one.test" } } as const;
    assert.equal(await store.control.operate({ ...reroute, to: "mail.test:2525" }), 3);
    assert.equal(await store.control.operate({ ...reroute, to: "mail.test:2525" }), 0, "already there");
    const { items } = await store.reader.list({ filter: { domain: "one.test" }, limit: 10 });
    assert.deepEqual(
      items.map(({ domain, route, state }) => [domain, route, state]),
      Array.from({ length: 3 }, () => ["one.test", "mail.test:2525", "waiting"]),
    );
    assert.deepEqual(
      (await store.reader.counts()).map(({ domain, recipients }) => [domain, recipients]).sort(),
      [
        ["one.test", 3],
        ["one.test.au", 1],
      ],
    );
    const ofOne = (await store.reader.counts()).filter(({ domain }) => domain === "one.test");
    assert.deepEqual(await store.reader.counts("one.test"), ofOne);
    assert.deepEqual(await store.reader.counts("none.test"), []);
    const kept = await store.reader.kept(["one.test.au", "none.test", "one.test"]);
    assert.deepEqual(
      kept.map(({ messages }) => messages),
      [1, 0, 3],
    );
    const now = store.clock.now();
    assert.deepEqual(await store.work.claim({ domain: "one.test", limit: 9, now }), []);
    const claimed = await store.work.claim({ domain: "one.test>mail.test:2525", limit: 1, now });
    assert.equal(claimed.length, 1);
    assert.equal(
      await store.control.operate(reroute),
      2,
      "goes back to its own primaries, except the claimed mail",
    );
    assert.equal((await store.work.claim({ domain: "one.test", limit: 9, now })).length, 2);
  });

  it("reroutes unconfirmed mail once, although the scan meets it again under its new key", async () => {
    await using store = await open();
    const now = store.clock.now();
    await accept(store.intake, newMail(now));
    const mail = await claimOne(store);
    const lost = { state: "unconfirmed", reason: "unconfirmed", outcome: UNCONFIRMED, dueAt: now } as const;
    await store.work.settle(settlement(mail, lost, now));
    await accept(store.intake, newMail(now));
    const reroute = { verb: "reroute", filter: { domain: "one.test" }, to: "mail.test:2525" } as const;
    assert.equal(await store.control.operate({ ...reroute, who: "x", now }), 2);
    assert.deepEqual(await stateOf(store, mail.id), ["unconfirmed"]);
  });

  for (const [verb, act, key] of [
    ["flushes", { verb: "flush" }, "one.test"],
    ["reroutes", { verb: "reroute", to: "mail.test:2525" }, "one.test>mail.test:2525"],
  ] as const)
    it(`${verb} waiting mail so that it is due at once`, async () => {
      await using store = await open();
      const now = store.clock.now();
      await accept(store.intake, newMail(now));
      const later = { state: "waiting", outcome: DEFERRED, dueAt: now + DAY } as const;
      await store.work.settle(settlement(await claimOne(store), later, now));
      assert.equal(await store.control.operate({ ...act, filter: {}, who: "x", now }), 1);
      assert.equal((await store.work.claim({ domain: key, limit: 9, now })).length, 1);
    });

  it("holds and flushes unconfirmed mail, too", async () => {
    await using store = await open();
    const mail = newMail(store.clock.now());
    await accept(store.intake, mail);
    const now = store.clock.now();
    const lost = { state: "unconfirmed", outcome: UNCONFIRMED, dueAt: now + DAY } as const;
    await store.work.settle(settlement(await claimOne(store), lost, now));
    const all = { filter: {}, who: "x", now };
    assert.equal(await store.control.operate({ verb: "flush", ...all }), 1);
    assert.equal((await store.work.due({ domain: "one.test", now, limit: 9 })).length, 1);
    assert.equal(await store.control.operate({ verb: "hold", ...all }), 1);
    assert.deepEqual(await stateOf(store, mail.id), ["held"]);
  });

  it("changes no claimed mail by an operator's command", async () => {
    await using store = await open();
    await accept(store.intake, newMail(store.clock.now()));
    const mail = await claimOne(store);
    for (const verb of ["hold", "release", "delete", "flush", "reroute", "bounce"] as const)
      assert.equal(await store.control.operate({ verb, filter: {}, who: "x", now: 1 }), 0);
    assert.deepEqual(await stateOf(store, mail.id), ["claimed"]);
  });

  it("holds and releases mail in more than one slice, and reports all released work", async () => {
    await using store = await open();
    const recipients = to(...Array.from({ length: 450 }, (_, i) => `r${i}@one.test`));
    await accept(store.intake, newMail(store.clock.now(), { recipients }));
    const events: WorkEvent[] = [];
    store.work.onEvent((event) => events.push(event));
    const request = { filter: { domain: "one.test" }, who: "socket", now: store.clock.now() };
    assert.equal(await store.control.operate({ ...request, verb: "hold" }), 450);
    assert.equal(await store.control.operate({ ...request, verb: "release" }), 450);
    const told = events.map((event) => (event.kind === "work" ? event.recipients : 0));
    assert.equal(
      told.reduce((sum, count) => sum + count, 0),
      450,
    );
  });

  it("stores access rules and lists the newest first", async () => {
    await using store = await open();
    const rule = (id: string) => ({
      id,
      rule: { action: "block" as const, network: "192.0.2.0/24", until: 9, note: id },
      createdAt: store.clock.now(),
      who: "socket",
    });
    await store.control.addRule(rule("a"));
    await store.control.addRule(rule("b"));
    assert.deepEqual(await store.control.rules(), [rule("b"), rule("a")]);
    assert.deepEqual(
      [await store.control.removeRule("a"), await store.control.removeRule("a")],
      [true, false],
    );
    assert.deepEqual(await store.control.rules(), [rule("b")]);
  });

  it("stores tokens under unique names, and lists and revokes them by name", async () => {
    await using store = await open();
    const token = { name: "dash", hash: "ab", createdAt: 5, domain: "one.test" };
    assert.equal(await store.control.addToken(token), true);
    assert.equal(await store.control.addToken({ ...token, hash: "cd" }), false);
    const other = { name: "all", hash: "ef", createdAt: 4 };
    await store.control.addToken(other);
    assert.deepEqual(await store.control.tokens(), [other, token]);
    assert.equal(await store.control.revokeToken("dash"), true);
    assert.equal(await store.control.revokeToken("dash"), false);
  });
}

function expiry(open: StoreFactory): void {
  const never = { waitingBefore: 0, parkedBefore: 0, quarantinedBefore: 0, goneBefore: 0, limit: 1000 };

  it("parks old mail, then closes it, then forgets it; held mail stays", async () => {
    await using store = await open();
    const [old, held, fresh] = [0, 1, 20 * DAY].map((age) => newMail(store.clock.now() + age)) as [
      never,
      never,
      never,
    ];
    for (const mail of [old, held, fresh]) await accept(store.intake, mail);
    const now = store.clock.now() + 31 * DAY;
    await store.control.operate({
      verb: "hold",
      filter: { id: (held as { id: string }).id },
      who: "x",
      now: 1,
    });
    const states = async () =>
      (await Promise.all([old, held, fresh].map(({ id }: { id: string }) => stateOf(store, id)))).map(String);
    const month = 30 * DAY;
    assert.deepEqual(await store.work.expire({ ...never, now, waitingBefore: now - month }), {
      ...NOTHING,
      givenUp: 1,
    });
    assert.deepEqual(await states(), ["parked", "held", "waiting"]);
    assert.deepEqual(await store.work.expire({ ...never, now, parkedBefore: now }), NOTHING);
    assert.deepEqual(await store.work.expire({ ...never, now: now + month, parkedBefore: now + 1 }), {
      ...NOTHING,
      deleted: 1,
    });
    assert.deepEqual(await states(), ["gone", "held", "waiting"]);
    assert.equal((await store.reader.show((old as { id: string }).id))?.recipients[0]?.reason, "expired");
    assert.deepEqual(await store.work.expire({ ...never, now, goneBefore: now + month + 1 }), {
      ...NOTHING,
      forgotten: 1,
    });
    assert.deepEqual(await states(), ["", "held", "waiting"]);
    assert.equal(await store.reader.show((old as { id: string }).id), undefined);
  });

  it("parks mail that was unconfirmed for too long, too", async () => {
    await using store = await open();
    const mail = newMail(store.clock.now());
    await accept(store.intake, mail);
    const now = store.clock.now();
    const lost = { state: "unconfirmed", outcome: UNCONFIRMED, dueAt: now } as const;
    await store.work.settle(settlement(await claimOne(store), lost, now));
    const slice = { ...never, now, waitingBefore: now + 1 };
    assert.deepEqual(await store.work.expire(slice), { ...NOTHING, givenUp: 1 });
    assert.deepEqual(await stateOf(store, mail.id), ["parked"]);
  });

  it("forgets a closed recipient and keeps the mail while another recipient still waits", async () => {
    await using store = await open();
    const mail = newMail(store.clock.now(), { recipients: to("a@one.test", "b@two.test") });
    await accept(store.intake, mail);
    const claim = await claimOne(store);
    await store.work.settle(settlement(claim, { state: "gone", outcome: DELIVERED }, store.clock.now()));
    store.move(20 * DAY);
    const now = store.clock.now();
    assert.deepEqual(await store.work.expire({ ...never, now, goneBefore: now }), {
      ...NOTHING,
      forgotten: 1,
    });
    assert.equal((await claimOne(store, "two.test")).id, mail.id);
  });

  it("closes mail that was in quarantine for too long, and keeps mail held for another reason", async () => {
    await using store = await open();
    const quarantine = { quarantine: "spam" };
    const [old, fresh, held] = [
      newMail(store.clock.now(), quarantine),
      newMail(store.clock.now() + 20 * DAY, quarantine),
      newMail(store.clock.now()),
    ] as const;
    for (const mail of [old, fresh, held]) await accept(store.intake, mail);
    await store.control.operate({ verb: "hold", filter: { id: held.id }, who: "x", now: 1 });
    const now = store.clock.now() + 31 * DAY;
    const slice = { ...never, now, quarantinedBefore: now - 30 * DAY };
    assert.deepEqual(await store.work.expire(slice), { ...NOTHING, deleted: 1 });
    const states = async () =>
      (await Promise.all([old, fresh, held].map(({ id }) => stateOf(store, id)))).map(String);
    assert.deepEqual(await states(), ["gone", "held", "held"]);
    const shown = await store.reader.show(old.id);
    assert.deepEqual(
      [shown?.recipients[0]?.reason, shown?.quarantine, shown?.hasBody],
      ["expired", "spam", false],
    );
  });

  it("a filter by the reason `quarantine` limits lists and operators' commands to quarantined mail", async () => {
    await using store = await open();
    const now = store.clock.now();
    const [spam, held] = [newMail(now, { quarantine: "spam", subject: "Buy" }), newMail(now)] as const;
    for (const mail of [spam, held]) await accept(store.intake, mail);
    await store.control.operate({ verb: "hold", filter: { id: held.id }, who: "x", now: 1 });
    const filter = { reason: "quarantine" } as const;
    assert.deepEqual(await store.reader.quarantined(), { recipients: 1, oldest: now });
    const { items } = await store.reader.list({ filter, limit: 9 });
    assert.deepEqual(
      items.map(({ id, quarantine, subject }) => [id, quarantine, subject]),
      [[spam.id, "spam", "Buy"]],
    );
    assert.equal(await store.control.operate({ verb: "release", filter, who: "x", now: 1 }), 1);
    assert.deepEqual([await stateOf(store, spam.id), await stateOf(store, held.id)], [["waiting"], ["held"]]);
    assert.deepEqual(await store.reader.quarantined(), { recipients: 0 });
  });

  it("counts the quarantined recipients and returns the age of the oldest", async () => {
    await using store = await open();
    const oldest = store.clock.now();
    for (const at of [oldest, oldest + DAY])
      await accept(store.intake, newMail(at, { quarantine: "spam", deadline: at + DAY }));
    assert.deepEqual(await store.reader.quarantined(), { recipients: 2, oldest });
  });

  it("counts the parked recipients and returns the oldest, and the oldest refused for its content", async () => {
    await using store = await open();
    assert.deepEqual(await store.reader.parked(), { recipients: 0 });
    const parked: number[] = [];
    for (const reason of ["refused", "content", "refused", "content"] as const) {
      await accept(store.intake, newMail(store.clock.now()));
      const mail = await claimOne(store);
      const refused = { kind: "refused", reply: { code: 550, text: "no" } } as const;
      parked.push(store.clock.now());
      await store.work.settle(
        settlement(mail, { state: "parked", reason, outcome: refused }, store.clock.now()),
      );
      store.move(DAY);
    }
    await accept(store.intake, newMail(store.clock.now()));
    const [oldest, oldestContent] = parked;
    assert.deepEqual(await store.reader.parked(), { recipients: 4, oldest, oldestContent });
  });

  it("expires at most as many recipients as the limit in one call", async () => {
    await using store = await open();
    const recipients = to(...Array.from({ length: 130 }, (_, i) => `r${i}@one.test`));
    await accept(store.intake, newMail(store.clock.now(), { recipients }));
    const slice = { ...never, now: store.clock.now() + DAY, waitingBefore: store.clock.now() + 1, limit: 70 };
    assert.deepEqual(
      [await store.work.expire(slice), await store.work.expire(slice), await store.work.expire(slice)],
      [{ ...NOTHING, givenUp: 70 }, { ...NOTHING, givenUp: 60 }, NOTHING],
    );
  });

  it("restarts retention when a primary refuses a mail, and the ledger's retention when it accepts one", async () => {
    await using store = await open();
    const ends = [
      { state: "parked", outcome: REFUSED },
      { state: "gone", outcome: DELIVERED },
    ] as const;
    const mails = ends.map(() => newMail(store.clock.now()));
    for (const mail of mails) await accept(store.intake, mail);
    store.move(20 * DAY);
    const now = store.clock.now();
    for (const end of ends) await store.work.settle(settlement(await claimOne(store), end, now));
    assert.deepEqual(await store.work.expire({ ...never, now, parkedBefore: now, goneBefore: now }), NOTHING);
    const later = { ...never, now: now + 1, parkedBefore: now + 1, goneBefore: now + 1 };
    assert.deepEqual(await store.work.expire(later), { ...NOTHING, deleted: 1, forgotten: 1 });
  });

  it("restarts retention on release", async () => {
    await using store = await open();
    const mail = newMail(store.clock.now());
    await accept(store.intake, mail);
    await store.control.operate({ verb: "hold", filter: {}, who: "x", now: 1 });
    store.move(40 * DAY);
    const now = store.clock.now();
    await store.control.operate({ verb: "release", filter: {}, who: "x", now });
    assert.deepEqual(await store.work.expire({ ...never, now, waitingBefore: now - 30 * DAY }), NOTHING);
    assert.equal((await store.reader.show(mail.id))?.acceptedAt, mail.acceptedAt);
  });

  it("does not expire mail early that arrived after a long operator's command began", async () => {
    await using store = await open();
    const begun = store.clock.now();
    store.move(DAY);
    const now = store.clock.now();
    for (const verb of ["release", "bounce"] as const) {
      const mail = newMail(now);
      await accept(store.intake, mail);
      await store.control.operate({ verb: "hold", filter: { id: mail.id }, who: "x", now });
      await store.control.operate({ verb, filter: { id: mail.id }, who: "x", now: begun });
    }
    assert.deepEqual(
      await store.work.expire({ ...never, now, waitingBefore: now, parkedBefore: now }),
      NOTHING,
    );
  });
}

function reading(open: StoreFactory): void {
  it("lists in pages without gaps or duplicates", async () => {
    await using store = await open();
    const wanted: string[] = [];
    for (let i = 0; i < 25; i++) {
      const mail = newMail(store.clock.now() + i, { recipients: to("a@one.test", "b@two.test") });
      wanted.push(`${mail.id}/0`, `${mail.id}/1`);
      await accept(store.intake, mail);
    }
    // The first recipient of each mail is in a state that is read after the state of the second.
    await store.control.operate({ verb: "hold", filter: { domain: "one.test" }, who: "x", now: 1 });
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await store.reader.list({ filter: {}, limit: 7, ...(cursor !== undefined && { cursor }) });
      assert.ok(page.items.length <= 7);
      seen.push(...page.items.map(({ id, n }) => `${id}/${n}`));
      cursor = page.next;
    } while (cursor !== undefined);
    assert.deepEqual(seen, wanted);
  });

  it("filters lists, includes the ledger only on request, and rejects a foreign cursor", async () => {
    await using store = await open();
    const mail = newMail(store.clock.now(), { recipients: to("a@one.test", "b@two.test") });
    await accept(store.intake, mail);
    await accept(store.intake, newMail(store.clock.now(), { sender: "x@y.test" }));
    await store.control.operate({ verb: "delete", filter: { recipient: "b@two.test" }, who: "x", now: 1 });
    const count = async (filter: object, ledger = false) =>
      (await store.reader.list({ filter, limit: 100, ledger })).items.length;
    assert.equal(await count({}), 2);
    assert.equal(await count({}, true), 3);
    assert.equal(await count({ id: mail.id }), 1);
    assert.equal(await count({ id: mail.id }, true), 2);
    assert.equal(await count({ id: mail.id, recipient: "b@two.test" }, true), 1);
    assert.equal(await count({ domain: "two.test" }), 0);
    assert.equal(await count({ domain: "two.test" }, true), 1);
    assert.equal(await count({ state: "gone" }), 1);
    assert.equal(await count({ domain: "one.test", state: "waiting", sender: "X@Y.test" }), 1);
    assert.equal(await count({ recipient: "nobody@one.test" }), 0);
    const foreign = [
      ...["none", "[1,2]", '["a",2,3]'].map((text) => Buffer.from(text).toString("base64url")),
      "*",
    ];
    for (const cursor of foreign) {
      await assert.rejects(store.reader.list({ filter: {}, limit: 1, cursor }), { message: FOREIGN_CURSOR });
    }
  });

  it("lists between 1 and 1000 recipients per page, whatever the limit", async () => {
    await using store = await open();
    const recipients = to(...Array.from({ length: 1001 }, (_, i) => `r${i}@one.test`));
    await accept(store.intake, newMail(store.clock.now(), { recipients }));
    for (const [limit, shown] of [
      [0, 1],
      [5000, 1000],
    ] as const) {
      const { items, next } = await store.reader.list({ filter: {}, limit });
      assert.deepEqual([items.length, next === undefined], [shown, false]);
    }
  });

  it("remembers which primaries last used TLS", async () => {
    await using store = await open();
    assert.deepEqual(await store.work.encrypted(), []);
    for (const at of ["a.test:25", "b.test:25", "a.test:25"]) await store.work.rememberTls(at, true);
    await store.work.rememberTls("b.test:25", false);
    assert.deepEqual(await store.work.encrypted(), ["a.test:25"]);
  });

  it("counts recipients by domain and state", async () => {
    await using store = await open();
    const start = store.clock.now();
    await accept(store.intake, newMail(start, { recipients: to("a@one.test", "b@two.test") }));
    await accept(store.intake, newMail(start + 9));
    await store.control.operate({ verb: "hold", filter: { domain: "two.test" }, who: "x", now: 1 });
    assert.deepEqual(await store.reader.counts(), [
      { domain: "one.test", state: "waiting", recipients: 2, oldest: start },
      { domain: "two.test", state: "held", recipients: 1, oldest: start },
    ]);
  });

  it("counts a mail's age from its acceptance, even after it was held and released", async () => {
    await using store = await open();
    const start = store.clock.now();
    await accept(store.intake, newMail(start, { recipients: to("a@one.test") }));
    await accept(store.intake, newMail(start + 9, { recipients: to("b@one.test") }));
    const filter = { recipient: "a@one.test" } as const;
    for (const verb of ["hold", "release"] as const)
      await store.control.operate({ verb, filter, who: "x", now: start + 60_000 });
    assert.deepEqual(await store.reader.counts(), [
      { domain: "one.test", state: "waiting", recipients: 2, oldest: start },
    ]);
  });

  it("counts a mail once for its domain, even when one of its recipients is rerouted", async () => {
    await using store = await open();
    const now = store.clock.now();
    const mail = newMail(now, { recipients: to("a@one.test", "b@one.test", "c@one.test") });
    await accept(store.intake, mail, "body");
    const reroute = { verb: "reroute", to: "mail.test:25", who: "x", now } as const;
    await store.control.operate({ ...reroute, filter: { recipient: "b@one.test" } });
    const kept = () => store.reader.kept(["one.test", "two.test"]);
    const nothing = { messages: 0, bytes: 0 };
    assert.deepEqual(await kept(), [{ messages: 1, bytes: 4 }, nothing]);
    await store.control.operate({ verb: "delete", filter: {}, who: "x", now });
    assert.deepEqual(await kept(), [nothing, nothing], "the ledger keeps no mail");
  });

  it("counts rerouted mail with its domain, and reports the oldest of all its mail", async () => {
    await using store = await open();
    const start = store.clock.now();
    await accept(store.intake, newMail(start, { recipients: to("a@one.test") }));
    await accept(store.intake, newMail(start + 9, { recipients: to("b@one.test") }));
    const reroute = { verb: "reroute", to: "mail.test:25", who: "x", now: start + 10 } as const;
    await store.control.operate({ ...reroute, filter: { recipient: "b@one.test" } });
    const counts = [{ domain: "one.test", state: "waiting", recipients: 2, oldest: start }];
    assert.deepEqual(await store.reader.counts(), counts);
    assert.deepEqual(await store.reader.counts("one.test"), counts);
  });

  it("exports a mail as it would be sent", async () => {
    await using store = await open();
    for (const content of ["small\r\n", "large\r\n".repeat(20_000)]) {
      const mail = newMail(store.clock.now());
      await accept(store.intake, mail, content);
      const stream = await store.reader.export(mail.id);
      const text = Buffer.concat((await stream?.toArray()) ?? []).toString();
      assert.equal(text, mail.topFields + content);
    }
    assert.equal(await store.reader.export("nonesuch"), undefined);
  });
}
