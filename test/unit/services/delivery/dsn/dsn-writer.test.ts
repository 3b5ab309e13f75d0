import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  DSN_DOMAIN,
  type DelayRequest,
  type DsnDraft,
  type OwedMail,
  type ToldRequest,
} from "../../../../../src/ports/dsn.ts";
import { BodyDamaged, type BodySource } from "../../../../../src/ports/stored-body.ts";
import { loggerTo } from "../../../../../src/runtime/log.ts";
import { DsnWriter } from "../../../../../src/services/delivery/dsn/dsn-writer.ts";
import { bodySource } from "../../../../support/body-source.ts";
import { ManualClock } from "../../../../support/manual-clock.ts";
import { MemoryJournal } from "../../../../support/memory-journal.ts";
import { owedMail, owedTo } from "../../../../support/owed-mail.ts";

const FULL = { ret: "FULL" } as const;

function bench(mails: OwedMail[], settings: { perSender?: number; delay?: number; fullSize?: number } = {}) {
  const { perSender = 10, fullSize = 1000, ...rest } = settings;
  const told: ToldRequest[] = [];
  const drafts: DsnDraft[] = [];
  const delays: DelayRequest[] = [];
  const logged: string[] = [];
  const clock = new ManualClock();
  const journal = new MemoryJournal();
  const composer = {
    fails: false,
    body: "notice",
    compose: async (draft: DsnDraft) => {
      if (composer.fails) throw new Error("a bug");
      drafts.push(draft);
      return Buffer.from(composer.body);
    },
  };
  const store = {
    owed: async ({ limit }: { limit: number }) => mails.splice(0, limit),
    told: async (request: ToldRequest) => told.push(request) > 0,
    delayed: async (request: DelayRequest) => {
      delays.push(request);
      return { place: [1, 2, 3] as const, more: delays.length < 2 };
    },
  };
  let id = 0;
  const writer = new DsnWriter({
    store,
    composer,
    journal,
    log: loggerTo((level, text, { id, error }) => logged.push(`${level}: ${text} (${id}: ${error})`)),
    clock,
    nextId: () => `n${(id += 1)}`,
    settings: () => ({
      hostname: "mx2.test",
      rules: { route: true, perSender },
      fullSize,
      retention: 1000,
      ...rest,
    }),
  });
  return { writer, store, told, drafts, delays, logged, journal, composer, clock };
}

describe("paying what is owed to senders", () => {
  it("writes one DSN for all recipients of one fate, from the null sender", async () => {
    const recipients = [owedTo(), owedTo({ n: 1, kind: "expired" }), owedTo({ n: 2, kind: "delayed" })];
    const { writer, told, drafts, journal, logged } = bench([owedMail({ recipients })]);
    assert.equal(await writer.write(), "again");
    assert.equal(await writer.write(), "done");
    assert.deepEqual(
      told.map((request) => request.recipients),
      [[0, 1], [2]],
    );
    assert.equal(drafts[0]?.perRecipient.length, 2);
    const { mail, body } = told[0]?.notice ?? assert.fail("no notice");
    assert.equal(mail.sender, "");
    assert.deepEqual(mail.recipients, [{ address: "ann@friend.test", domain: DSN_DOMAIN }]);
    assert.equal(body.toString(), "notice");
    assert.deepEqual(told[0]?.told.notice, mail.id);
    assert.equal(journal.of("notice.written").length, 2);
    assert.deepEqual(logged, []);
  });

  it("says of a notice how it has to be sent, and gives the store a minute to begin with it", async () => {
    for (const [sender, octets, smtpUtf8, eightBit] of [
      ["ann@friend.test", "plain", false, false],
      ["ann@friend.test", "a \u007f", false, false],
      ["ann@friend.test", "gr\u00fc\u00dfe", false, true],
      ["gr\u00e5@friend.test", "plain", true, false],
    ] as const) {
      const { writer, told, composer, clock } = bench([owedMail({ sender })]);
      composer.body = octets;
      await writer.write();
      const { mail } = told[0]?.notice ?? assert.fail("no notice");
      assert.deepEqual([mail.smtpUtf8, mail.eightBit], [smtpUtf8, eightBit], octets);
      assert.deepEqual([mail.acceptedAt, mail.deadline], [clock.now(), clock.now() + 60_000]);
    }
  });

  it("keeps the reason of silence for each recipient, and tells the rest", async () => {
    const recipients = [owedTo({ notify: "NEVER" }), owedTo({ n: 1 })];
    const { writer, told, journal } = bench([owedMail({ recipients })]);
    await writer.write();
    assert.match(told[0]?.told.why ?? "", /NOTIFY=NEVER/);
    assert.deepEqual([told[0]?.recipients, told[0]?.notice], [[0], undefined]);
    assert.deepEqual([told[1]?.recipients, told[1]?.told.notice], [[1], "n1"]);
    const [withheld] = journal.of("notice.withheld");
    assert.deepEqual([withheld?.operators, withheld?.recipients], [false, ["bob@one.test"]]);
  });

  it("closes in one commit what is kept silent for one reason, however many were refused", async () => {
    const recipients = Array.from({ length: 1000 }, (_, n) =>
      owedTo({ n, domain: n % 2 === 0 ? "one.test" : "two.test", ...(n < 998 && { notify: "NEVER" }) }),
    );
    const { writer, told, journal } = bench([owedMail({ recipients })], { perSender: 0 });
    await writer.write();
    assert.deepEqual(
      told.map((request) => request.recipients.length),
      [998, 2],
    );
    const withheld = journal.of("notice.withheld");
    assert.deepEqual(
      withheld.map((event) => [event.domain, event.recipients.length, event.operators]),
      [
        ["one.test", 499, false],
        ["two.test", 499, false],
        ["one.test", 1, true],
        ["two.test", 1, true],
      ],
    );
  });

  it("does not close a refusal with the reason for silence about a delay", async () => {
    const recipients = [owedTo({ kind: "delayed" }), owedTo({ n: 1 }), owedTo({ n: 2, kind: "expired" })];
    const { writer, told } = bench([owedMail({ sender: "", recipients })]);
    await writer.write();
    assert.deepEqual(
      told.map((request) => [request.told.kind, request.recipients]),
      [
        ["delayed", [0]],
        ["failed", [1]],
        ["expired", [2]],
      ],
    );
  });

  it("counts what it writes within one slice", async () => {
    const sender = (i: number): string => (i % 2 === 0 ? "ann@friend.test" : "Ann@Friend.test");
    const mails = Array.from({ length: 5 }, (_, i) =>
      owedMail({ id: `m${i}`, noticesToSender: 1, sender: sender(i) }),
    );
    const { writer, told } = bench(mails, { perSender: 3 });
    await writer.write();
    assert.deepEqual(
      told.map(({ told: { notice } }) => notice !== undefined),
      [true, true, false, false, false],
    );
  });

  it("returns the whole mail only for a failure, on request, within the limit", async () => {
    const cases: readonly (readonly [Partial<OwedMail>, number, boolean])[] = [
      [{}, 1000, false],
      [{ dsn: FULL }, 1000, true],
      [{ dsn: FULL }, 60, false],
      [{ dsn: { ret: "HDRS" } }, 1000, false],
      [{ dsn: FULL, recipients: [owedTo({ kind: "expired" })] }, 1000, true],
      [{ dsn: FULL, recipients: [owedTo({ kind: "delayed" })] }, 1000, false],
      [{ dsn: FULL, recipients: [owedTo({ kind: "expired" }), owedTo({ n: 1 })] }, 1000, true],
      [{ dsn: FULL, recipients: [owedTo({ kind: "relayed", notify: "SUCCESS" })] }, 1000, false],
    ];
    for (const [mail, fullSize, whole] of cases) {
      const { writer, drafts } = bench([owedMail(mail)], { fullSize });
      await writer.write();
      const { returned } = drafts[0] ?? assert.fail("no notice");
      assert.equal(returned?.whole, whole);
      const header = "Received: by mx2.test\r\nSubject: hello\r\nFrom: ann@friend.test\r\n";
      assert.equal(returned?.content.toString(), whole ? `${header}\r\nthe text\r\n` : header);
    }
  });

  it("returns no more than the header of a large mail, of which only whole fields", async () => {
    const field = Buffer.from(`X-Field: ${"y".repeat(9989)}\r\n`);
    let open = 0;
    const fields = (): BodySource => {
      open += 1;
      const source = bodySource(Array.from({ length: 100 }, () => field));
      return { read: (target) => source.read(target), close: async () => void (open -= 1) };
    };
    const body = { size: 1_000_000, read: fields, digest: () => undefined };
    const { writer, drafts } = bench([owedMail({ body }), owedMail({ body, dsn: FULL })], { fullSize: 2e6 });
    await writer.write();
    const top = owedMail().topFields;
    const [header, whole] = drafts.map(({ returned }) => returned?.content.toString());
    assert.equal(header, top + field.toString().repeat(6));
    assert.equal(whole, top + field.toString().repeat(100));
    assert.equal(open, 0);
  });

  it("returns nothing of a mail that came in chunks and has no line", async () => {
    const line = Buffer.from("one line without its end");
    const body = { size: line.length, read: () => line, digest: () => undefined };
    const { writer, drafts } = bench([owedMail({ body })]);
    await writer.write();
    assert.equal(drafts[0]?.returned?.content.toString(), owedMail().topFields);
  });

  it("returns the whole mail up to the very limit, and of one without a header our own fields", async () => {
    const { topFields, body: { size = 0 } = {} } = owedMail();
    const text = Buffer.from("\r\nno header\r\n\r\nat all\r\n");
    const headless = { size: text.length, read: () => text, digest: () => undefined };
    for (const [mail, fullSize, whole] of [
      [owedMail({ dsn: FULL }), topFields.length + size, true],
      [owedMail({ dsn: FULL }), topFields.length + size - 1, false],
      [owedMail({ body: headless }), 0, false],
    ] as const) {
      const { writer, drafts } = bench([mail], { fullSize });
      await writer.write();
      assert.equal(drafts[0]?.returned?.whole, whole);
      if (mail.body === headless) assert.equal(drafts[0]?.returned?.content.toString(), topFields);
    }
  });

  it("tells without the mail when that is gone", async () => {
    const { body: _, ...gone } = owedMail();
    const lost = () => ({ read: () => Promise.reject(new Error("ENOENT")), close: async () => {} });
    const broken = { size: 10, read: lost, digest: () => undefined };
    const { writer, drafts, logged } = bench([gone, owedMail({ body: broken })]);
    await writer.write();
    assert.deepEqual(
      drafts.map(({ returned }) => returned),
      [undefined, undefined],
    );
    assert.deepEqual(logged, ["error: a notice is sent without the original mail (m1: ENOENT)"]);
  });

  it("tells without the mail where that is not what was accepted, however little of it would be told", async () => {
    const damaged = (): never => {
      throw new BodyDamaged("another checksum");
    };
    const pieces = function* () {
      yield Buffer.from(`Subject: hello\r\n\r\n${"text ".repeat(20_000)}`);
      damaged();
    };
    for (const read of [damaged, () => bodySource(pieces())]) {
      const body = { size: 100_020, read, digest: () => undefined };
      const { writer, drafts, told, logged } = bench([owedMail({ body })]);
      await writer.write();
      assert.equal(drafts[0]?.returned, undefined);
      assert.equal(told[0]?.told.notice, "n1");
      assert.deepEqual(logged, ["error: a notice is sent without the original mail (m1: another checksum)"]);
    }
  });

  it("complains of no mail that was delivered, and its body removed, while word of its delay was written", async () => {
    const lost = () => ({ read: () => Promise.reject(new Error("ENOENT")), close: async () => {} });
    const delivered = owedMail({
      recipients: [owedTo({ kind: "delayed" })],
      body: { size: 10, read: lost, digest: () => undefined },
    });
    const { writer, store, logged, journal } = bench([delivered]);
    store.told = async () => false;
    await writer.write();
    assert.deepEqual([logged, journal.of("notice.written")], [[], []]);
  });

  it("does not stumble over one mail for ever", async () => {
    const { writer, told, composer, journal, logged } = bench([owedMail()]);
    composer.fails = true;
    await writer.write();
    assert.match(told[0]?.told.why ?? "", /could not be written/);
    assert.deepEqual(logged, ["error: a notice could not be written (m1: a bug)"]);
    assert.equal(journal.of("notice.withheld")[0]?.operators, true);
  });

  it("looks for delays only when asked, and goes on where it was", async () => {
    const off = bench([]);
    assert.equal(await off.writer.noteDelays(), "done");
    assert.equal(off.delays.length, 0);
    const on = bench([], { delay: 1000 });
    assert.equal(await on.writer.noteDelays(), "again");
    assert.equal(await on.writer.noteDelays(), "done");
    assert.deepEqual(
      on.delays.map(({ before, after }) => [on.clock.now() - before, after]),
      [
        [1000, undefined],
        [1000, [1, 2, 3]],
      ],
    );
  });

  it("looks from the oldest again each hour, for who was in conversation when it passed", async () => {
    const { writer, delays, clock } = bench([], { delay: 1000 });
    const look = async (): Promise<void> => {
      while ((await writer.noteDelays()) === "again");
    };
    for (let minute = 0; minute < 120; minute++) {
      await look();
      clock.advance(60_000);
      // A clock that somebody sets makes no hour longer.
      clock.set(-60_000);
    }
    const anew = delays.flatMap(({ after }, i) => (after === undefined ? [i] : []));
    // The first look had two slices.
    assert.deepEqual(anew, [0, 62]);
  });
});
