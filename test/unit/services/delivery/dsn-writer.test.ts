import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  DSN_DOMAIN,
  type DelayRequest,
  type DsnDraft,
  type OwedMail,
  type ToldRequest,
} from "../../../../src/ports/dsn.ts";
import { BodyDamaged, type BodySource } from "../../../../src/ports/stored-body.ts";
import { loggerTo } from "../../../../src/runtime/log.ts";
import { DsnWriter } from "../../../../src/services/delivery/dsn-writer.ts";
import { bodySource } from "../../../support/body-source.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { MemoryJournal } from "../../../support/memory-journal.ts";
import { owedMail, owedTo } from "../../../support/owed-mail.ts";

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
    compose: async (draft: DsnDraft) => {
      if (composer.fails) throw new Error("a bug");
      drafts.push(draft);
      return Buffer.from("notice");
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
  return { writer, told, drafts, delays, logged, journal, composer, clock };
}

describe("paying what is owed to senders", () => {
  it("writes one DSN for all recipients of one fate, from the null sender", async () => {
    const recipients = [owedTo(), owedTo({ n: 1, kind: "expired" }), owedTo({ n: 2, kind: "delayed" })];
    const { writer, told, drafts, journal } = bench([owedMail({ recipients })]);
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

  it("counts what it writes within one slice", async () => {
    const mails = Array.from({ length: 5 }, (_, i) => owedMail({ id: `m${i}`, noticesToSender: 1 }));
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
    const fields = (): BodySource => bodySource(Array.from({ length: 100 }, () => field));
    const body = { size: 1_000_000, read: fields, digest: () => undefined };
    const { writer, drafts } = bench([owedMail({ body })]);
    await writer.write();
    const { content } = drafts[0]?.returned ?? assert.fail("nothing returned");
    assert.ok(content.length > 50_000 && content.length < 70_000);
    assert.ok(content.toString().endsWith("\r\n"));
  });

  it("tells without the mail when that is gone", async () => {
    const { body: _, ...gone } = owedMail();
    const lost = () => ({ read: () => Promise.reject(new Error("ENOENT")), close: async () => {} });
    const broken = { size: 10, read: lost, digest: () => undefined };
    const { writer, drafts } = bench([gone, owedMail({ body: broken })]);
    await writer.write();
    assert.deepEqual(
      drafts.map(({ returned }) => returned),
      [undefined, undefined],
    );
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
      assert.deepEqual(logged, [
        "error: a notice goes without the mail that it is about (m1: another checksum)",
      ]);
    }
  });

  it("does not stumble over one mail for ever", async () => {
    const { writer, told, composer, journal } = bench([owedMail()]);
    composer.fails = true;
    await writer.write();
    assert.match(told[0]?.told.why ?? "", /could not be written/);
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
