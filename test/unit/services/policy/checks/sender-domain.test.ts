import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAddress, type Address } from "../../../../../src/mail/address.ts";
import type { Lookup, MxRecord } from "../../../../../src/ports/resolver.ts";
import { loggerTo } from "../../../../../src/runtime/log.ts";
import { ManualClock } from "../../../../support/manual-clock.ts";
import { quietPolicy } from "../../../../support/quiet-policy.ts";
import { recipientsOf } from "../../../../support/recipient-notes.ts";
import { MemoryDirectory } from "../../../../support/smtp-bench.ts";

const NONE: Lookup<never> = { kind: "none" };
const SICK: Lookup<never> = { kind: "failed", why: "ESERVFAIL" };
const found = (record: string): Lookup<string> => ({ kind: "found", records: [record] });

/** A and AAAA of domains without an MX record. */
const DNS: Readonly<Record<string, readonly [four: Lookup<string>, six: Lookup<string>]>> = {
  "four.example": [found("192.0.2.1"), NONE],
  "six.example": [NONE, found("2001:db8::1")],
  "half.example": [NONE, SICK],
};

/** MX records of others. */
const MX: Readonly<Record<string, Lookup<MxRecord>>> = {
  "sick.example": SICK,
  "null.example": { kind: "found", records: [{ preference: 0, host: "" }] },
  "both.example": {
    kind: "found",
    records: [
      { preference: 0, host: "" },
      { preference: 10, host: "mail.both.example" },
    ],
  },
};

async function verdictOn(sender: string): Promise<string> {
  const directory = new MemoryDirectory();
  const policy = quietPolicy({
    clock: new ManualClock(),
    recipients: recipientsOf(directory),
    settings: () => ({ dnsbl: "off", senderDomain: "reject" }),
    resolver: {
      mx: (name) => Promise.resolve(MX[name] ?? NONE),
      records: (name, type) => Promise.resolve(DNS[name]?.[type === "A" ? 0 : 1] ?? NONE),
      // The host table of this machine, and literals.
      addresses: () => Promise.resolve(found("127.0.0.1")),
      confirmedName: () => Promise.resolve(NONE),
    },
    log: loggerTo((_level, message, fields) => assert.fail(`${message} ${String(fields["stack"])}`)),
  });
  const recipient = parseAddress("alice@our.test") as Address;
  const client = { ip: "192.0.2.1", network: "192.0.2.0/24", helo: "h", extended: true, announced: 0 };
  const domain = directory.domain("our.test", 0);
  const verdict = await policy.rcpt({ ...client, sender, recipient, domain, certain: false });
  return "reply" in verdict ? `${verdict.reply.code} ${verdict.reply.enhanced}` : verdict.kind;
}

const CASES: readonly (readonly [sender: string, verdict: string])[] = [
  ["a@four.example", "accept"],
  ["a@six.example", "accept"],
  ["a@half.example", "accept"],
  ["a@sick.example", "accept"],
  ["a@both.example", "accept"],
  ["a@null.example", "550 5.7.27"],
  ["a@nowhere.example", "550 5.1.8"],
  ["root@localhost", "550 5.1.8"],
  ["a@192.0.2.1", "550 5.1.8"],
  ["a@[192.0.2.1]", "accept"],
  ["", "accept"],
];

for (const [sender, verdict] of CASES)
  test(`a return-path <${sender}>: ${verdict}, by the DNS and not by what this machine knows`, async () =>
    assert.equal(await verdictOn(sender), verdict));
