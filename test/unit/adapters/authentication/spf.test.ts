import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { mailAuthenticator } from "../../../../src/adapters/authentication/authentication.ts";
import type { Lookup, RecordSource, RecordType } from "../../../../src/ports/resolver.ts";
import { systemClock } from "../../../../src/runtime/clock.ts";
import { loggerTo } from "../../../../src/runtime/log.ts";
import { dkimSign } from "../../../fixtures/dkim.ts";
import { SPF_CASES, type SpfRecords, type SpfZone } from "../../../fixtures/spf-cases.ts";

function sourceOf(zone: SpfZone, asked: string[] = []): RecordSource {
  const look = (name: string, type: keyof SpfRecords): Lookup<string> => {
    asked.push(`${type} ${name}`);
    const records = zone[name.toLowerCase().replace(/\.$/, "")] ?? {};
    if (records === "SICK") return { kind: "failed", why: "ETIMEOUT" };
    const found = records[type] ?? [];
    return found.length === 0 ? { kind: "none" } : { kind: "found", records: found };
  };
  return {
    records: (name: string, type: RecordType) => Promise.resolve(look(name, type as keyof SpfRecords)),
    mx: (name) => {
      const lookup = look(name, "MX");
      if (lookup.kind !== "found") return Promise.resolve(lookup);
      const records = lookup.records.map((host) => ({ preference: 10, host: host === "." ? "" : host }));
      return Promise.resolve({ kind: "found", records });
    },
  };
}

const log = loggerTo(() => undefined);
const authenticatorOver = (resolver: RecordSource) =>
  mailAuthenticator({ resolver, hostname: "mx.us", clock: systemClock(), log });

describe("RFC 7208", () => {
  for (const {
    name,
    zone,
    sender = "x@d.test",
    helo = "client.test",
    ip = "192.0.2.1",
    result,
  } of SPF_CASES) {
    test(`${name}: ${result}`, async () => {
      const answer = await authenticatorOver(sourceOf(zone)).spf({ ip, helo, sender });
      assert.equal(answer.result, result);
    });
  }
});

test("the domain that was asked is told, and whose it is", async () => {
  const { spf } = authenticatorOver(sourceOf({}));
  const cases: readonly (readonly [sender: string, domain: string, identity: string])[] = [
    ["x@D.test", "d.test", "mailfrom"],
    ['"a@b.test"@d.test', "d.test", "mailfrom"],
    ["x@b\u00fccher.test", "xn--bcher-kva.test", "mailfrom"],
    ["x@d_.test;pass", "invalid", "mailfrom"],
    ["", "helo.test", "helo"],
  ];
  for (const [sender, domain, identity] of cases) {
    const answer = await spf({ ip: "192.0.2.1", helo: "helo.test", sender });
    assert.deepEqual([answer.domain, answer.identity], [domain, identity]);
  }
});

describe("trouble", () => {
  const question = { ip: "192.0.2.1", helo: "h.test", sender: "x@d.test" };

  test("what the resolver throws is temperror", async () => {
    const broken = {
      records: () => Promise.reject(new Error("bug")),
      mx: () => Promise.reject(new Error("bug")),
    };
    assert.equal((await authenticatorOver(broken).spf(question)).result, "temperror");
    const thrower = {
      records: (): never => {
        throw new TypeError("bug");
      },
      mx: broken.mx,
    };
    assert.equal((await authenticatorOver(thrower).spf(question)).result, "temperror");
  });

  test("a DNS that never answers is temperror in time, and has a time limit as a whole", async () => {
    const never = new Promise<never>(() => undefined);
    const silent = { records: () => never, mx: () => never };
    const authenticator = mailAuthenticator({
      resolver: silent,
      hostname: "mx.us",
      clock: systemClock(),
      log,
      patience: 30,
    });
    assert.equal((await authenticator.spf(question)).result, "temperror");
    const verifier = authenticator.verifyBody();
    await verifier.feed(dkimSign(Buffer.from("From: a@sender.example\r\n\r\nHello\r\n"), ["from"]));
    const { signatures, dmarc } = await verifier.finish({ dmarc: true });
    assert.deepEqual([signatures.map(({ result }) => result), dmarc?.result], [["temperror"], "temperror"]);
  });

  test("nonsense from clients is judged, not thrown at anybody", async () => {
    const odd = [
      "",
      "@",
      "\0@\0",
      "x@\u{1f600}.test",
      `x@${"a.".repeat(5000)}test`,
      "%{i}@%{d}.test",
      "a@b@c",
    ];
    for (const sender of odd)
      for (const helo of odd)
        for (const ip of ["192.0.2.1", "::1", "nonsense"]) {
          const { result, domain, comment } = await authenticatorOver(sourceOf({})).spf({ ip, helo, sender });
          assert.match(result, /^(?:none|temperror|permerror)$/);
          assert.match(`${domain} ${comment}`, /^[\x20-\x7e]{1,700}$/);
        }
  });

  test("a huge policy and one that wants everything are bounded", async () => {
    const huge = sourceOf({ "d.test": { TXT: [`v=spf1 ${"ip4:203.0.113.1 ".repeat(4000)}-all`] } });
    assert.equal((await authenticatorOver(huge).spf(question)).result, "fail");
    const asked: string[] = [];
    const hosts = Array.from({ length: 10 }, (_, n) => `n${n}.test`);
    const greedy = Object.fromEntries(hosts.map((name) => [name, { A: ["203.0.113.1"], MX: hosts }]));
    const policy = { TXT: [`v=spf1 ${hosts.map((name) => `mx:${name}`).join(" ")} -all`] };
    await authenticatorOver(sourceOf({ ...greedy, "d.test": policy }, asked)).spf(question);
    assert.ok(asked.length <= 150, `${asked.length} questions`);
  });
});

describe("what the domain's owner says of a fail (RFC 7208 §6.2)", () => {
  const policy = "v=spf1 ip4:203.0.113.1 exp=why.d.test -all";
  const told = (zone: SpfZone, more: { readonly helo?: string; readonly sender?: string } = {}) =>
    authenticatorOver(sourceOf({ "d.test": { TXT: [policy] }, ...zone })).spf({
      ip: "192.0.2.1",
      helo: "client.test",
      sender: "x@d.test",
      ...more,
    });
  const saying = (...TXT: string[]): SpfZone => ({ "why.d.test": { TXT } });

  const cases: readonly (readonly [string, SpfZone, string | undefined])[] = [
    ["plain words", saying("ask postmaster@d.test"), "ask postmaster@d.test"],
    [
      "macros",
      saying("%{i} is none of %{d}'s%_servers, %{s} says %{h} to %{r}"),
      "192.0.2.1 is none of d.test's servers, x@d.test says client.test to mx.us",
    ],
    ["blanks around it", saying("  so it is  "), "so it is"],
    ["no record", {}, undefined],
    ["a DNS that does not answer", { "why.d.test": "SICK" }, undefined],
    ["two records", saying("one", "two"), undefined],
    ["an empty record", saying(""), undefined],
    ["blanks alone", saying("   "), undefined],
    ["a line of its own", saying("no\r\n250 2.0.0 taken"), undefined],
    ["a control character", saying("no\u001b[2J"), undefined],
    ["letters beyond ASCII", saying("l\u00e4uft nicht"), undefined],
    ["octets beyond ASCII", saying("\u0080\u00ff"), undefined],
    ["a malformed macro", saying("100% of %{x}"), undefined],
    ["many characters", saying("a".repeat(301)), `${"a".repeat(297)}...`],
    ["a huge record of macros", saying("%{s}".repeat(16_000)), `${"x@d.test".repeat(38).slice(0, 297)}...`],
    [
      "redirect: that of the other",
      { "d.test": { TXT: ["v=spf1 redirect=o.test"] }, "o.test": { TXT: [policy] }, ...saying("other") },
      "other",
    ],
    [
      "include: not that of the other",
      { "d.test": { TXT: ["v=spf1 include:o.test -all"] }, "o.test": { TXT: [policy] }, ...saying("other") },
      undefined,
    ],
  ];
  for (const [name, zone, explanation] of cases)
    test(name, async () => {
      const answer = await told(zone);
      assert.deepEqual([answer.result, answer.explanation], ["fail", explanation]);
    });

  test("nothing of what a client said goes beyond printable ASCII", async () => {
    for (const odd of ["h\u00e4.test", "h\r\n250 ok", "h\u0000"]) {
      const { result, explanation = "" } = await told(saying("you are %{h}"), { helo: odd });
      assert.equal(result, "fail");
      assert.match(explanation, /^[\x20-\x7e]{0,300}$/);
    }
  });

  test("what is no fail is not explained", async () => {
    for (const all of ["+all", "~all", "?all"]) {
      const zone = { "d.test": { TXT: [`v=spf1 exp=why.d.test ${all}`] }, ...saying("so it is") };
      assert.equal((await told(zone)).explanation, undefined);
    }
  });
});
