import assert from "node:assert/strict";
import { test } from "node:test";
import type { DomainRecord, DomainSettings, Primary } from "../../../../src/ports/directory.ts";
import type { Lookup, MxRecord, RecordSource, Resolver } from "../../../../src/ports/resolver.ts";
import { Doctor, type Finding, type Self } from "../../../../src/services/doctor/doctor.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

const NOW = Date.UTC(2026, 2, 1);
const DAY = 86_400_000;

type Zone = Record<string, readonly string[] | "failed">;

const SELF: Self = {
  hostname: "mx2.example.net",
  listening: ["0.0.0.0:25"],
  certificates: [{ names: ["mx2.example.net"], expiresAt: NOW + 60 * DAY }],
  addresses: ["192.0.2.1"],
};

const WELL: Zone = {
  "A mx2.example.net": ["192.0.2.1"],
  "PTR 192.0.2.1": ["mx2.example.net"],
  "A mail.example.com": ["198.51.100.7"],
  "MX example.com": ["10 mail.example.com", "20 mx2.example.net"],
};

/** By type and name; what is not there does not exist. */
class FakeDns implements Resolver, RecordSource {
  readonly #zone: Zone;

  constructor(zone: Zone) {
    this.#zone = zone;
  }

  async records(name: string, type: string): Promise<Lookup<string>> {
    const found = this.#zone[`${type} ${name}`];
    if (found === undefined || found.length === 0) return { kind: "none" };
    return found === "failed" ? { kind: "failed", why: "ESERVFAIL" } : { kind: "found", records: found };
  }

  async mx(domain: string): Promise<Lookup<MxRecord>> {
    const lookup = await this.records(domain, "MX");
    if (lookup.kind !== "found") return lookup;
    const records = lookup.records.map((text) => {
      const [preference, host = ""] = text.split(" ");
      return { preference: Number(preference), host };
    });
    return { kind: "found", records };
  }

  addresses(host: string): Promise<Lookup<string>> {
    return this.records(host, "A");
  }

  confirmedName(ip: string): Promise<Lookup<string>> {
    return this.records(ip, "PTR");
  }
}

interface Case {
  readonly zone?: Zone;
  readonly self?: Partial<Self>;
  readonly settings?: Partial<DomainSettings>;
  readonly record?: Partial<DomainRecord>;
  readonly listed?: boolean;
}

const PRIMARY: Primary = { host: "mail.example.com", port: 25, preference: 10, tls: "opportunistic" };

function doctorOf(
  { zone = {}, self = {}, settings = {}, record = {}, listed = true }: Case,
  dns = new FakeDns({ ...WELL, ...zone }),
): Doctor {
  const domain: DomainRecord = {
    name: "example.com",
    origin: "file",
    paused: false,
    draining: false,
    ...record,
    settings: {
      mode: "backup",
      primaries: [PRIMARY],
      catchAll: false,
      tagSeparator: "+",
      unknownDuringOutage: "reject",
      bareNewlines: "normalise",
      ...settings,
    },
  };
  return new Doctor({
    dns: () => dns,
    self: () => ({ ...SELF, ...self }),
    clock: new ManualClock(NOW),
    directory: {
      generation: () => 1,
      domain: (name) => (name === domain.name ? domain : undefined),
    },
    hasRecipients: async () => listed,
  });
}

const server = async (given: Case): Promise<readonly Finding[]> => doctorOf(given).server();
const domain = async (given: Case): Promise<readonly Finding[]> =>
  (await doctorOf(given).domain("example.com")) ?? assert.fail("not ours");

/** Verdict, topic and record of what is not in order. */
function complaints(findings: readonly Finding[]): readonly string[] {
  return findings
    .filter(({ verdict }) => verdict !== "ok")
    .map(({ what, verdict, record = "" }) => `${verdict} ${what} ${record}`.trim());
}

test("if all is well, the doctor reports every topic as ok", async () => {
  const own = await server({});
  assert.deepEqual(complaints(own), []);
  assert.deepEqual(
    own.map(({ what }) => what),
    ["name", "reverse", "port", "certificate"],
  );
  const found = await domain({});
  assert.deepEqual(complaints(found), []);
  assert.deepEqual(
    found.map(({ what }) => what),
    ["mx", "primary", "recipients"],
  );
});

test("a domain that is not ours is reported as such", async () => {
  assert.equal(await doctorOf({}).domain("foreign.example"), undefined);
});

const OF_SERVER: readonly (readonly [string, Case, readonly string[]])[] = [
  ["no address", { zone: { "A mx2.example.net": [] } }, ["fail name mx2.example.net. IN A 192.0.2.1"]],
  [
    "no address, in a container or behind a NAT",
    {
      zone: { "A mx2.example.net": [] },
      self: { addresses: ["172.17.0.2", "10.0.0.2", "192.168.1.2", "100.64.0.2", "fd00::2"] },
    },
    ["fail name mx2.example.net. IN A ADDRESS"],
  ],
  [
    "no address, with a private one beside its own",
    { zone: { "A mx2.example.net": [] }, self: { addresses: ["172.17.0.1", "2001:db8::1"] } },
    ["fail name mx2.example.net. IN AAAA 2001:db8::1"],
  ],
  ["no answer", { zone: { "A mx2.example.net": "failed" } }, ["warn name"]],
  ["behind a NAT", { self: { addresses: ["10.0.0.2"] } }, ["warn name"]],
  [
    "no reverse name",
    { zone: { "PTR 192.0.2.1": [] } },
    ["warn reverse 1.2.0.192.in-addr.arpa. IN PTR mx2.example.net."],
  ],
  [
    "another reverse name",
    { zone: { "PTR 192.0.2.1": ["vps1.hoster.example"] } },
    ["warn reverse 1.2.0.192.in-addr.arpa. IN PTR mx2.example.net."],
  ],
  ["no answer to the reverse name", { zone: { "PTR 192.0.2.1": "failed" } }, ["warn reverse"]],
  ["nothing listens", { self: { listening: [] } }, ["fail port"]],
  ["only this machine", { self: { listening: ["127.0.0.1:25", "[::1]:25"] } }, ["warn port"]],
  ["another port", { self: { listening: ["0.0.0.0:2525"] } }, ["warn port"]],
  ["no certificate", { self: { certificates: [] } }, ["warn certificate"]],
  [
    "of another name",
    { self: { certificates: [certificate("mail.example.net", 60)] } },
    ["warn certificate"],
  ],
  ["ends soon", { self: { certificates: [certificate("mx2.example.net", 10)] } }, ["warn certificate"]],
  ["has ended", { self: { certificates: [certificate("mx2.example.net", -1)] } }, ["warn certificate"]],
  [
    "could not be renewed, the second one neither",
    {
      self: {
        certificates: [
          { ...certificate("mx2.example.net", 60), trouble: "/etc/mx.key is empty" },
          { ...certificate("mx3.example.net", 60), trouble: "/etc/mx3.key is empty" },
        ],
      },
    },
    ["warn certificate", "warn certificate"],
  ],
  ["a star fits", { self: { certificates: [certificate("*.example.net", 60)] } }, []],
];

for (const [what, given, expected] of OF_SERVER)
  test(`the server: ${what}`, async () => assert.deepEqual(complaints(await server(given)), expected));

test("an address with several PTR names is ok if one of them is ours, in any spelling", async () => {
  const names = ["vps1.hoster.example", "MX2.example.net"];
  const zone = { "PTR 192.0.2.1": ["vps1.hoster.example"], "PTR 1.2.0.192.in-addr.arpa": names };
  const [, reverse] = await server({ zone });
  assert.deepEqual([reverse?.what, reverse?.verdict], ["reverse", "ok"]);
});

test("an IPv6 address is looked up by its own reverse name", async () => {
  const zone: Zone = { "A mx2.example.net": [], "AAAA mx2.example.net": ["2001:db8::1"] };
  const [, reverse] = await server({ zone, self: { addresses: ["2001:db8::1"] } });
  const nibbles = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2";
  assert.equal(reverse?.record, `${nibbles}.ip6.arpa. IN PTR mx2.example.net.`);
});

const OF_DOMAIN: readonly (readonly [string, Case, readonly string[]])[] = [
  [
    "no MX record",
    { zone: { "MX example.com": [] } },
    ["fail mx example.com. IN MX 20 mx2.example.net.", "warn mx example.com. IN MX 10 mail.example.com."],
  ],
  [
    "no MX record for a reflector",
    { settings: { mode: "reflector" }, zone: { "MX example.com": [] } },
    ["fail mx example.com. IN MX 10 mx2.example.net."],
  ],
  [
    "not named",
    { zone: { "MX example.com": ["5 mail.example.com"] } },
    ["fail mx example.com. IN MX 15 mx2.example.net."],
  ],
  [
    "no MX record, for two primaries",
    {
      settings: { primaries: [{ ...PRIMARY, host: "spare.example.com", preference: 20 }, PRIMARY] },
      zone: { "MX example.com": [], "A spare.example.com": ["198.51.100.9"] },
    },
    ["fail mx example.com. IN MX 20 mx2.example.net.", "warn mx example.com. IN MX 10 mail.example.com."],
  ],
  [
    "not named, while our own name cannot be looked up",
    { zone: { "MX example.com": ["5 mail.example.com"], "A mx2.example.net": "failed" } },
    ["fail mx example.com. IN MX 15 mx2.example.net."],
  ],
  [
    "before the primary, by another name of our address",
    {
      zone: {
        "MX example.com": ["10 backup.example.com", "20 mail.example.com"],
        "A backup.example.com": ["192.0.2.1"],
      },
    },
    ["warn mx example.com. IN MX 30 backup.example.com."],
  ],
  [
    "a reflector that is not named",
    { settings: { mode: "reflector" }, zone: { "MX example.com": ["5 mail.example.com"] } },
    ["fail mx example.com. IN MX 0 mx2.example.net."],
  ],
  [
    "null MX",
    { zone: { "MX example.com": ["0 "] } },
    ["fail mx example.com. IN MX 20 mx2.example.net.", "warn mx example.com. IN MX 10 mail.example.com."],
  ],
  ["no answer", { zone: { "MX example.com": "failed" } }, ["warn mx"]],
  [
    "the only one",
    { zone: { "MX example.com": ["20 mx2.example.net"] } },
    ["warn mx example.com. IN MX 10 mail.example.com."],
  ],
  [
    "the only one, before a primary that senders cannot come to",
    {
      settings: { primaries: [{ ...PRIMARY, port: 2525 }] },
      zone: { "MX example.com": ["10 mx2.example.net"] },
    },
    ["warn mx"],
  ],
  [
    "the only one, where little room is before it",
    { zone: { "MX example.com": ["5 mx2.example.net"] } },
    ["warn mx example.com. IN MX 0 mail.example.com."],
  ],
  [
    "not named, and at the end of what a preference can be",
    { zone: { "MX example.com": ["65530 mail.example.com"] } },
    ["fail mx example.com. IN MX 65535 mx2.example.net."],
  ],
  [
    "before a primary that nothing can stand behind",
    { zone: { "MX example.com": ["65535 mail.example.com", "1 mx2.example.net"] } },
    ["warn mx"],
  ],
  [
    "the only one, where nothing can stand before it",
    { zone: { "MX example.com": ["0 mx2.example.net"] } },
    ["warn mx"],
  ],
  [
    "before the primary",
    { zone: { "MX example.com": ["10 mail.example.com", "10 mx2.example.net"] } },
    ["warn mx example.com. IN MX 20 mx2.example.net."],
  ],
  [
    "by another name of our address",
    {
      zone: {
        "MX example.com": ["10 mail.example.com", "20 backup.example.com"],
        "A backup.example.com": ["192.0.2.1"],
      },
    },
    [],
  ],
  ["a reflector that senders may pass", { settings: { mode: "reflector" } }, ["warn mx"]],
  [
    "a reflector alone",
    { settings: { mode: "reflector" }, zone: { "MX example.com": ["10 mx2.example.net"] } },
    [],
  ],
  ["a primary without address", { zone: { "A mail.example.com": [] } }, ["fail primary"]],
  ["a primary that nobody answers for", { zone: { "A mail.example.com": "failed" } }, ["warn primary"]],
  ["a primary that is this server", { zone: { "A mail.example.com": ["192.0.2.1"] } }, ["fail primary"]],
  [
    "a primary that is this server by one of its addresses",
    { zone: { "A mail.example.com": ["198.51.100.7", "192.0.2.1"] } },
    ["warn primary"],
  ],
  [
    "a primary on this machine, at a port of its own",
    {
      settings: { primaries: [{ ...PRIMARY, host: "192.0.2.1", port: 2525 }] },
      zone: { "A 192.0.2.1": ["192.0.2.1"] },
    },
    [],
  ],
  ["deliveries that an operator paused", { record: { paused: true } }, ["warn primary"]],
  ["no recipients", { listed: false }, ["fail recipients"]],
  ["no list, but callouts", { listed: false, settings: { callout: true } }, []],
  ["catch-all", { settings: { catchAll: true } }, ["warn recipients"]],
  [
    "a list that was never fetched",
    { listed: false, settings: { fetched: { url: "https://x.example/users", every: 1 } } },
    ["fail recipients"],
  ],
  ["a domain that was removed", { record: { draining: true } }, ["warn recipients"]],
];

for (const [what, given, expected] of OF_DOMAIN)
  test(`a domain: ${what}`, async () => assert.deepEqual(complaints(await domain(given)), expected));

test("a fetched list without entries is not reported as never fetched, because its domain refuses mail", async () => {
  const settings = { fetched: { url: "https://x.example/users", every: 1 } };
  const texts = async (record: Partial<DomainRecord>): Promise<string> =>
    (await domain({ listed: false, settings, record })).map(({ text }) => text).join();
  assert.match(await texts({}), /never fetched: all mail is deferred/);
  assert.match(await texts({ fetched: 1 }), /no recipient is known: all mail .* is refused/);
});

test("primaries by MX are the hosts with a lower preference than ours", async () => {
  const settings = { primaries: [{ ...PRIMARY, host: "", mx: true }] };
  assert.deepEqual(complaints(await domain({ settings })), []);
  const zone: Zone = { "MX example.com": ["10 mx2.example.net", "20 mail.example.com"] };
  assert.ok(complaints(await domain({ settings, zone })).includes("fail primary"));
  const mute: Zone = { "MX example.com": "failed" };
  assert.ok(complaints(await domain({ settings, zone: mute })).includes("warn primary"));
  const onPort = { primaries: [{ ...PRIMARY, port: 0, host: "", mx: true }] };
  const alias: Zone = { "A mail.example.com": ["192.0.2.1"] };
  assert.ok(complaints(await domain({ settings: onPort, zone: alias })).includes("fail primary"));
  const nullMx: Zone = { "MX example.com": ["0 "] };
  assert.ok(complaints(await domain({ settings, zone: nullMx })).includes("fail primary"));
});

test("each primary by MX is examined, and together they are ok if one of them is", async () => {
  const settings = { primaries: [{ ...PRIMARY, host: "", mx: true }] };
  const before = { "MX example.com": ["10 mail.example.com", "15 alias.example.com", "20 mx2.example.net"] };
  for (const [zone, verdict, words] of [
    [{ "A alias.example.com": ["198.51.100.8"] }, "ok", /mail\.example\.com and alias/],
    [{}, "warn", /^MX hosts preferred to ours: mail.* alias\.example\.com has no address$/],
    [
      { "A alias.example.com": ["192.0.2.1"] },
      "warn",
      /alias\.example\.com is 192.* that is this server itself/,
    ],
    [{ "A mail.example.com": [] }, "fail", /mail\.example\.com has no address; alias/],
    [{ "A mail.example.com": "failed" }, "warn", /could not be looked up/],
  ] as const) {
    const found = await domain({ settings, zone: { ...before, ...zone } });
    const primary = found.find(({ what }) => what === "primary");
    assert.equal(primary?.verdict, verdict);
    assert.match(primary.text, words);
  }
});

test("the order of the MX records is reported as senders use it", async () => {
  const zone: Zone = {
    "MX example.com": ["30 spare.example.net", "20 mx2.example.net", "10 mail.example.com"],
  };
  const found = await domain({ zone });
  assert.equal(
    found.find(({ what }) => what === "mx")?.text,
    "mail.example.com (10), then mx2.example.net (20), then spare.example.net (30)",
  );
});

test("without MX records, a primary by MX is the domain's own address", async () => {
  const zone: Zone = { "MX example.com": [], "A example.com": ["198.51.100.7"] };
  for (const [port, shown] of [
    [0, 25],
    [2525, 2525],
  ] as const) {
    const settings = { primaries: [{ ...PRIMARY, port, host: "", mx: true }] };
    const found = await domain({ settings, zone });
    const text = `example.com is 198.51.100.7, port ${shown}`;
    assert.equal(found.find(({ what }) => what === "primary")?.text, text);
  }
});

test("a TLS policy of the domain is reported", async () => {
  const zone: Zone = { "TXT _mta-sts.example.com": ["v=STSv1; id=20260101"] };
  const found = await domain({ zone });
  assert.match(found.find(({ what }) => what === "mta-sts")?.text ?? "", /must name mx2\.example\.net/);
});

test("the number of queries is bounded, however many records there are", async () => {
  const many = Array.from({ length: 500 }, (_, i) => `${i + 1} host${i}.example.com`);
  const addresses = Array.from({ length: 500 }, (_, i) => `192.0.${i >> 8}.${i & 255}`);
  const zone: Zone = { "MX example.com": many, "A mx2.example.net": addresses };
  const settings = { primaries: [{ ...PRIMARY, host: "", mx: true }] };
  let asked = 0;
  class Counting extends FakeDns {
    override records(name: string, type: string): Promise<Lookup<string>> {
      asked += 1;
      return super.records(name, type);
    }
  }
  const doctor = doctorOf({ settings }, new Counting(zone));
  await doctor.server();
  await doctor.domain("example.com");
  assert.ok(asked < 60, `${asked} questions`);
});

function certificate(name: string, days: number): Self["certificates"][number] {
  return { names: [name], expiresAt: NOW + days * DAY };
}
