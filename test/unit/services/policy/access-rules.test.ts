import assert from "node:assert/strict";
import { test } from "node:test";
import { MAILBOX, type PatternKind, SENDER } from "../../../../src/mail/access-pattern.ts";
import { parseAddress, type Address } from "../../../../src/mail/address.ts";
import { clientNetwork, networkHas, parseNetwork } from "../../../../src/mail/network.ts";
import type { AccessRule } from "../../../../src/ports/checks.ts";
import type { DomainRecord, DomainSettings } from "../../../../src/ports/directory.ts";
import { AccessRules } from "../../../../src/services/policy/access-rules.ts";
import type { RcptSubject } from "../../../../src/services/policy/policy.ts";
import { domainSettings } from "../../../support/domain-settings.ts";
import { seededRandom } from "../../../support/random.ts";

interface Client {
  readonly ip?: string;
  readonly helo?: string;
  readonly sender?: string;
  readonly to?: string;
  /** Of the recipient's domain. */
  readonly settings?: Partial<DomainSettings>;
}

function subject({
  ip = "192.0.2.1",
  helo = "c.example",
  sender = "a@b.example",
  to = "alice@our.test",
  settings,
}: Client): RcptSubject {
  const recipient = parseAddress(to) as Address;
  const client = { ip, network: clientNetwork(ip), helo, extended: true };
  const domain = domainOf(recipient.domain, { ...domainSettings(), ...settings });
  return { ...client, sender, announced: 0, recipient, domain, certain: false };
}

function domainOf(name: string, settings: DomainSettings): DomainRecord {
  return { name, origin: "file", settings, paused: false, draining: false };
}

function first(rules: readonly Omit<AccessRule, "action">[], client: Client, now = 0): number {
  const all = rules.map((rule): AccessRule => ({ action: "block", ...rule }));
  const found = new AccessRules().find(all, subject(client), now);
  return found === undefined ? -1 : all.indexOf(found);
}

/** The pattern as the configuration and the API keep it. */
function read(kind: PatternKind, text: string): string {
  const reading = kind.read(text);
  assert.ok("value" in reading, text);
  return reading.value;
}

test("each kind of pattern, alone and together", () => {
  assert.equal(first([{ network: "192.0.2.0/24" }], {}), 0);
  assert.equal(first([{ network: "2001:db8::/32" }], { ip: "2001:db8:1::5" }), 0);
  assert.equal(first([{ network: "2001:db8::/32" }], { ip: "32.1.13.184" }), -1);
  assert.equal(first([{ network: "192.0.2.1" }], { ip: "::ffff:192.0.2.1" }), 0);
  assert.equal(first([{ helo: "*.example" }], { helo: "A.B.Example" }), 0);
  assert.equal(first([{ helo: "*.example" }], { helo: "example" }), -1);
  assert.equal(first([{ sender: "<>" }], { sender: "" }), 0);
  assert.equal(first([{ sender: "@b.example" }], { sender: "Anna@B.example" }), 0);
  assert.equal(first([{ sender: "@b.example" }], { sender: "a@sub.b.example" }), -1);
  assert.equal(first([{ recipient: "@our.test" }], {}), 0);
  assert.equal(first([{ network: "192.0.2.1", sender: "x@y.example" }], {}), -1);
  assert.equal(first([{ sender: "@b.example", domain: "other.test" }], {}), -1);
  assert.equal(first([{ sender: "@b.example", domain: "our.test" }], {}), 0);
});

test("a network that cannot be read has nobody, whatever else the rule and its neighbours name", () => {
  const everybody = { network: "::/0", sender: "x@y.example" };
  for (const network of ["rubbish", "10.0.0.0/99", "0.0.0.0/33"])
    assert.equal(
      first([everybody, { network }, { network, sender: "@b.example" }], { helo: "undefined" }),
      -1,
    );
});

test("a HELO name is the same in every spelling of it", () => {
  for (const helo of [
    "mail.xn--bcher-kva.example",
    "Mail.B\u00fccher.example",
    "mail.b\u00fccher.example.",
  ]) {
    assert.equal(first([{ helo: "mail.xn--bcher-kva.example" }], { helo }), 0, helo);
    assert.equal(first([{ helo: "*.xn--bcher-kva.example" }], { helo }), 0, helo);
  }
  assert.equal(first([{ helo: "junk.example" }], { helo: "JUNK.example." }), 0);
  assert.equal(first([{ helo: "junk.example" }], { helo: "junk.example.." }), -1);
  assert.equal(first([{ helo: "*.example" }], { helo: "[192.0.2.1]" }), -1);
});

test("a mailbox is named in any spelling, in the rule and by the client", () => {
  const spellings = ["bob.k@our.test", "BOB.K@Our.Test.", '"bob.k"@our.test', '"bob\\.k"@our.test'];
  for (const written of spellings)
    for (const to of spellings) {
      assert.equal(first([{ recipient: read(MAILBOX, written) }], { to }), 0, `${written}: ${to}`);
      const sender = parseAddress(to)?.text ?? "";
      assert.equal(first([{ sender: read(SENDER, written) }], { sender }), 0, `${written}: ${to}`);
    }
  const accented = read(MAILBOX, "e\u0301lodie@our.test");
  assert.equal(first([{ recipient: accented }], { to: "\u00c9lodie@our.test" }), 0);
  const quoted = read(MAILBOX, '"John Doe"@our.test');
  assert.equal(first([{ recipient: quoted }], { to: '"john\\ doe"@our.test' }), 0);
  assert.equal(read(MAILBOX, quoted), quoted, "it is shown as an address");
});

test("a mailbox is named with all of its tags, one of its tags alone, and none where the domain has no tags", () => {
  const tagged = { tagSeparator: "+" };
  const block = (written: string, to: string, settings = tagged): number =>
    first([{ recipient: read(MAILBOX, written) }], { to, settings });
  assert.equal(block("bob@our.test", "Bob+shop@our.test"), 0);
  assert.equal(block("bob@our.test", '"bob+shop"@our.test'), 0);
  assert.equal(block('"bob k"@our.test', '"bob k+shop"@our.test'), 0);
  assert.equal(block("bob+shop@our.test", "bob+SHOP@our.test"), 0);
  assert.equal(block("bob+shop@our.test", "bob@our.test"), -1);
  assert.equal(block("bob+shop@our.test", "bob+work@our.test"), -1);
  assert.equal(block("bob@our.test", "bob-shop@our.test"), -1);
  assert.equal(block("bob@our.test", "bob-shop@our.test", { tagSeparator: "-" }), 0);
  assert.equal(block("bob@our.test", "bob+shop@our.test", { tagSeparator: "" }), -1);
});

test("no other mailbox is named by it", () => {
  const block = (written: string, to: string): number =>
    first([{ recipient: read(MAILBOX, written) }], { to });
  assert.equal(block("mike@our.test", "mi\u212ae@our.test"), -1, "KELVIN SIGN");
  assert.equal(block('"\\"bob\\""@our.test', "bob@our.test"), -1, "quotes that are part of the name");
  assert.equal(block('""@our.test', "bob@our.test"), -1, "an empty name is not all of the domain");
});

test("the first that fits decides, one that is over never does", () => {
  const rules = [{ helo: "c.example", until: 5 }, { recipient: "alice@our.test" }, { network: "192.0.2.1" }];
  assert.deepEqual([first(rules, {}, 4), first(rules, {}, 5)], [0, 1]);
});

test("of several that name the same client each is looked at, with all that it names", () => {
  const [network, over] = ["192.0.2.1", 1];
  const rules = [
    { network, helo: "*.else.example" },
    { network, until: over },
    { network, domain: "x.test" },
  ];
  assert.equal(first(rules, {}, over), -1);
  assert.equal(first([...rules, { network }], {}, over), 3);
  assert.equal(first(rules, { helo: "c.else.example" }, over), 0);
});

test("thousands of rules answer as a look at each of them would", () => {
  const random = seededRandom(7);
  const ip = (): string => `10.0.${random.below(4)}.${random.below(256)}`;
  const rules = Array.from({ length: 3000 }, (): AccessRule => {
    const bits = random.pick([32, 30, 24]);
    const [a = 0, b = 0, c = 0, d = 0] = ip().split(".").map(Number);
    const last = bits === 24 ? 0 : bits === 30 ? d & ~3 : d;
    if (random.below(3) === 0) return { action: "block", sender: `s${random.below(500)}@b.example` };
    return {
      action: "allow",
      network: `${a}.${b}.${c}.${last}/${bits}`,
      ...(random.below(4) === 0 && { helo: "x.example" }),
    };
  });
  const table = new AccessRules();
  for (let n = 0; n < 500; n++) {
    const client = subject({
      ip: ip(),
      sender: `s${random.below(700)}@b.example`,
      helo: random.pick(["x.example", "y.example"]),
    });
    const slow = rules.find(({ network, sender, helo }) => {
      const near = network === undefined ? undefined : parseNetwork(network);
      if (near !== undefined && !networkHas(near, client.ip)) return false;
      return (
        (sender === undefined || sender === client.sender) && (helo === undefined || helo === client.helo)
      );
    });
    assert.equal(table.find(rules, client, 0), slow);
  }
});
