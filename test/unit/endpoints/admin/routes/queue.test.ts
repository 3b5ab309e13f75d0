import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { MailBody, QueuePage, ReasonName } from "../../../../../src/endpoints/admin/contract.ts";
import type { Reason } from "../../../../../src/ports/recipient-state.ts";
import { FOREIGN_CURSOR } from "../../../../../src/ports/page.ts";
import { BodyDamaged } from "../../../../../src/ports/stored-body.ts";
import { FakeWorld, FIRST, queueEntry, SECOND } from "../../../../support/admin-fakes.ts";
import { operatorOf } from "../../../../support/admin-requests.ts";

test("the list has what the contract says, with the total", async () => {
  const answer = await operatorOf(new FakeWorld())("GET", "/v1/queue?limit=2");
  const page = QueuePage.parse(answer.json);
  assert.equal(page.items.length, 2);
  assert.equal(page.total, 3);
  assert.equal(page.next, "2");
});

test("the contract knows all that is told of a mail", async () => {
  const world = new FakeWorld();
  const ask = operatorOf(world);
  world.entries = [
    queueEntry({ state: "held", reason: "operator", who: "socket", lastReply: "250 2.0.0 Ok" }),
  ];
  const page = (await ask("GET", "/v1/queue")).json;
  assert.deepEqual(QueuePage.parse(page), page);
  const mail = (await ask("GET", `/v1/queue/${FIRST}`)).json;
  assert.deepEqual(MailBody.parse(mail), mail);
});

test("filters narrow; the total is known for domain and state only", async () => {
  const ask = operatorOf(new FakeWorld());
  const held = await ask("GET", "/v1/queue?domain=EXAMPLE.com&state=held");
  assert.deepEqual([held.json.items[0].id, held.json.total], [SECOND, 1]);
  const nobody = await ask("GET", "/v1/queue?sender=");
  assert.deepEqual(
    [nobody.json.items.length, nobody.json.items[0].id, nobody.json.total],
    [1, SECOND, undefined],
  );
  assert.equal((await ask("GET", "/v1/queue?limit=1&cursor=2")).json.items[0].id, SECOND);
  for (const [query, items, total] of [
    [`id=${FIRST}`, 2, undefined],
    ["recipient=alice@example.com", 1, undefined],
    ["reason=operator", 1, undefined],
    ["domain=example.com", 2, 2],
    ["state=parked", 0, 0],
    ["domain=example.com&ledger=1", 2, undefined],
    ["domain=%2Bnotices", 0, 0],
  ] as const) {
    const { json } = await ask("GET", `/v1/queue?${query}`);
    assert.deepEqual([json.items.length, json.total], [items, total], query);
  }
});

test("the ledger is asked for", async () => {
  const world = new FakeWorld();
  world.entries[0] = { ...world.entries[0]!, state: "gone", reason: "delivered" };
  const ask = operatorOf(world);
  assert.equal((await ask("GET", "/v1/queue")).json.items.length, 2);
  assert.equal((await ask("GET", "/v1/queue?ledger=1")).json.items.length, 3);
});

test("what the query may not say is refused, with the place", async () => {
  const ask = operatorOf(new FakeWorld());
  for (const query of [
    "limit=0",
    "limit=1001",
    "limit=x",
    "state=lost",
    "colour=red",
    "domain=-",
    "sender=bob",
    "recipient=@example.com",
    "recipient=<alice@example.com>",
    "constructor=1",
  ]) {
    const answer = await ask("GET", `/v1/queue?${query}`);
    assert.equal(answer.status, 400, query);
    assert.equal(answer.json.error.code, "bad_request");
  }
  assert.match((await ask("GET", "/v1/queue?limit=0")).json.error.message, /^limit: /);
});

test("addresses are sought as the queue has them", async () => {
  const world = new FakeWorld();
  const ask = operatorOf(world);
  for (const [filter, sought] of [
    [{ sender: "Bob@B\u00fccher.Example" }, { sender: "Bob@xn--bcher-kva.example" }],
    [{ sender: "" }, { sender: "" }],
    [{ sender: "bob@[192.0.2.1]" }, { sender: "bob@[192.0.2.1]" }],
    [{ recipient: "Alice@example.COM" }, { recipient: "Alice@example.com" }],
  ]) {
    assert.equal((await ask("POST", "/v1/queue/actions", { verb: "hold", filter })).status, 200);
    assert.deepEqual(world.operations.at(-1)?.filter, sought);
  }
  const refused = await ask("POST", "/v1/queue/actions", { verb: "hold", filter: { sender: "bob" } });
  assert.match(refused.json.error.message, /^sender: "bob" is not an address$/);
  assert.match(refused.json.error.hint, /^write a whole one, such as bob@example\.com/);
});

test("a mail is shown and exported; one that is not there is 404", async () => {
  const ask = operatorOf(new FakeWorld());
  const mail = MailBody.parse((await ask("GET", `/v1/queue/${FIRST}`)).json);
  assert.equal(mail.recipients.length, 2);
  const exported = await ask("GET", `/v1/queue/${FIRST}/export`);
  assert.equal(exported.text, `Subject: ${FIRST}\r\n\r\nbody\r\n`);
  assert.equal(exported.headers.get("content-type"), "message/rfc822");
  assert.equal(exported.headers.get("content-disposition"), `attachment; filename="${FIRST}.eml"`);
  for (const path of [
    "/v1/queue/none",
    "/v1/queue/none/export",
    "/v1/queue/%0d%0aX%3a1/export",
    "/v1/queue/__proto__",
  ]) {
    const answer = await ask("GET", path);
    assert.deepEqual([answer.status, answer.json.error.code], [404, "not_found"], path);
  }
});

test("a mail that is not what was accepted is exported only as such", async () => {
  const world = new FakeWorld();
  world.exported = (_, asItIs) => {
    if (asItIs) return Readable.from([Buffer.from("what is left")]);
    throw new BodyDamaged("its body has another checksum than when it was accepted");
  };
  const ask = operatorOf(world);
  const { status, json } = await ask("GET", `/v1/queue/${FIRST}/export`);
  assert.deepEqual([status, json.error.code], [500, "damaged"]);
  assert.match(json.error.message, /is not what was accepted: its body has another checksum/);
  assert.equal((await ask("GET", `/v1/queue/${FIRST}/export?damaged=1`)).text, "what is left");
  assert.equal((await ask("GET", `/v1/queue/${FIRST}/export?damaged=yes`)).status, 400);
});

test("HEAD of an export answers as GET does, and leaves nothing open", async () => {
  const world = new FakeWorld();
  const body = Readable.from(["body"]);
  world.exported = () => body;
  const { status, headers, text } = await operatorOf(world)("HEAD", `/v1/queue/${FIRST}/export`);
  assert.deepEqual([status, headers.get("content-type"), text], [200, "message/rfc822", ""]);
  assert.equal(body.destroyed, true);
});

test("an export whose body has gone, or cannot be read, is told apart from a damaged one", async () => {
  const world = new FakeWorld();
  const ask = operatorOf(world);
  const told = async () => {
    const { status, json } = await ask("GET", `/v1/queue/${FIRST}/export`);
    return [status, json.error.code];
  };
  world.exported = () => null;
  assert.deepEqual(await told(), [404, "not_found"]);
  world.exported = () => assert.fail(new Error("EIO"));
  assert.deepEqual(await told(), [500, "internal"]);
});

test("an act names who, what and how many, and tells the journal", async () => {
  const world = new FakeWorld();
  const answer = await operatorOf(world)("POST", "/v1/queue/actions", {
    verb: "release",
    filter: { id: SECOND },
  });
  assert.deepEqual(answer.json, { count: 1 });
  assert.deepEqual(world.operations, [
    { verb: "release", filter: { id: SECOND }, who: "socket", now: world.clock.now() },
  ]);
  assert.deepEqual(world.events, [
    { kind: "operator.acted", verb: "release", who: "socket", what: `id ${SECOND}`, count: 1, id: SECOND },
  ]);
});

test("an act by an address is found by that address, where it found mail", async () => {
  const world = new FakeWorld();
  const ask = operatorOf(world);
  const recipient = "dave@example.com";
  await ask("POST", "/v1/queue/actions", { verb: "hold", filter: { recipient } });
  await ask("POST", "/v1/queue/actions", { verb: "hold", filter: { sender: "nobody@nowhere.example" } });
  const about = world.events.map((event) => "addresses" in event && event.addresses);
  assert.deepEqual(about, [[recipient], false]);
});

test("what is gone is not counted, so that there is no total of it", async () => {
  const { status, json } = await operatorOf(new FakeWorld())("GET", "/v1/queue?state=gone");
  assert.deepEqual([status, json.total], [200, undefined]);
});

test("the journal hears in words which mail an act was about, and where it was sent", async () => {
  const world = new FakeWorld();
  const ask = operatorOf(world);
  for (const body of [
    { verb: "hold", filter: { sender: "", state: "waiting" } },
    { verb: "flush", all: true },
    { verb: "reroute", filter: { domain: "Example.com" }, to: "Mail.example:25" },
    { verb: "reroute", all: true, to: "primary" },
  ])
    assert.equal((await ask("POST", "/v1/queue/actions", body)).status, 200);
  assert.deepEqual(
    world.events.map((event) => event.kind === "operator.acted" && event.what),
    ["state waiting, sender <>", "all mail", "domain example.com to Mail.example:25", "all mail to primary"],
  );
});

test("an empty filter needs `all`", async () => {
  const world = new FakeWorld();
  const ask = operatorOf(world);
  for (const body of [{ verb: "delete" }, { verb: "delete", filter: {} }, { verb: "delete", all: false }])
    assert.equal((await ask("POST", "/v1/queue/actions", body)).status, 400);
  assert.deepEqual(world.operations, []);
  const reroute = { verb: "reroute", filter: { domain: "example.com" } };
  for (const to of [undefined, "mail", "mail:99999", "a b:25", "a..b:25", "192.0.2.1000:25"])
    assert.equal((await ask("POST", "/v1/queue/actions", { ...reroute, to })).status, 400, to);
  assert.equal((await ask("POST", "/v1/queue/actions", { verb: "hold", all: true, to: "a:25" })).status, 400);
  assert.equal((await ask("POST", "/v1/queue/actions", { ...reroute, to: "Mail:25" })).status, 200);
  assert.deepEqual(
    world.operations.map(({ to }) => to),
    ["mail:25"],
  );
  assert.deepEqual((await ask("POST", "/v1/queue/actions", { verb: "delete", all: true })).json, {
    count: 3,
  });
});

test("bodies that are no JSON, too much or hostile are refused and change nothing", async () => {
  const world = new FakeWorld();
  const ask = operatorOf(world);
  const bodies = [
    "",
    "{",
    "null",
    "[]",
    '"hold"',
    '{"verb":"hold","__proto__":{"all":true}}',
    '{"verb":"hold","filter":{"__proto__":{"domain":"example.com"}}}',
    '{"verb":"hold","filter":{"domain":"example.com"},"constructor":1}',
    '{"verb":"hold","filter":{"domain":"example.com"},"extra":1}',
    '{"verb":"__proto__","all":true}',
    '{"verb":"hold","filter":{"id":7}}',
    '{"verb":"hold","filter":{"sender":"' + "x".repeat(2000) + '"}}',
  ];
  for (const body of bodies) {
    const answer = await ask("POST", "/v1/queue/actions", body);
    assert.deepEqual([answer.status, answer.json.error.code], [400, "bad_request"], body.slice(0, 80));
  }
  assert.deepEqual(world.operations, []);
});

test("a key that is given twice is refused, because all but the last would be passed over", async () => {
  const world = new FakeWorld();
  const ask = operatorOf(world);
  for (const [body, message] of [
    ['{"verb":"hold","filter":{"domain":"a.example","domain":"b.example"}}', '"domain" is given twice'],
    ['{"verb":"hold","all":true,"filter":{"id":"1"} , "filter" :{}}', '"filter" is given twice'],
    [String.raw`{"verb":"hold","filter":{"id":"1"},"v\u0065rb":"delete"}`, '"verb" is given twice'],
  ] as const) {
    const { status, json } = await ask("POST", "/v1/queue/actions", body);
    assert.deepEqual([status, json.error.message], [400, message], body);
  }
  assert.deepEqual(world.operations, []);
  const behindList = '{"primaries":[{"host":"m.example"}],"name":"a.example","name":"b.example"}';
  assert.equal((await ask("POST", "/v1/domains", behindList)).json.error.message, '"name" is given twice');
  const sound = String.raw`{"verb":"hold","filter":{"id":"id","sender":"\"id\": \\"}}`;
  assert.notEqual((await ask("POST", "/v1/queue/actions", sound)).json.error?.message, '"id" is given twice');
});

test("a body of very many lists, mappings or keys is refused before it takes memory", async () => {
  const ask = operatorOf(new FakeWorld());
  const many = 10_001;
  for (const body of [
    "[".repeat(many),
    `[${"{},".repeat(many)}{}]`,
    JSON.stringify(Object.fromEntries(Array.from({ length: many }, (_, i) => [`k${i}`, i]))),
  ]) {
    const { status, json } = await ask("POST", "/v1/queue/actions", body);
    assert.deepEqual(
      [status, json.error.message],
      [400, "the body has more than 10000 lists, mappings and keys"],
      body.slice(0, 20),
    );
  }
  const brackets = Array.from({ length: many }, (_, i) => `"[{:${i}"@example.com`);
  const taken = { verb: "add", recipients: brackets };
  assert.equal((await ask("POST", "/v1/domains/example.com/recipients", taken)).status, 200);
  const open = await ask("POST", "/v1/queue/actions", '{"verb": "hold');
  assert.equal(open.json.error.message, "the body is not JSON");
});

test("trouble within is a JSON 500 that tells strangers nothing", async () => {
  const world = new FakeWorld();
  world.trouble = new Error("SQLITE_IOERR at /secret/path");
  const answer = await operatorOf(world)("GET", "/v1/queue");
  assert.deepEqual([answer.status, answer.json.error.code], [500, "internal"]);
  assert.equal(answer.text.includes("SQLITE"), false);
});

test("answers are not stored and not sniffed", async () => {
  const { headers } = await operatorOf(new FakeWorld())("GET", "/v1/queue");
  assert.equal(headers.get("cache-control"), "no-store");
  assert.equal(headers.get("x-content-type-options"), "nosniff");
});

test("a cursor that belongs to no list is wrong use, not our failure", async () => {
  const world = new FakeWorld();
  const ask = operatorOf(world);
  world.trouble = new Error(FOREIGN_CURSOR);
  const { status, json } = await ask("GET", "/v1/queue?cursor=abc");
  assert.deepEqual([status, json.error.message], [400, "cursor: the cursor is not one of ours"]);
  world.trouble = new Error("the disk is gone");
  assert.equal((await ask("GET", "/v1/queue?cursor=abc")).status, 500);
});

test("every reason that mail has can be asked for", () => {
  const reasons: Readonly<Record<Reason, true>> = {
    operator: true,
    probation: true,
    quarantine: true,
    loop: true,
    unconfirmed: true,
    damaged: true,
    refused: true,
    content: true,
    expired: true,
    delivered: true,
    deleted: true,
  };
  assert.deepEqual(ReasonName.options.toSorted(), Object.keys(reasons).toSorted());
});

test("what waits has no reason, and an act on it that names one is refused", async () => {
  const world = new FakeWorld();
  const ask = operatorOf(world);
  for (const verb of ["hold", "flush"]) {
    const { status, json } = await ask("POST", "/v1/queue/actions", {
      verb,
      filter: { domain: "example.com", reason: "quarantine" },
    });
    assert.deepEqual([status, json.error.code], [400, "bad_request"], verb);
    assert.match(json.error.message, /^filter\.reason: /);
  }
  assert.deepEqual(world.operations, []);
  const released = { verb: "release", filter: { reason: "quarantine" } };
  assert.equal((await ask("POST", "/v1/queue/actions", released)).status, 200);
});
