import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseAddress, type Address } from "../../../../../src/mail/address.ts";
import type { DnsblSettings, DnsList } from "../../../../../src/ports/checks.ts";
import type { Lookup } from "../../../../../src/ports/resolver.ts";
import type { RcptSubject, Said } from "../../../../../src/services/policy/check.ts";
import { codeFits, dnsblCheck } from "../../../../../src/services/policy/checks/dnsbl.ts";
import { MemoryDirectory } from "../../../../support/smtp-bench.ts";

const ANY = ["127.*.*.*"];

function list(zone: string, weight: number, more: Partial<DnsList> = {}): DnsList {
  return { zone, codes: ANY, weight, ...more };
}

/** `answers` by zone; a zone that is not there does not list the client. */
function setUp(dnsbl: DnsblSettings | "off", answers: Record<string, Lookup<string>>, sick: string[] = []) {
  const asked: string[] = [];
  const blocklists = {
    codes: (zone: string): Promise<Lookup<string>> => {
      asked.push(zone);
      return Promise.resolve(answers[zone] ?? { kind: "none" });
    },
    reason: (): Promise<undefined> => Promise.resolve(undefined),
  };
  const isSound = (zone: string): boolean => !sick.includes(zone);
  const check = dnsblCheck({ blocklists, settings: () => ({ dnsbl }), isSound });
  const domain = new MemoryDirectory().domain("our.test", 0);
  const recipient = parseAddress("alice@our.test") as Address;
  const client = { ip: "192.0.2.1", network: "192.0.2.0/24", helo: "h", extended: true };
  const subject: RcptSubject = { ...client, sender: "", announced: 0, recipient, domain, certain: false };
  return { asked, ask: () => check.atConnect?.(subject), decide: () => check.run(subject) };
}

const hit = (...records: string[]): Lookup<string> => ({ kind: "found", records });

async function kindOf(verdict: Said | Promise<Said>): Promise<string | undefined> {
  return (await verdict)?.kind;
}

describe("dnsbl", () => {
  test("off asks nobody and answers at once", () => {
    const off = setUp("off", {});
    assert.equal(off.ask(), undefined);
    assert.equal(off.decide(), undefined);
    assert.deepEqual(off.asked, []);
  });

  test("sound lists are asked as soon as the client is here", () => {
    const lists = ["a.test", "sick.test", "b.test"].map((zone) => list(zone, 1));
    const on = setUp({ lists }, {}, ["sick.test"]);
    on.ask();
    assert.deepEqual(on.asked, ["a.test", "b.test"]);
  });

  test("weights add up to the strictest threshold, good lists subtract", async () => {
    const lists = [list("a.test", 2), list("b.test", 3), list("good.test", -4)];
    const settings = { lists, tag: 1, defer: 3, reject: 5 };
    const a = { "a.test": hit("127.0.0.2") };
    const b = { "b.test": hit("127.0.0.2") };
    const good = { "good.test": hit("127.0.5.1") };
    const verdict = (answers: Record<string, Lookup<string>>) => kindOf(setUp(settings, answers).decide());
    assert.equal(await verdict({}), "accept");
    assert.equal(await verdict(a), "tag");
    assert.equal(await verdict(b), "defer");
    assert.equal(await verdict({ ...a, ...b }), "reject");
    assert.equal(await verdict({ ...a, ...b, ...good }), "tag");
    assert.equal(await verdict({ ...a, ...good }), "accept");
    assert.equal(await verdict({ "a.test": { kind: "failed", why: "SERVFAIL" } }), "accept");
  });

  test("what each list said is told to the operator", async () => {
    const lists = ["a.test", "b.test", "silent.test", "sick.test"].map((zone) => list(zone, 1));
    const failed: Lookup<string> = { kind: "failed", why: "SERVFAIL" };
    const told = async (answers: Record<string, Lookup<string>>, sick: string[]) =>
      (await setUp({ lists }, answers, sick).decide())?.note;
    assert.equal(await told({}, []), "not listed");
    const answers = { "a.test": hit("127.0.0.2"), "b.test": hit("127.0.0.2"), "silent.test": failed };
    assert.equal(
      await told(answers, ["sick.test"]),
      "score 2: a.test=127.0.0.2, b.test=127.0.0.2; no answer from silent.test; not used: sick.test",
    );
  });

  test("a list's own action needs no score; codes that are not named do not count", async () => {
    const lists = [list("a.test", 0, { codes: ["127.0.0.4-7"], action: "reject" })];
    const verdict = (code: string) => setUp({ lists }, { "a.test": hit(code) }).decide();
    assert.equal(await kindOf(verdict("127.0.0.3")), "accept");
    assert.equal(await kindOf(verdict("127.0.0.5")), "reject");
    const both = await setUp({ lists }, { "a.test": hit("127.0.0.3", "127.0.0.7") }).decide();
    assert.ok(both?.kind === "reject" && both.reply.code === 554 && both.reply.enhanced === "5.7.1");
  });

  test("a reply names the lists that speak against the client, and no other", async () => {
    const own = { action: "reject" } as const;
    const lists = [list("a.test", 1), list("own.test", 0, own), list("good.test", -1), list("odd.test", 0)];
    const answers = Object.fromEntries(lists.map(({ zone }) => [zone, hit("127.0.0.2")]));
    const told = await setUp({ lists }, answers).decide();
    assert.ok(told?.kind === "reject");
    assert.equal(told.reply.text, "Client 192.0.2.1 is listed by a.test, own.test");
  });

  test("a reply is of US-ASCII, whatever a list was called once", async () => {
    const lists = [list("a.test", 1, { name: "a\u010db" })];
    const told = await setUp({ lists, defer: 1 }, { "a.test": hit("127.0.0.2") }).decide();
    assert.ok(told?.kind === "defer");
    assert.equal(told.reply.text, "Client 192.0.2.1 is listed by a?b");
  });

  test("a sick list is not asked", async () => {
    const sick = setUp({ lists: [list("a.test", 9)], defer: 1 }, { "a.test": hit("127.0.0.2") }, ["a.test"]);
    assert.equal(await kindOf(sick.decide()), "accept");
    assert.deepEqual(sick.asked, []);
  });

  test("nobody is refused for good by a score that a good list, had it answered, would have lowered", async () => {
    const lists = [list("bad.test", 5), list("good.test", -2)];
    const settings = { lists, tag: 1, defer: 4, reject: 5 };
    const listed = { "bad.test": hit("127.0.0.2") };
    const mute: Lookup<string> = { kind: "failed", why: "ETIMEOUT" };
    assert.equal(await kindOf(setUp(settings, listed).decide()), "reject");
    assert.equal(await kindOf(setUp(settings, { ...listed, "good.test": mute }).decide()), "defer");
    assert.equal(await kindOf(setUp(settings, listed, ["good.test"]).decide()), "defer");
    const strict = { ...settings, reject: 3 };
    assert.equal(await kindOf(setUp(strict, { ...listed, "good.test": mute }).decide()), "reject");
    const own = { ...settings, lists: [list("bad.test", 5, { action: "reject" }), list("good.test", -2)] };
    assert.equal(await kindOf(setUp(own, { ...listed, "good.test": mute }).decide()), "reject");
    const lenient = { lists, reject: 5 };
    assert.equal(await kindOf(setUp(lenient, { ...listed, "good.test": mute }).decide()), "defer");
  });

  test("codes fit patterns octet by octet", () => {
    assert.ok(codeFits("127.0.0.2", "127.0.0.2"));
    assert.ok(codeFits("127.0.*.3", "127.0.14.3"));
    assert.ok(codeFits("127.0.0.10-11", "127.0.0.11"));
    assert.ok(!codeFits("127.0.0.10-11", "127.0.0.12"));
    assert.ok(!codeFits("127.0.0.2", "127.0.0.20"));
  });
});
