import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { dnsBlocklists } from "../../../../src/adapters/dns/dns.ts";
import type { Blocklists } from "../../../../src/ports/blocklist.ts";
import { fakeDns, type FakeDns, type Zones } from "../../../support/fake-dns.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

interface Setup {
  readonly dns: FakeDns;
  readonly lists: Blocklists;
  readonly clock: ManualClock;
  [Symbol.asyncDispose](): Promise<void>;
}

async function setup(zones: Zones): Promise<Setup> {
  const dns = await fakeDns(zones);
  const clock = new ManualClock();
  const lists = dnsBlocklists({ servers: [dns.server], clock });
  return { dns, clock, lists, [Symbol.asyncDispose]: async () => dns[Symbol.asyncDispose]() };
}

const LISTED = { kind: "found", records: ["127.0.0.2"] };

describe("codes", () => {
  test("are queried by reversed octets, by nibbles for IPv6, and for mapped addresses as IPv4", async () => {
    await using s = await setup({ "1.2.0.192.bl.test": { A: ["127.0.0.2"] } });
    assert.deepEqual(await s.lists.codes("bl.test", "192.0.2.1"), LISTED);
    assert.deepEqual(await s.lists.codes("bl.test", "::ffff:192.0.2.1"), LISTED);
    assert.deepEqual(await s.lists.codes("bl.test", "::FFFF:c000:201"), LISTED);
    assert.deepEqual(await s.lists.codes("bl.test", "2001:db8:1::abcd"), { kind: "none", nameless: true });
    const reversed = "d.c.b.a.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2";
    assert.deepEqual(s.dns.questions, ["A 1.2.0.192.bl.test", `A ${reversed}.bl.test`]);
  });

  test("outside 127.0.0.0/8 or in 127.255.255.0/24 are never a hit, and failures neither", async () => {
    await using s = await setup({
      "1.2.0.192.wild.test": { A: ["93.184.216.34"] },
      "1.2.0.192.closed.test": { A: ["127.255.255.254"] },
      "1.2.0.192.mixed.test": { A: ["127.0.0.2", "127.255.255.252"] },
      "1.2.0.192.broken.test": "SERVFAIL",
      "1.2.0.192.refused.test": "REFUSED",
    });
    for (const zone of ["wild.test", "closed.test", "mixed.test", "broken.test", "refused.test"])
      assert.equal((await s.lists.codes(zone, "192.0.2.1")).kind, "failed", zone);
    assert.equal((await s.lists.codes("bl.test", "no address")).kind, "failed");
  });

  test("are queried once for many simultaneous questions, and cached for their TTL, `not listed` for a minute", async () => {
    await using s = await setup({ "1.2.0.192.bl.test": { A: ["127.0.0.2"], ttl: 300 } });
    const ask = () => s.lists.codes("bl.test", "192.0.2.1");
    await Promise.all([ask(), ask(), ask()]);
    s.clock.advance(299_000);
    await ask();
    assert.equal(s.dns.questions.length, 1);
    s.clock.advance(2000);
    await ask();
    assert.equal(s.dns.questions.length, 2);
    await s.lists.codes("bl.test", "192.0.2.9");
    s.clock.advance(59_000);
    await s.lists.codes("bl.test", "192.0.2.9");
    assert.equal(s.dns.questions.length, 3);
    s.clock.advance(2000);
    await s.lists.codes("bl.test", "192.0.2.9");
    assert.equal(s.dns.questions.length, 4);
  });

  test("of a list that fails five times in a row are not queried for 30 s", async () => {
    const zones: Record<string, "SERVFAIL"> = {};
    for (let n = 1; n <= 9; n++) zones[`${n}.2.0.192.bl.test`] = "SERVFAIL";
    await using s = await setup(zones);
    for (let n = 1; n <= 5; n++) await s.lists.codes("bl.test", `192.0.2.${n}`);
    const asked = s.dns.questions.length;
    assert.equal((await s.lists.codes("bl.test", "192.0.2.6")).kind, "failed");
    assert.equal(s.dns.questions.length, asked);
    s.clock.set(-3_600_000);
    s.clock.advance(31_000);
    await s.lists.codes("bl.test", "192.0.2.7");
    assert.ok(s.dns.questions.length > asked);
    s.clock.advance(31_000);
    assert.equal((await s.lists.codes("bl.test", "192.0.2.30")).kind, "none");
    assert.equal((await s.lists.codes("bl.test", "192.0.2.31")).kind, "none");
  });
});

test("a list that fails only now and then is queried each time", async () => {
  const zones: Record<string, "SERVFAIL"> = {};
  for (const n of [1, 2, 3, 4, 6, 7]) zones[`${n}.2.0.192.bl.test`] = "SERVFAIL";
  await using s = await setup(zones);
  for (let n = 1; n <= 7; n++) await s.lists.codes("bl.test", `192.0.2.${n}`);
  assert.equal((await s.lists.codes("bl.test", "192.0.2.8")).kind, "none");
});

test("the reason of a listing is one printable line of bounded length", async () => {
  await using s = await setup({
    "1.2.0.192.bl.test": { TXT: [`Junk\r\n250 ok ${"x".repeat(230)}`] },
    "2.2.0.192.bl.test": { A: ["127.0.0.2"] },
  });
  const reason = await s.lists.reason("bl.test", "192.0.2.1");
  assert.match(reason ?? "", /^Junk 250 ok x+$/);
  assert.ok((reason ?? "").length <= 200);
  assert.equal(await s.lists.reason("bl.test", "192.0.2.2"), undefined);
});

test("the test of RFC 5782 detects lists that list everybody or nobody, or do not answer", async () => {
  await using s = await setup({
    "2.0.0.127.good.test": { A: ["127.0.0.2"] },
    "2.0.0.127.all.test": { A: ["127.0.0.2"] },
    "1.0.0.127.all.test": { A: ["127.0.0.2"] },
    "2.0.0.127.parked.test": { A: ["93.184.216.34"] },
    "1.0.0.127.parked.test": { A: ["93.184.216.34"] },
    "2.0.0.127.dead.test": "SERVFAIL",
    "1.0.0.127.dead.test": "SERVFAIL",
    "2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.six.test": { A: ["127.0.0.2"] },
  });
  assert.deepEqual(await s.lists.test("good.test"), { kind: "sound" });
  assert.deepEqual(await s.lists.test("six.test"), { kind: "sound" });
  for (const zone of ["all.test", "parked.test", "dead.test", "empty.test"])
    assert.equal((await s.lists.test(zone)).kind, "sick", zone);
});

test("the test of RFC 5782 names which of its two queries had no answer", async () => {
  await using s = await setup({
    "2.0.0.127.half.test": { A: ["127.0.0.2"] },
    "1.0.0.127.half.test": "SERVFAIL",
    "2.0.0.127.other.test": "SERVFAIL",
  });
  const sick = (ip: string) => ({ kind: "sick", why: `${ip}: ESERVFAIL` });
  assert.deepEqual(await s.lists.test("half.test"), sick("127.0.0.1"));
  assert.deepEqual(await s.lists.test("other.test"), sick("127.0.0.2"));
});

test("our own address counts as listed only if a valid code says so, not after errors or foreign codes", async () => {
  await using s = await setup({
    "1.2.0.192.bl.test": { A: ["127.0.0.2"] },
    "1.2.0.192.closed.test": { A: ["127.255.255.254"] },
    "1.2.0.192.wild.test": { A: ["93.184.216.34"] },
    "1.2.0.192.broken.test": "SERVFAIL",
  });
  assert.equal(await s.lists.listsHost("bl.test", "192.0.2.1"), true);
  for (const zone of ["closed.test", "wild.test", "broken.test", "empty.test"])
    assert.equal(await s.lists.listsHost(zone, "192.0.2.1"), false, zone);
});
