import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAddress, type Address } from "../../../../../src/mail/address.ts";
import { clientNetwork } from "../../../../../src/mail/network.ts";
import type { CheckSettings } from "../../../../../src/ports/checks.ts";
import type { RcptSubject } from "../../../../../src/services/policy/check.ts";
import { heloCheck } from "../../../../../src/services/policy/checks/helo.ts";
import { MemoryDirectory } from "../../../../support/smtp-bench.ts";

const DIRECTORY = new MemoryDirectory([
  { name: "our.test" },
  { name: "off.test", settings: { checks: { helo: "off" } } },
  { name: "tag.test", settings: { checks: { helo: "tag" } } },
]);

interface Case {
  readonly helo: string;
  readonly ip?: string;
  readonly domain?: string;
  readonly forAll?: CheckSettings["helo"];
}

/** The field, or the reply; `none`: the check had nothing to say. */
function said({ helo, ip = "192.0.2.1", domain = "our.test", forAll = "tag" }: Case): string {
  const subject: RcptSubject = {
    ip,
    network: clientNetwork(ip),
    helo,
    extended: true,
    sender: "",
    announced: 0,
    recipient: parseAddress(`alice@${domain}`) as Address,
    domain: DIRECTORY.domain(domain, 0),
    certain: false,
  };
  const settings = (): CheckSettings => ({ dnsbl: "off", helo: forAll, contact: "see us.test" });
  const check = heloCheck({ settings, hostname: "mx.us.test" });
  assert.equal(check.reputation, true, "postmasters are spared");
  const verdict = check.run(subject);
  if (verdict === undefined || verdict instanceof Promise) return "none";
  if (verdict.kind === "tag") return verdict.field;
  return "reply" in verdict ? `${verdict.reply.code} ${verdict.reply.text}` : verdict.kind;
}

const SOUND: readonly Case[] = [
  { helo: "mail.example" },
  { helo: "MAIL.Example." },
  { helo: "sub.mx.us.test" },
  { helo: "b\u00fccher.example" },
  { helo: "[192.0.2.1]" },
  { helo: "[ipv6:2001:DB8:0::7]", ip: "2001:db8::7" },
  { helo: "[IPv6:::ffff:192.0.2.1]" },
  { helo: "[2001:db8::7]", ip: "2001:db8::7" },
];

for (const client of SOUND)
  test(`${client.helo} is a full name, or the client's own address`, () => {
    assert.equal(said(client), "accept");
  });

const FAULTS: readonly (readonly [name: string, ...clients: readonly Case[]])[] = [
  [
    "malformed",
    { helo: "192.0.2.1" },
    { helo: "2001:db8::7", ip: "2001:db8::7" },
    { helo: "[192.0.2]" },
    { helo: "[mail.example]" },
    { helo: "[]" },
    { helo: "[192.0.2.0/24]" },
    { helo: "[192.0.2.1" },
    { helo: "x[192.0.2.1]" },
    { helo: "[192.0.2.1]x" },
    { helo: "-mail.example" },
    { helo: "a..example" },
  ],
  [
    "other-address",
    { helo: "[192.0.2.2]" },
    { helo: "[IPv6:2001:db8::8]", ip: "2001:db8::7" },
    { helo: "[IPv6:2001:db8::7%eth0]" },
  ],
  ["our-name", { helo: "MX.us.test." }],
  ["not-a-full-name", { helo: "localhost" }, { helo: "mail." }],
];

for (const [name, ...clients] of FAULTS)
  for (const client of clients)
    test(`${client.helo} is ${name}`, () => {
      assert.equal(said(client), `X-Holdfast-HELO: ${name}`);
    });

test("what becomes of a fault is the recipient's domain's choice, before that of all", () => {
  const helo = "localhost";
  const words = "What you say in HELO is not a full host name; see us.test";
  assert.equal(said({ helo, forAll: "defer" }), `451 ${words}`);
  assert.equal(said({ helo, forAll: "reject" }), `550 ${words}`);
  assert.equal(said({ helo, forAll: "reject", domain: "tag.test" }), "X-Holdfast-HELO: not-a-full-name");
  assert.equal(said({ helo, forAll: "off", domain: "tag.test" }), "X-Holdfast-HELO: not-a-full-name");
  for (const off of [
    { forAll: "off" },
    { forAll: "reject", domain: "off.test" },
    { forAll: "reject", domain: "elsewhere.test" },
  ] as const)
    assert.equal(said({ helo, ...off }), "none", JSON.stringify(off));
});
