import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { TraceBody } from "../../../../../src/endpoints/admin/contract.ts";
import { FakeWorld, FIRST, queueEntry } from "../../../../support/admin-fakes.ts";
import { operatorOf } from "../../../../support/admin-requests.ts";

let world: FakeWorld;
beforeEach(() => {
  world = new FakeWorld();
  world.lines = [
    { at: 3, id: FIRST, kind: "mail.deferred", text: "deferred", keys: ["alice@example.com"] },
    {
      at: 1,
      id: FIRST,
      kind: "mail.accepted",
      text: "accepted",
      keys: ["alice@example.com", "a1@sender.example"],
    },
    { at: 2, id: FIRST, kind: "operator.acted", text: "flush by socket" },
    { at: 0, id: "-", kind: "client.refused", text: "refused at RCPT", keys: ["alice@example.com"] },
  ];
});

async function about(text: string): Promise<TraceBody> {
  const answer = await operatorOf(world)("GET", `/v1/trace?about=${encodeURIComponent(text)}`);
  return TraceBody.parse(answer.json);
}

test("an id finds its lines in order and all its recipients", async () => {
  const found = await about(FIRST);
  assert.deepEqual(
    found.lines.map(({ text }) => text),
    ["accepted", "flush by socket", "deferred"],
  );
  assert.equal(found.mails.length, 2);
});

test("what checks said stands beside the line; what cannot be read is left out", async () => {
  const checks = JSON.stringify([["dnsbl", "rcpt", "not listed", 21, 1]]);
  const base = { at: 5, id: FIRST, kind: "mail.accepted" };
  world.lines = [
    { ...base, text: "one", checks },
    { ...base, text: "two", checks: "[[" },
  ];
  const { lines } = await about(FIRST);
  const look = { check: "dnsbl", stage: "rcpt", said: "not listed", took: 21, times: 1 };
  assert.deepEqual(
    lines.map((line) => line.checks),
    [[look], []],
  );
});

test("a Message-ID, with or without brackets, finds the whole story", async () => {
  for (const text of ["<A1@sender.example>", "a1@sender.example"]) {
    const found = await about(text);
    assert.equal(found.lines.length, 3, text);
    assert.equal(found.mails.length, 2, text);
  }
});

test("an address finds refusals, too, and only the recipients that it concerns, however it is spelled", async () => {
  for (const spelled of [
    "Alice@Example.com",
    "<alice@example.com>",
    "alice@EXAMPLE.com.",
    '"alice"@example.com',
  ]) {
    const found = await about(spelled);
    assert.deepEqual(
      found.lines.map(({ at }) => at),
      [0, 1, 2, 3],
      spelled,
    );
    assert.deepEqual(
      found.mails.map(({ recipient }) => recipient),
      ["alice@example.com"],
      spelled,
    );
  }
});

test("an address whose trace is gone is still found in the queue, as recipient and as sender", async () => {
  world.lines = [];
  assert.equal((await about("alice@example.com")).mails.length, 1);
  assert.equal((await about("bob@sender.example")).mails.length, 2);
});

test("of a long story the newest lines are told, and of many mails the newest 20, the oldest first", async () => {
  const ids = Array.from({ length: 30 }, (_, i) => `01k9zq3v5x0ab${100 + i}`);
  // Ids are made in the order of time, but the clock may have been set between two of them.
  world.entries = ids.map((id, i) => queueEntry({ id, acceptedAt: 100 - i }));
  const line = { kind: "mail.accepted", text: "accepted", keys: ["a1@sender.example"] };
  world.lines = Array.from({ length: 600 }, (_, at) => ({ ...line, at, id: ids[at % 30] ?? "" }));
  const { lines, mails } = await about("a1@sender.example");
  assert.deepEqual([lines.length, lines[0]?.at, lines.at(-1)?.at], [500, 100, 599]);
  assert.deepEqual(
    mails.map(({ id }) => id),
    ids.slice(-20).toReversed(),
  );
});

test("an address is the same in whatever capitals the mail had it, and mail that is gone is found, too", async () => {
  world.entries = [
    queueEntry({ recipient: "Alice@example.com" }),
    queueEntry({ n: 1, recipient: "carol@other.example" }),
  ];
  const recipients = async (text: string) => (await about(text)).mails.map(({ recipient }) => recipient);
  assert.deepEqual(await recipients("alice@example.com"), ["Alice@example.com"]);
  world.lines = [{ at: 1, id: FIRST, kind: "mail.accepted", text: "accepted", keys: ["bob@sender.example"] }];
  world.entries = world.entries.map((entry, n) =>
    Object.assign(entry, { sender: n === 0 ? "Bob@sender.example" : "eve@sender.example" }),
  );
  assert.deepEqual(await recipients("bob@sender.example"), ["Alice@example.com"]);
  world.lines = [];
  world.entries = [queueEntry({ state: "gone", reason: "delivered" })];
  assert.deepEqual(await recipients("alice@example.com"), ["alice@example.com"]);
});

test("nothing known is an empty answer; nothing asked is 400", async () => {
  assert.deepEqual(await about("nobody@nowhere.example"), {
    about: "nobody@nowhere.example",
    mails: [],
    lines: [],
  });
  assert.equal((await operatorOf(world)("GET", "/v1/trace")).status, 400);
});
