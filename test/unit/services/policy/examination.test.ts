import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { reply } from "../../../../src/mail/reply.ts";
import { ACCEPT, type BodyVerdict, type Verdict } from "../../../../src/mail/verdict.ts";
import type { WholeBody } from "../../../../src/ports/inspection.ts";
import { examine } from "../../../../src/services/policy/examination.ts";
import { FakeInspection, INSPECTED_MAIL } from "../../../support/fake-inspection.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { SILENT } from "../../../support/silent-log.ts";

const REJECT: Verdict = { kind: "reject", reply: reply(550, "5.7.1", "no") };
const HOLD: BodyVerdict = { kind: "quarantine", why: "odd" };

const BODY: WholeBody = {
  size: 0,
  facts: { received: 0, ownReceived: 0, tooLong: false },
  read: async function* () {},
};

function begin(fakes: readonly FakeInspection[], clock = new ManualClock(0)) {
  const examination = examine(fakes, INSPECTED_MAIL, { clock, log: SILENT });
  assert.ok(examination !== undefined);
  return { examination, clock };
}

/** Lets promises that are done have their say. */
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

describe("Examination", () => {
  test("is none where nobody wants the mail", () => {
    const fake = new FakeInspection();
    fake.wants = () => false;
    assert.equal(examine([fake], INSPECTED_MAIL, { clock: new ManualClock(0), log: SILENT }), undefined);
  });

  test("takes the strictest word, and the fields and notes of all", async () => {
    const [one, two, three] = [new FakeInspection("1"), new FakeInspection("2"), new FakeInspection("3")];
    one.answer = () => ({ verdict: { kind: "tag", field: "X-A: 1" }, notes: ["n1"] });
    two.answer = () => ({ verdict: HOLD, fields: ["X-B: 2", "X-A: 1"], notes: ["n2"] });
    three.answer = () => ({ verdict: ACCEPT });
    const examined = await begin([one, two, three]).examination.finish(BODY, 1000);
    const { said, ...rest } = examined;
    assert.deepEqual(rest, { verdict: HOLD, fields: ["X-B: 2", "X-A: 1"], notes: ["n1", "n2"] });
    assert.deepEqual(
      said?.map(({ name }) => name),
      ["1", "2", "3"],
    );
  });

  test("answers a rejection at once and lets go of the others", async () => {
    const [quick, slow] = [new FakeInspection(), new FakeInspection()];
    quick.answer = () => ({ verdict: REJECT });
    slow.answer = () => new Promise(() => {});
    slow.lost = () => assert.fail("it was not lost");
    const { verdict } = await begin([slow, quick]).examination.finish(BODY, 1000);
    assert.equal(verdict, REJECT);
    assert.ok(slow.aborts > 0);
  });

  test("waits until the deadline, and no word after it counts", async () => {
    const [fake, tagger] = [new FakeInspection(), new FakeInspection()];
    let speak: (said: { verdict: Verdict }) => void = () => {};
    fake.answer = () => new Promise((resolve) => (speak = resolve));
    tagger.answer = () => ({ verdict: ACCEPT, notes: ["heard"] });
    const { examination, clock } = begin([fake, tagger]);
    const end = examination.finish(BODY, 1000);
    await turn();
    clock.set(-3_600_000);
    clock.advance(1000);
    const examined = await end;
    assert.deepEqual(
      examined.said?.map(({ took }) => took),
      [1000, 0],
    );
    speak({ verdict: ACCEPT });
    assert.equal(examined.verdict.kind === "defer" && examined.verdict.reply.code, 451);
    assert.deepEqual(examined.notes, ["heard"]);
    assert.ok(fake.aborts > 0);
  });

  test("asks a lost inspection what becomes of the mail, once", async () => {
    const fake = new FakeInspection();
    let asked = 0;
    fake.lost = (mail, why) => {
      asked += 1;
      assert.deepEqual([mail.id, why], ["1", "broken"]);
      return { verdict: HOLD };
    };
    fake.onFeed = () => {
      throw new Error("broken");
    };
    const { examination } = begin([fake]);
    assert.equal(examination.feed(Buffer.from("a")), undefined);
    assert.equal(examination.feed(Buffer.from("b")), undefined);
    assert.equal((await examination.finish(BODY, 1000)).verdict, HOLD);
    assert.deepEqual([asked, fake.shown, fake.read], [1, ["a"], []]);
  });

  for (const [when, breakIt] of [
    [
      "while the body arrives",
      (fake: FakeInspection) => (fake.onFeed = () => Promise.reject(new Error("broken"))),
    ],
    ["at its end", (fake: FakeInspection) => (fake.answer = () => Promise.reject(new Error("broken")))],
  ] as const)
    test(`goes on without one that fails ${when}, and asks it what becomes of the mail`, async () => {
      const [broken, other] = [new FakeInspection(), new FakeInspection()];
      breakIt(broken);
      broken.lost = (_mail, why) => ({ verdict: { kind: "quarantine", why } });
      const { examination } = begin([broken, other]);
      await examination.feed(Buffer.from("a"));
      await examination.feed(Buffer.from("b"));
      const { verdict } = await examination.finish(BODY, 1000);
      assert.deepEqual([verdict, other.shown], [{ kind: "quarantine", why: "broken" }, ["ab"]]);
    });

  test("goes on without one that cannot begin, and asks it what becomes of the mail", async () => {
    const [broken, other] = [new FakeInspection(), new FakeInspection()];
    broken.wants = () => {
      throw new Error("broken");
    };
    broken.lost = (_mail, why) => ({ verdict: { kind: "quarantine", why } });
    const { examination } = begin([broken, other]);
    examination.feed(Buffer.from("a"));
    const { verdict } = await examination.finish(BODY, 1000);
    assert.deepEqual([verdict, other.shown], [{ kind: "quarantine", why: "broken" }, ["a"]]);
  });

  test("does not let one hold the body back for ever", async () => {
    const [stuck, quick] = [new FakeInspection("stuck"), new FakeInspection("quick")];
    stuck.onFeed = () => new Promise(() => {});
    const { examination, clock } = begin([stuck, quick]);
    const wait = examination.feed(Buffer.from("a"));
    clock.advance(5000);
    await wait;
    assert.equal(examination.feed(Buffer.from("b")), undefined);
    assert.deepEqual([stuck.shown, quick.shown], [["a"], ["ab"]]);
    assert.deepEqual([stuck.aborts, quick.aborts], [1, 0], "nobody keeps its scanner busy meanwhile");
    assert.equal((await examination.finish(BODY, 9000)).verdict.kind, "defer");
  });

  test("holds the body back until all can follow, and leaves no timer behind", async () => {
    const [slow, slower, quick] = [new FakeInspection(), new FakeInspection(), new FakeInspection()];
    const follow: (() => void)[] = [];
    for (const fake of [slow, slower])
      fake.onFeed = () => new Promise((resolve) => void follow.push(resolve));
    const { examination, clock } = begin([slow, slower, quick]);
    let over = false;
    const wait = examination.feed(Buffer.from("a"))?.then(() => (over = true));
    for (const last of follow.toReversed()) {
      await turn();
      assert.equal(over, false);
      last();
    }
    await wait;
    assert.equal(clock.waiting, 0);
    await examination.finish(BODY, 1000);
    assert.equal(clock.waiting, 0);
  });
});
