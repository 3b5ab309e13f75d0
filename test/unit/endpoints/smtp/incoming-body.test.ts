import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Receiver } from "../../../../src/endpoints/smtp/receiver.ts";
import { Session } from "../../../../src/endpoints/smtp/session.ts";
import { reply } from "../../../../src/mail/reply.ts";
import { FakeInspection } from "../../../support/fake-inspection.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { benchParts, DOMAINS } from "../../../support/smtp-bench.ts";

const MAIL = ["EHLO c.example", "MAIL FROM:<a@b.example>", "RCPT TO:<alice@our.test>"];

function bench(...inspections: readonly FakeInspection[]) {
  const clock = new ManualClock(1_000_000);
  const own = { settings: { checks: { helo: "off" as const } } };
  const domains = [...DOMAINS, { name: "own.test", recipients: ["alice", "bob"], ...own }];
  const { settings, ...parts } = benchParts({ inspections, clock, domains });
  const greeting = { delay: () => 0, delivered: () => {} };
  const session = new Session({ ...parts, greeting, settings: () => settings }, "192.0.2.1");
  session.greeting();
  const say = async (line: string): Promise<number> => {
    const answer = await session.command(Buffer.from(line));
    return answer.reply.code;
  };
  const open = async (): Promise<Receiver> => {
    for (const line of MAIL) assert.equal(await say(line), 250, line);
    const body = session.openBody(await session.command(Buffer.from("DATA")));
    assert.ok(!("reply" in body));
    return body;
  };
  return { ...parts, clock, session, say, open };
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** One that says nothing, and what stands for its word. */
function dumbInspection(): FakeInspection {
  const dumb = new FakeInspection();
  dumb.answer = () => new Promise(() => {});
  dumb.lost = () => ({ verdict: { kind: "tag", field: "X-Unseen: yes" } });
  return dumb;
}

describe("a body that is inspected", () => {
  test("is shown as it will be stored, and once more at the end", async () => {
    const fake = new FakeInspection();
    const { open, session, intake } = bench(fake);
    const body = await open();
    body.take(Buffer.from("a: b\r\n\r\n..dot\n"));
    body.take(Buffer.from("end\r\n.\r\n"));
    assert.equal((await session.finish(body)).reply.code, 250);
    const text = "a: b\r\n\r\n.dot\r\nend\r\n";
    assert.deepEqual([fake.shown, fake.read], [[text], [text]]);
    assert.equal(intake.mails[0]?.body.toString(), text);
    assert.deepEqual(fake.mails[0]?.recipients, ["alice@our.test"]);
  });

  test("is held with its fields where one says so, and the journal tells why", async () => {
    const fake = new FakeInspection();
    fake.answer = () => ({ verdict: { kind: "quarantine", why: "looks odd" }, fields: ["X-Odd: yes"] });
    const { open, session, intake, events } = bench(fake);
    const body = await open();
    body.take(Buffer.from("x\r\n.\r\n"));
    assert.equal((await session.finish(body)).reply.code, 250);
    assert.equal(intake.mails[0]?.quarantine, "looks odd");
    assert.match(
      intake.mails[0]?.topFields ?? "",
      /^Received: [^]*\r\nX-Odd: yes\r\nX-Holdfast-Quarantine: looks odd\r\n$/,
    );
    const whys = events.flatMap((event) => (event.kind === "mail.held" ? [event.why] : []));
    assert.deepEqual(whys, ["quarantine: looks odd"]);
  });

  test("is refused in the words of the one that rejects, and nothing is stored", async () => {
    const fake = new FakeInspection();
    fake.answer = () => ({ verdict: { kind: "reject", reply: reply(550, "5.7.1", "Worm.X") } });
    const { open, session, intake } = bench(fake);
    const body = await open();
    body.take(Buffer.from("x\r\n.\r\n"));
    assert.equal((await session.finish(body)).reply.text, "Worm.X");
    assert.deepEqual([intake.mails.length, intake.open.size], [0, 0]);
  });

  test("is not stored when the client goes away before the store is asked", async () => {
    const fake = new FakeInspection();
    let speak = (): void => {};
    const said = new Promise<void>((resolve) => (speak = resolve));
    fake.answer = async () => {
      await said;
      return { verdict: { kind: "accept" } };
    };
    const { open, session, intake } = bench(fake);
    const body = await open();
    body.take(Buffer.from("x\r\n.\r\n"));
    const end = session.finish(body);
    await turn();
    body.abort();
    speak();
    assert.equal((await end).reply.code, 451);
    assert.deepEqual([intake.mails.length, intake.open.size], [0, 0]);
    assert.ok(fake.aborts > 0);
  });

  test("is not stored when the client goes away while the last octets are written", async () => {
    const { open, session, intake } = bench();
    const body = await open();
    const written = Promise.withResolvers<void>();
    intake.onWrite = () => written.promise;
    const { wait } = body.take(Buffer.from("x\r\n.\r\n"));
    body.abort();
    written.resolve();
    await wait;
    assert.equal((await session.finish(body)).reply.code, 451);
    assert.deepEqual([intake.mails.length, intake.open.size], [0, 0]);
  });

  test("is the store's alone once that is asked, though the client goes away", async () => {
    const { open, session, intake } = bench();
    const body = await open();
    const asked = Promise.withResolvers<void>();
    intake.onAccept = () => asked.promise;
    body.take(Buffer.from("x\r\n.\r\n"));
    const end = session.finish(body);
    await turn();
    body.abort();
    assert.equal(intake.open.size, 1, "nothing was thrown away");
    asked.resolve();
    assert.equal((await end).reply.code, 250);
    assert.equal(intake.mails.length, 1);
  });

  test("is thrown away as soon as it cannot be taken, and read to its end", async () => {
    const { open, session, intake } = bench();
    const body = await open();
    body.take(Buffer.from("x\0\r\n"));
    assert.equal(intake.open.size, 0);
    body.take(Buffer.from("y\r\n.\r\n"));
    assert.equal((await session.finish(body)).reply.code, 550);
  });

  for (const [words, end] of [
    ["goes away", (body: Receiver) => body.abort()],
    ["sends what is refused", (body: Receiver) => void body.take(Buffer.from("\0"))],
  ] as const)
    test(`is no trouble of the store when the client ${words} while it is written`, async () => {
      const { open, intake, errors } = bench();
      const original = intake.openBody.bind(intake);
      const written = Promise.withResolvers<void>();
      intake.openBody = () => Object.assign(original(), { write: () => written.promise });
      const body = await open();
      const { wait } = body.take(Buffer.from("x\r\n"));
      end(body);
      written.reject(new Error("the body was thrown away"));
      await wait;
      assert.deepEqual(errors, []);
    });

  test("keeps nobody waiting for more than 20 s, and its store has what is left of 29 s", async () => {
    const { open, session, intake, clock } = bench(dumbInspection(), new FakeInspection());
    const body = await open();
    body.take(Buffer.from("x\r\n"));
    clock.advance(5000);
    body.take(Buffer.from(".\r\n"));
    const dot = clock.now();
    clock.advance(2000);
    const end = session.finish(body);
    await turn();
    clock.advance(18_000);
    assert.equal((await end).reply.code, 250);
    assert.match(intake.mails[0]?.topFields ?? "", /X-Unseen: yes\r\n$/);
    assert.equal(intake.mails[0]?.deadline, dot + 29_000);
  });

  test("in chunks has the same time, from its end on", async () => {
    const { say, session, intake, clock } = bench(dumbInspection());
    for (const line of MAIL) await say(line);
    const body = session.openBody(await session.command(Buffer.from("BDAT 3 LAST")));
    assert.ok(!("reply" in body));
    body.take(Buffer.from("x\r\n"));
    const began = clock.now();
    const end = session.finish(body);
    await turn();
    clock.advance(20_000);
    assert.equal((await end).reply.code, 250);
    assert.equal(intake.mails[0]?.deadline, began + 29_000);
  });

  for (const leap of [3_600_000, -3_600_000])
    test(`has its time although the wall clock is set by ${leap / 60_000} min after its last octet`, async () => {
      const dumb = dumbInspection();
      const { open, session, intake, clock } = bench(dumb, new FakeInspection());
      const body = await open();
      body.take(Buffer.from("x\r\n.\r\n"));
      clock.set(leap);
      const end = session.finish(body);
      await turn();
      clock.advance(19_999);
      await turn();
      assert.equal(dumb.aborts, 0);
      clock.set(leap);
      clock.advance(1);
      assert.equal((await end).reply.code, 250);
      assert.equal(intake.mails[0]?.deadline, clock.now() + 9000);
    });

  for (const slow of ["inspector", "disk"] as const)
    test(`holds the client back while the ${slow} cannot follow`, async () => {
      const fake = new FakeInspection();
      const { open, intake } = bench(fake);
      const follows = Promise.withResolvers<void>();
      fake.onFeed = () => (slow === "inspector" ? follows.promise : Promise.resolve());
      intake.onWrite = () => (slow === "disk" ? follows.promise : undefined);
      const body = await open();
      const { wait } = body.take(Buffer.from("x\r\n"));
      let gone = false;
      void wait?.then(() => (gone = true));
      await turn();
      assert.equal(gone, false);
      follows.resolve();
      await wait;
      body.abort();
    });

  test("has one profile: recipients of another come again in a mail of their own", async () => {
    const fake = new FakeInspection();
    fake.key = ({ own, exempt }) => `${own?.helo} ${exempt}`;
    const { say } = bench(fake);
    for (const line of MAIL) await say(line);
    assert.equal(await say("RCPT TO:<bob@our.test>"), 250);
    assert.equal(await say("RCPT TO:<alice@own.test>"), 452);
    assert.equal(await say("RCPT TO:<postmaster@our.test>"), 452);
    await say("RSET");
    await say("MAIL FROM:<a@b.example>");
    assert.equal(await say("RCPT TO:<alice@own.test>"), 250);
    assert.equal(await say("RCPT TO:<bob@own.test>"), 250);
  });
});
