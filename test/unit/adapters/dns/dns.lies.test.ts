import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { test } from "node:test";
import { decode, encode, type Answer, type Packet, type Question } from "dns-packet";
import { dnsResolver } from "../../../../src/adapters/dns/dns.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

/** What a server sends for one question, in this order. */
type Liar = (question: Question, id: number) => readonly Buffer[];

async function lyingServer(liar: Liar): Promise<AsyncDisposable & { readonly server: string }> {
  const socket = createSocket("udp4");
  socket.on("message", (message, { port, address }) => {
    const { questions: [question] = [], id = 0 } = decode(message);
    if (question !== undefined) for (const answer of liar(question, id)) socket.send(answer, port, address);
  });
  await once(socket.bind(0, "127.0.0.1"), "listening");
  return {
    server: `127.0.0.1:${socket.address().port}`,
    [Symbol.asyncDispose]: () => new Promise((resolve) => void socket.close(() => resolve())),
  };
}

function response(question: Question, id: number, changes: Packet = {}): Buffer {
  const { name } = question;
  const answers: Answer[] = question.type === "A" ? [{ type: "A", name, ttl: 60, data: "192.0.2.1" }] : [];
  return encode({ type: "response", id, flags: 0x0580, questions: [question], answers, ...changes });
}

function many(question: Question, id: number, count: number): Buffer {
  const { name } = question;
  const data = (n: number): string => `192.0.${n >> 8}.${n & 0xff}`;
  const answers = Array.from({ length: count }, (_, n): Answer => ({
    type: "A",
    name,
    ttl: 60,
    data: data(n),
  }));
  return response(question, id, { answers: question.type === "A" ? answers : [] });
}

function exchanges(question: Question, id: number, count: number): Buffer {
  const { name } = question;
  const answers = Array.from({ length: count }, (_, n): Answer => {
    return { type: "MX", name, ttl: 60, data: { preference: count - n, exchange: `mx${count - n}.a.test` } };
  });
  return response(question, id, { answers });
}

const FORGED: Answer = { type: "A", name: "a.test", ttl: 60, data: "198.51.100.66" };
const LOOP: Answer[] = [
  { type: "CNAME", name: "a.test", ttl: 60, data: "b.test" },
  { type: "CNAME", name: "b.test", ttl: 60, data: "a.test" },
];

const LIES: readonly (readonly [what: string, liar: Liar, kind: string, first?: string])[] = [
  [
    "another id, and then the true answer",
    (question, id) => [
      response(question, id ^ 1, { answers: [FORGED] }),
      response({ ...question, name: "other.test" }, id, { answers: [FORGED] }),
      response(question, id),
    ],
    "found",
    "192.0.2.1",
  ],
  ["names that lead to each other", (question, id) => [response(question, id, { answers: LOOP })], "none"],
  [
    "a question instead of an answer",
    (question, id) => [response(question, id, { type: "query" }), response(question, id)],
    "found",
    "192.0.2.1",
  ],
  ["half an answer", (question, id) => [response(question, id).subarray(0, -3)], "failed"],
  [
    "a truncated answer, while nothing answers over TCP",
    (question, id) => [response(question, id, { flags: 0x0780 })],
    "failed",
  ],
];

for (const [what, liar, kind, first] of LIES)
  test(`a server that answers ${what}`, async () => {
    await using server = await lyingServer(liar);
    const resolver = dnsResolver({ servers: [server.server], clock: new ManualClock(), hosts: "/dev/null" });
    const lookup = await resolver.addresses("a.test");
    assert.equal(lookup.kind, kind);
    assert.equal(lookup.kind === "found" ? lookup.records[0] : undefined, first);
  });

test("of many addresses and many MX hosts a few are kept, of MX hosts the best", async () => {
  await using server = await lyingServer((question, id) =>
    question.type === "MX" ? [exchanges(question, id, 60)] : [many(question, id, 60)],
  );
  const resolver = dnsResolver({ servers: [server.server], clock: new ManualClock(), hosts: "/dev/null" });
  const [addresses, mx] = await Promise.all([resolver.addresses("a.test"), resolver.mx("a.test")]);
  assert.equal(addresses.kind === "found" && addresses.records.length, 16);
  assert.ok(mx.kind === "found");
  assert.deepEqual(
    mx.records.map(({ preference }) => preference),
    Array.from({ length: 20 }, (_, n) => n + 1),
  );
});

test("a TXT record too long for any policy or key is ignored", async () => {
  const texts = (...sizes: number[]): Answer[] =>
    sizes.map((size): Answer => {
      return { type: "TXT", name: "a.test", ttl: 60, data: "x".repeat(size).match(/.{1,255}/g) ?? [] };
    });
  await using server = await lyingServer((question, id) => [
    response(question, id, { answers: question.name === "a.test" ? texts(4097, 300) : texts(4097) }),
  ]);
  const resolver = dnsResolver({ servers: [server.server], clock: new ManualClock(), hosts: "/dev/null" });
  assert.deepEqual(await resolver.records("a.test", "TXT"), { kind: "found", records: ["x".repeat(300)] });
  assert.deepEqual(await resolver.records("b.test", "TXT"), { kind: "none" });
});

test("a name that fits into no query is not looked up, because servers answer it arbitrarily", async () => {
  let asked = 0;
  await using server = await lyingServer((question, id) => {
    asked += 1;
    return [response(question, id, { flags: 0x0582, answers: [] })];
  });
  const resolver = dnsResolver({ servers: [server.server], clock: new ManualClock(), hosts: "/dev/null" });
  const label = "a".repeat(63);
  const longest = [label, label, label, "a".repeat(61)].join(".");
  assert.deepEqual(await resolver.records(`${longest}a`, "TXT"), { kind: "failed", why: "EBADNAME" });
  assert.deepEqual(await resolver.records(`x.${longest}`, "A"), { kind: "failed", why: "EBADNAME" });
  assert.equal(asked, 0);
  assert.deepEqual(await resolver.records(`${longest}.`, "TXT"), { kind: "failed", why: "ESERVFAIL" });
  assert.ok(asked > 0);
});

test("an answer with very many short texts is used once and not cached", async () => {
  let asked = 0;
  await using server = await lyingServer((question, id) => {
    asked += 1;
    const count = question.name === "many.test" ? 1000 : 10;
    const answers = Array.from({ length: count }, (): Answer => {
      return { type: "TXT", name: question.name, ttl: 60, data: [""] };
    });
    return [response(question, id, { answers })];
  });
  const resolver = dnsResolver({ servers: [server.server], clock: new ManualClock(), hosts: "/dev/null" });
  const recordsOf = async (name: string): Promise<number> => {
    const lookup = await resolver.records(name, "TXT");
    return lookup.kind === "found" ? lookup.records.length : 0;
  };
  assert.equal(await recordsOf("few.test"), 10);
  assert.equal(await recordsOf("few.test"), 10);
  assert.equal(asked, 1);
  assert.equal(await recordsOf("many.test"), 1000);
  assert.equal(await recordsOf("many.test"), 1000);
  assert.equal(asked, 3);
});

test("if one address family could not be looked up, the other is cached no longer than a failure", async () => {
  let sick = true;
  await using server = await lyingServer((question, id) => {
    const six: Answer = { type: "AAAA", name: "a.test", ttl: 600, data: "2001:db8::1" };
    if (question.type === "AAAA") return [response(question, id, { answers: [six] })];
    return [response(question, id, sick ? { flags: 0x0582, answers: [] } : {})];
  });
  const clock = new ManualClock();
  const resolver = dnsResolver({ servers: [server.server], clock, hosts: "/dev/null" });
  assert.deepEqual(await resolver.addresses("a.test"), { kind: "found", records: ["2001:db8::1"] });
  sick = false;
  clock.advance(2000);
  const lookup = await resolver.addresses("a.test");
  assert.deepEqual(lookup.kind === "found" && lookup.records, ["2001:db8::1", "192.0.2.1"]);
});

test("a name without addresses of one family is `failed` if the other family could not be looked up", async () => {
  for (const sick of ["A", "AAAA"]) {
    await using server = await lyingServer((question, id) => [
      response(question, id, { answers: [], flags: question.type === sick ? 0x0582 : 0x0580 }),
    ]);
    const resolver = dnsResolver({ servers: [server.server], clock: new ManualClock(), hosts: "/dev/null" });
    assert.equal((await resolver.addresses("a.test")).kind, "failed", sick);
  }
});

test("addresses are cached for the shortest TTL among them", async () => {
  let asked = 0;
  await using server = await lyingServer((question, id) => {
    if (question.type === "A") asked += 1;
    const answers = [30, 10, 20].map((ttl): Answer => ({
      type: "A",
      name: "a.test",
      ttl,
      data: `192.0.2.${ttl}`,
    }));
    return [response(question, id, { answers: question.type === "A" ? answers : [] })];
  });
  const clock = new ManualClock();
  const resolver = dnsResolver({ servers: [server.server], clock, hosts: "/dev/null" });
  for (const step of [0, 9999, 1]) {
    clock.advance(step);
    await resolver.addresses("a.test");
  }
  assert.equal(asked, 2);
});
