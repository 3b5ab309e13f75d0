import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FakeRspamd, type RspamdMood } from "../../../support/fake-scanners.ts";
import { away, bench, body, MAIL, servers } from "../../../support/scan-bench.ts";
import { waitFor } from "../../../support/wait.ts";

describe("rspamd", () => {
  test("is told of the envelope and judges the body", async () => {
    await using fake = await FakeRspamd.start();
    const { spam } = bench();
    const ham = await spam
      .open({ ...MAIL, sender: "" }, servers(fake.address))
      .finish(body("a: b\r\n\r\nx\r\n"));
    assert.deepEqual(ham, { kind: "judged", word: "no action", score: 0.1, required: 15, fields: [] });
    const bad = await spam
      .open(MAIL, servers(fake.address))
      .finish(body("XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"));
    assert.deepEqual(bad, {
      kind: "judged",
      word: "reject",
      score: 15,
      required: 15,
      fields: [],
      message: "Gtube pattern",
    });
    const [first, second] = fake.requests;
    assert.equal(first?.body.toString(), "a: b\r\n\r\nx\r\n");
    assert.equal(first?.headers["from"], "<>");
    assert.deepEqual(second?.recipients, ["alice@our.test", "bob@our.test"]);
    const { ip, helo, hostname, "queue-id": id, from } = second?.headers ?? {};
    assert.deepEqual([ip, helo, hostname, id], ["192.0.2.1", "c.example", "client.example", "Q1"]);
    assert.equal(Buffer.from(from ?? "", "latin1").toString("utf8"), "grün@example.org");
  });

  test("judges a mail whose recipients do not all fit into its request header", async () => {
    await using fake = await FakeRspamd.start();
    const recipients = Array.from({ length: 1000 }, (_, n) => `alice+${n}${"ü".repeat(100)}@our.test`);
    const scan = bench().spam.open({ ...MAIL, recipients }, servers(fake.address));
    assert.equal((await scan.finish(body("x"))).kind, "judged");
    const passed = fake.requests[0]?.recipients.map((text) => Buffer.from(text, "latin1").toString()) ?? [];
    assert.ok(passed.length > 200, `${passed.length} recipients`);
    assert.deepEqual(passed, recipients.slice(0, passed.length));
  });

  test("is shown a large body whole, and is not believed before it has heard all of it", async () => {
    await using fake = await FakeRspamd.start();
    const large = Buffer.alloc(8_000_000, "abc\r\n");
    const answer = await bench().spam.open(MAIL, servers(fake.address)).finish(body(large));
    assert.equal(answer.kind, "judged");
    assert.ok(fake.requests[0]?.body.equals(large));
    fake.mood = "early";
    const scan = bench().spam.open({ ...MAIL, announced: 300_000 }, servers(fake.address));
    await scan.feed(Buffer.from("x"));
    const heard = (): boolean => fake.connections === 2 && fake.open === 0;
    await waitFor({ what: "its answer is read", deadline: 5000 }, heard);
    assert.match(await away(scan, body("x")), /before the end/);
  });

  test("may ask for header fields, which are read with care", async () => {
    await using fake = await FakeRspamd.start();
    const add_headers = {
      "X-Spam-Status": { value: "Yes, score=7\n\ttests=A,\n\tB", order: 0 },
      "X-Spam": "Yes",
      "X-Many": ["1", { value: "2" }],
      "X-Bad": "a\r\n\r\nBody",
      "Bad Name": "x",
      Subject: "other",
      "X-Number": 7,
      "X-Long": "x".repeat(5000),
    };
    fake.answer = { action: "add header", score: 7, required_score: 15, milter: { add_headers } };
    const answer = await bench().spam.open(MAIL, servers(fake.address)).finish(body("x"));
    assert.deepEqual(answer.kind === "judged" && answer.fields, [
      "X-Spam-Status: Yes, score=7\r\n\ttests=A,\r\n\tB",
      "X-Spam: Yes",
      "X-Many: 1",
      "X-Many: 2",
      "X-Bad: a\r\n\tBody",
    ]);
  });

  const moods: readonly [RspamdMood, RegExp][] = [
    ["nonsense", /no verdict/],
    ["error", /HTTP 500/],
    ["closesMidStream", /socket hang up|ECONNRESET|EPIPE|without an answer/],
    ["endless", /without end/],
  ];
  for (const [mood, why] of moods)
    test(`is away, not content, when it is ${mood}`, async () => {
      await using fake = await FakeRspamd.start();
      fake.mood = mood;
      assert.match(await away(bench().spam.open(MAIL, servers(fake.address)), body("hello")), why);
    });

  test("is away when it asks for what nobody knows", async () => {
    await using fake = await FakeRspamd.start();
    for (const answer of [
      { action: "burn", score: 1 },
      { action: "reject" },
      { score: 3 },
      { action: "constructor", score: 1 },
    ]) {
      fake.answer = answer;
      const why = await away(bench().spam.open(MAIL, servers(fake.address)), body("hello"));
      assert.match(why, /not known|no verdict/);
    }
  });

  test("is away when it says nothing in time", async () => {
    await using fake = await FakeRspamd.start();
    fake.mood = "silent";
    const hurried = { ...servers(fake.address), timeout: 50 };
    assert.match(await away(bench().spam.open(MAIL, hurried), body("hello")), /in time/);
  });
});
