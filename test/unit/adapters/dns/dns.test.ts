import assert from "node:assert/strict";
import { mkdir, rename, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { dnsResolver } from "../../../../src/adapters/dns/dns.ts";
import type { RecordSource, Resolver } from "../../../../src/ports/resolver.ts";
import { fakeDns, type FakeDns, type Zones } from "../../../support/fake-dns.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { tempFolder } from "../../../support/temp-folder.ts";

const DAY = 86_400_000;

interface Setup {
  readonly dns: FakeDns;
  readonly resolver: Resolver & RecordSource;
  readonly clock: ManualClock;
  readonly hosts: string;
  [Symbol.asyncDispose](): Promise<void>;
}

async function setup(zones: Zones, hostsText = ""): Promise<Setup> {
  const dns = await fakeDns(zones);
  const folder = await tempFolder();
  const clock = new ManualClock();
  const hosts = join(folder.path, "hosts");
  await writeFile(hosts, hostsText);
  return {
    dns,
    clock,
    hosts,
    resolver: dnsResolver({ servers: [dns.server], clock, hosts }),
    [Symbol.asyncDispose]: async () => {
      await dns[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

describe("addresses", () => {
  test("of literals are the literals, without a query", async () => {
    await using s = await setup({});
    for (const ip of ["192.0.2.1", "2001:db8::1"])
      assert.deepEqual(await s.resolver.addresses(ip), { kind: "found", records: [ip] });
    assert.deepEqual(s.dns.questions, []);
  });

  test("come from the host table first, and follow its changes", async () => {
    await using s = await setup(
      { "mail.test": { A: ["192.0.2.9"] } },
      "# remark\n192.0.2.1 Mail.test alias # mine\n::1 mail.test\nnonsense here\n",
    );
    assert.deepEqual(await s.resolver.addresses("MAIL.test."), {
      kind: "found",
      records: ["192.0.2.1", "::1"],
    });
    await writeFile(s.hosts, "");
    s.clock.advance(5000);
    assert.deepEqual(await s.resolver.addresses("mail.test"), { kind: "found", records: ["192.0.2.9"] });
  });

  test("come from the last readable host table while it cannot be read, and from the new one afterwards", async () => {
    await using s = await setup({}, "192.0.2.1 mail.test\n");
    const records = async (): Promise<unknown> => {
      s.clock.advance(5000);
      const lookup = await s.resolver.addresses("mail.test");
      return lookup.kind === "found" && lookup.records;
    };
    assert.deepEqual(await records(), ["192.0.2.1"]);
    // A folder has a time of change and cannot be read, as a file where there is no descriptor left.
    await rm(s.hosts);
    await mkdir(s.hosts);
    await utimes(s.hosts, 1, 1);
    assert.deepEqual(await records(), ["192.0.2.1"]);
    await rm(s.hosts, { recursive: true });
    // A link to itself has no facts, as a file on a disk that fails.
    await symlink(s.hosts, s.hosts);
    assert.deepEqual(await records(), ["192.0.2.1"]);
    await rm(s.hosts);
    await writeFile(s.hosts, "192.0.2.2 mail.test\n");
    await utimes(s.hosts, 1, 1);
    assert.deepEqual(await records(), ["192.0.2.2"]);
    const aside = `${s.hosts}.aside`;
    await rename(s.hosts, aside);
    assert.equal(await records(), false);
    await rename(aside, s.hosts);
    assert.deepEqual(await records(), ["192.0.2.2"]);
  });

  test("that are link-local keep the zone, which is needed to connect to them", async () => {
    await using s = await setup({}, "fe80::1%eth0 near.test\n");
    const near = { kind: "found", records: ["fe80::1%eth0"] };
    assert.deepEqual(await s.resolver.addresses("near.test"), near);
  });

  test("of both families are returned together", async () => {
    await using s = await setup({ "mail.test": { A: ["192.0.2.1", "192.0.2.2"], AAAA: ["2001:db8::1"] } });
    const lookup = await s.resolver.addresses("mail.test");
    assert.deepEqual(lookup.kind === "found" && lookup.records.toSorted(), [
      "192.0.2.1",
      "192.0.2.2",
      "2001:db8::1",
    ]);
  });

  test("that do not exist are `none`, those that cannot be looked up `failed`", async () => {
    await using s = await setup({ "empty.test": {}, "sick.test": "SERVFAIL", "shut.test": "REFUSED" });
    assert.deepEqual(await s.resolver.addresses("nowhere.test"), { kind: "none", nameless: true });
    assert.deepEqual(await s.resolver.addresses("empty.test"), { kind: "none" });
    assert.equal((await s.resolver.addresses("sick.test")).kind, "failed");
    assert.equal((await s.resolver.addresses("shut.test")).kind, "failed");
  });

  test("are `failed` when the server is silent", async () => {
    await using s = await setup({ "mute.test": "silence" });
    const begun = performance.now();
    assert.equal((await s.resolver.addresses("mute.test")).kind, "failed");
    // By itself c-ares would ask for three times as long; a busy machine may be late, too.
    assert.ok(performance.now() - begun < 10_000);
  });

  test("are cached for their TTL, at most a minute, and queried once at a time", async () => {
    await using s = await setup({
      "short.test": { A: ["192.0.2.1"], ttl: 10 },
      "long.test": { A: ["192.0.2.1"], ttl: 86_400 },
    });
    const asked = (): number => s.dns.questions.filter((question) => question.startsWith("A ")).length;
    await Promise.all([s.resolver.addresses("short.test"), s.resolver.addresses("short.test")]);
    assert.equal(asked(), 1);
    s.clock.advance(9000);
    await s.resolver.addresses("short.test");
    assert.equal(asked(), 1);
    s.clock.advance(2000);
    await s.resolver.addresses("short.test");
    assert.equal(asked(), 2);
    await s.resolver.addresses("long.test");
    s.clock.advance(59_000);
    await s.resolver.addresses("long.test");
    assert.equal(asked(), 3);
    s.clock.advance(2000);
    await s.resolver.addresses("long.test");
    assert.equal(asked(), 4);
  });

  test("are cached by elapsed time, however the wall clock is set", async () => {
    await using s = await setup({ "mail.test": { A: ["192.0.2.1"] } });
    await s.resolver.addresses("mail.test");
    s.clock.set(DAY);
    s.dns.zones["mail.test"] = { A: ["192.0.2.2"] };
    const before = { kind: "found", records: ["192.0.2.1"] };
    assert.deepEqual(await s.resolver.addresses("mail.test"), before);
    s.clock.set(-2 * DAY);
    s.clock.advance(60_000);
    const after = { kind: "found", records: ["192.0.2.2"] };
    assert.deepEqual(await s.resolver.addresses("mail.test"), after);
    await writeFile(s.hosts, "192.0.2.3 mail.test");
    s.clock.set(-DAY);
    s.clock.advance(5000);
    const listed = { kind: "found", records: ["192.0.2.3"] };
    assert.deepEqual(await s.resolver.addresses("mail.test"), listed);
  });

  test("that failed are queried again after seconds", async () => {
    await using s = await setup({ "sick.test": "SERVFAIL" });
    await s.resolver.addresses("sick.test");
    s.dns.zones["sick.test"] = { A: ["192.0.2.1"] };
    assert.equal((await s.resolver.addresses("sick.test")).kind, "failed");
    s.clock.advance(2000);
    assert.equal((await s.resolver.addresses("sick.test")).kind, "found");
  });
});

test("MX records, the null MX among them", async () => {
  await using s = await setup({
    "a.test": { MX: [{ preference: 10, exchange: "Mail.a.test" }] },
    "null.test": { MX: [{ preference: 0, exchange: "." }] },
    "bare.test": { A: ["192.0.2.1"] },
  });
  assert.deepEqual(await s.resolver.mx("A.test"), {
    kind: "found",
    records: [{ preference: 10, host: "mail.a.test" }],
  });
  assert.deepEqual(await s.resolver.mx("null.test"), {
    kind: "found",
    records: [{ preference: 0, host: "" }],
  });
  assert.deepEqual(await s.resolver.mx("bare.test"), { kind: "none" });
});

test("records of any type are returned, and whether the name exists at all", async () => {
  await using s = await setup({ "alias.test": { CNAME: ["gone.test"] }, "texts.test": { TXT: ["a"] } });
  assert.deepEqual(await s.resolver.records("alias.test", "CNAME"), {
    kind: "found",
    records: ["gone.test"],
  });
  assert.deepEqual(await s.resolver.records("texts.test", "A"), { kind: "none" });
  assert.deepEqual(await s.resolver.records("nowhere.test", "A"), { kind: "none", nameless: true });
});

test("TXT records are cached for a minute, in any spelling of their name", async () => {
  await using s = await setup({ "a.test": { TXT: ["x"], ttl: 3600 } });
  const ask = (name: string) => s.resolver.records(name, "TXT");
  assert.deepEqual(await Promise.all([ask("a.test"), ask("A.Test")]), Array(2).fill(await ask("a.test")));
  assert.equal(s.dns.questions.length, 1);
  s.clock.advance(60_000);
  await ask("a.test");
  assert.equal(s.dns.questions.length, 2);
});

test("the name of a client is confirmed only if it resolves to the client's address", async () => {
  await using s = await setup({
    "1.2.0.192.in-addr.arpa": { PTR: ["liar.test", "client.test"] },
    "2.2.0.192.in-addr.arpa": { PTR: ["liar.test"] },
    "liar.test": { A: ["198.51.100.1"] },
    "client.test": { A: ["192.0.2.1"] },
  });
  assert.deepEqual(await s.resolver.confirmedName("::ffff:192.0.2.1"), {
    kind: "found",
    records: ["client.test"],
  });
  assert.deepEqual(await s.resolver.confirmedName("192.0.2.2"), { kind: "none" });
  assert.deepEqual(await s.resolver.confirmedName("192.0.2.3"), { kind: "none", nameless: true });
});

test("an address as a PTR name is not confirmed, although it resolves to itself", async () => {
  await using s = await setup({
    "1.2.0.192.in-addr.arpa": { PTR: ["192.0.2.1"] },
    "2.2.0.192.in-addr.arpa": { PTR: ["192.0.2.2", "client.test"] },
    "client.test": { A: ["192.0.2.2"] },
  });
  assert.deepEqual(await s.resolver.confirmedName("192.0.2.1"), { kind: "none" });
  const confirmed = { kind: "found", records: ["client.test"] };
  assert.deepEqual(await s.resolver.confirmedName("192.0.2.2"), confirmed);
});

test("a PTR name whose addresses cannot be looked up does not count against the client", async () => {
  await using s = await setup({
    "1.2.0.192.in-addr.arpa": { PTR: ["sick.test"] },
    "2.2.0.192.in-addr.arpa": { PTR: ["sick.test", "client.test"] },
    "sick.test": "SERVFAIL",
    "client.test": { A: ["192.0.2.2"] },
  });
  assert.equal((await s.resolver.confirmedName("192.0.2.1")).kind, "failed");
  const confirmed = { kind: "found", records: ["client.test"] };
  assert.deepEqual(await s.resolver.confirmedName("192.0.2.2"), confirmed);
});

test("a client is found among the many addresses of its name, whatever the other family answers", async () => {
  const pool = Array.from({ length: 40 }, (_, n) => `192.0.2.${n + 1}`);
  await using s = await setup({
    "40.2.0.192.in-addr.arpa": { PTR: ["pool.test"] },
    "pool.test": { A: pool, AAAA: Array.from({ length: 20 }, (_, n) => `2001:db8::${n + 1}`) },
  });
  const confirmed = { kind: "found", records: ["pool.test"] };
  assert.deepEqual(await s.resolver.confirmedName("192.0.2.40"), confirmed);
});

test("a client with more PTR names than are tried does not count as unnamed", async () => {
  const names = Array.from({ length: 6 }, (_, n) => `n${n}.test`);
  const asked = (): number => s.dns.questions.filter((question) => question.startsWith("A ")).length;
  await using s = await setup({
    "1.2.0.192.in-addr.arpa": { PTR: names },
    "2.2.0.192.in-addr.arpa": { PTR: names.slice(1) },
  });
  assert.equal((await s.resolver.confirmedName("192.0.2.1")).kind, "failed");
  assert.equal(asked(), 5);
  assert.equal((await s.resolver.confirmedName("192.0.2.2")).kind, "none");
});

test("names that are looked up at the same time are all searched in the host table", async () => {
  const names = ["a.test", "b.test", "c.test"];
  await using s = await setup({}, names.map((name) => `192.0.2.1 ${name}`).join("\n"));
  const kinds = (await Promise.all(names.map((name) => s.resolver.addresses(name)))).map(({ kind }) => kind);
  assert.deepEqual(kinds, ["found", "found", "found"]);
  assert.deepEqual(s.dns.questions, []);
});

test("the host table names a client in any spelling of its address, and only its own family", async () => {
  const reversed = (last: string): string => `${last}${".0".repeat(23)}.8.b.d.0.1.0.0.2.ip6.arpa`;
  await using s = await setup(
    {
      [reversed("1")]: { PTR: ["partner.test"] },
      [reversed("2")]: { PTR: ["listed.test"] },
      "partner.test": { AAAA: ["2001:db8::1"], A: ["198.51.100.1"] },
    },
    "192.0.2.1 partner.test\n2001:DB8:0:0:0:0:0:2 listed.test\n",
  );
  const confirmed = (name: string) => ({ kind: "found", records: [name] });
  assert.deepEqual(await s.resolver.confirmedName("2001:db8::1"), confirmed("partner.test"));
  assert.deepEqual(await s.resolver.confirmedName("2001:db8::2"), confirmed("listed.test"));
});
