import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_BODY, MAX_RECIPIENTS, RecipientPageBody } from "../../../../../src/endpoints/admin/contract.ts";
import { FakeWorld } from "../../../../support/admin-fakes.ts";
import { operatorOf } from "../../../../support/admin-requests.ts";

const PATH = "/v1/domains/example.com/recipients";
const PLAIN = { "Content-Type": "text/plain" };

test("the list is read page by page", async () => {
  const ask = operatorOf(new FakeWorld());
  const first = RecipientPageBody.parse((await ask("GET", `${PATH}?limit=1`)).json);
  assert.deepEqual(first, { items: [{ pattern: "alice", origin: "file" }], next: "1" });
  const last = RecipientPageBody.parse((await ask("GET", `${PATH}?limit=1&cursor=1`)).json);
  assert.deepEqual(last, { items: [{ pattern: "list-*", origin: "api" }] });
});

test("a change takes local parts, addresses and prefixes, without doubles", async () => {
  const world = new FakeWorld();
  const recipients = ["Alice", "alice@example.com", "List-*", "Team-*@Example.com", '"odd name"', "sales.*"];
  const answer = await operatorOf(world)("POST", PATH, { verb: "add", recipients });
  assert.equal(answer.status, 200);
  assert.deepEqual(world.changes, [
    { domain: "example.com", verb: "add", recipients: ["alice", "list-*", "team-*", "odd name", "sales.*"] },
  ]);
  const act = {
    kind: "operator.acted",
    verb: "recipients add",
    who: "socket",
    what: "example.com",
    count: 5,
  };
  assert.deepEqual(world.events, [act]);
});

test("an act tells how many came or went; of a list that is replaced, how many it has", async () => {
  const world = new FakeWorld();
  const ask = operatorOf(world);
  const change = async (verb: string, ...recipients: string[]): Promise<unknown[]> => {
    const { json } = await ask("POST", PATH, { verb, recipients });
    const [act] = world.events.splice(0);
    return [json.before, json.count, act?.kind === "operator.acted" && act.count];
  };
  assert.deepEqual(await change("add", "a", "b", "c"), [0, 3, 3]);
  assert.deepEqual(await change("add", "c", "d"), [3, 4, 1]);
  assert.deepEqual(await change("remove", "a", "b"), [4, 2, 2]);
  assert.deepEqual(await change("replace", "x", "y", "z"), [2, 3, 3]);
});

test("a domain that is not ours has no list to read or change", async () => {
  const world = new FakeWorld();
  const ask = operatorOf(world);
  const path = "/v1/domains/typo.example/recipients";
  assert.equal((await ask("GET", path)).status, 404);
  assert.equal((await ask("POST", path, { verb: "add", recipients: ["a"] })).status, 404);
  assert.deepEqual(world.changes, []);
});

test("lines of text do as well, with comments", async () => {
  const world = new FakeWorld();
  const text = "# people\r\nalice\nbob # the boss\n\n  carol#1  \n";
  const answer = await operatorOf(world)("POST", `${PATH}?verb=replace`, text, PLAIN);
  assert.deepEqual(answer.json, { count: 3, before: 0 });
  assert.deepEqual(world.changes[0]?.recipients, ["alice", "bob", "carol#1"]);
  assert.equal((await operatorOf(world)("POST", PATH, text, PLAIN)).status, 400);
});

test("a text without a single recipient, as of a file that could not be read, replaces no list", async () => {
  const world = new FakeWorld();
  const ask = operatorOf(world);
  for (const text of ["", "\n", "# nobody\n \n"]) {
    const { status, json } = await ask("POST", `${PATH}?verb=replace`, text, PLAIN);
    assert.deepEqual([status, json.error?.code], [400, "bad_request"], JSON.stringify(text));
    assert.match(json.error.message, /no recipient/);
    assert.match(json.error.hint, /"recipients": \[\]/);
  }
  assert.deepEqual(world.changes, []);
  assert.equal((await ask("POST", `${PATH}?verb=add`, "", PLAIN)).status, 200, "that takes nothing away");
  assert.equal((await ask("POST", PATH, { verb: "replace", recipients: [] })).status, 200);
});

test("a key that is not known, or given twice, is no key that is passed over", async () => {
  const world = new FakeWorld();
  const ask = operatorOf(world);
  for (const path of [`${PATH}?verb=replace&dry=1`, `${PATH}?verb=add&verb=replace`]) {
    const { status, json } = await ask("POST", path, "alice\n", PLAIN);
    assert.equal(status, 400, path);
    assert.match(json.error.message, /"dry" is not known here|"verb" is given 2 times/);
  }
  const check = "/v1/recipients/check";
  for (const query of ["address=a@example.com&b=1", "address=a@example.com&address=b@example.com"])
    assert.equal((await ask("GET", `${check}?${query}`)).status, 400, query);
  const listed = await ask("GET", "/v1/queue?state=held&state=parked");
  assert.equal(listed.status, 400);
  assert.match(listed.json.error.message, /"state" is given 2 times/);
  assert.deepEqual(world.changes, []);
});

test("100,000 addresses are taken at once, one more is not", async () => {
  const world = new FakeWorld();
  const ask = operatorOf(world);
  const lines = Array.from({ length: MAX_RECIPIENTS }, (_, i) => `user${i}`);
  assert.deepEqual((await ask("POST", `${PATH}?verb=replace`, lines.join("\n"), PLAIN)).json, {
    count: MAX_RECIPIENTS,
    before: 0,
  });
  const more = [...lines, "one-more"];
  const refused = await ask("POST", `${PATH}?verb=replace`, more.join("\n"), PLAIN);
  assert.equal(refused.status, 400);
  assert.match(refused.json.error.hint, /^add those beyond in further requests, or name a `file`/);
  assert.equal((await ask("POST", PATH, { verb: "replace", recipients: more })).status, 400);
  assert.equal(world.changes.length, 1);
});

test("one recipient that is none refuses the whole change, and is named without control characters", async () => {
  const world = new FakeWorld();
  const ask = operatorOf(world);
  for (const wrong of [
    "alice@other.example",
    "a b",
    "a*b*",
    "a**",
    "*",
    "*@example.com",
    "@example.com",
    "",
    "\u001b[31mred",
    "a\u0000",
    "x".repeat(255),
  ]) {
    const answer = await ask("POST", PATH, { verb: "add", recipients: ["alice", wrong] });
    assert.equal(answer.status, 400, JSON.stringify(wrong));
    assert.equal(answer.text.includes("\u001b"), false);
  }
  assert.deepEqual(world.changes, []);
});

test("a list in another encoding is refused, and not taken for other names", async () => {
  const world = new FakeWorld();
  const ask = operatorOf(world);
  for (const octets of [Buffer.from("m\xfcller\n", "latin1"), Buffer.from([0xff, 0xfe, 0x61, 0])]) {
    const answer = await ask("POST", `${PATH}?verb=replace`, octets, PLAIN);
    assert.deepEqual([answer.status, answer.json.error.message], [400, "the body is not UTF-8"]);
  }
  const json = Buffer.from('{"verb":"add","recipients":["m\xfcller"]}', "latin1");
  assert.equal((await ask("POST", PATH, json)).status, 400);
  assert.equal((await ask("POST", `${PATH}?verb=add`, Buffer.from("\ufeffmüller\n"), PLAIN)).status, 200);
  assert.deepEqual(world.changes, [{ domain: "example.com", verb: "add", recipients: ["müller"] }]);
});

test("an address is checked", async () => {
  const ask = operatorOf(new FakeWorld());
  const answer = await ask("GET", "/v1/recipients/check?address=Alice@EXAMPLE.com");
  assert.equal(answer.json.address, "Alice@example.com");
  assert.equal((await ask("GET", "/v1/recipients/check?address=nobody")).status, 400);
  assert.equal((await ask("GET", "/v1/recipients/check")).status, 400);
});

test("a recipient that is none is named with its line, or its place in the list", async () => {
  const ask = operatorOf(new FakeWorld());
  const json = await ask("POST", PATH, { verb: "add", recipients: ["alice", "bo b"] });
  assert.equal(json.json.error.message, 'recipients.1: "bo b" is no recipient of example.com');
  const lines = await ask("POST", `${PATH}?verb=add`, "alice # first\n\nbo b\n", PLAIN);
  assert.equal(lines.json.error.message, 'line 3: "bo b" is no recipient of example.com');
});

test("a text of very many lines is read one by one, and takes no memory for each", async () => {
  const ask = operatorOf(new FakeWorld());
  const path = "/v1/domains/example.com/recipients?verb=replace";
  const before = process.resourceUsage().maxRSS;
  const told = async (text: string): Promise<string> =>
    (await ask("POST", path, text, PLAIN)).json.error.message;
  assert.match(await told("\n".repeat(MAX_BODY)), /^there is no recipient in this text/);
  assert.equal(await told("a\n".repeat(MAX_BODY / 2)), "more than 100000 recipients");
  assert.match(await told(`${"\n".repeat(99_998)}a\nb b\n`), /^line 100000: "b b" is no recipient/);
  const kilobytes = process.resourceUsage().maxRSS - before;
  assert.ok(kilobytes < 300_000, `${kilobytes} kB more`);
});
