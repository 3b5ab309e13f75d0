import assert from "node:assert/strict";
import { test } from "node:test";
import { mailAuthenticator } from "../../../../src/adapters/authentication/authentication.ts";
import type { Lookup, RecordSource, RecordType } from "../../../../src/ports/resolver.ts";
import { systemClock } from "../../../../src/runtime/clock.ts";
import { loggerTo } from "../../../../src/runtime/log.ts";

type Zone = Readonly<Record<string, Partial<Record<RecordType, string>> | "SICK">>;

/** A name with a CNAME leads nowhere, so that questions for anything else are NXDOMAIN (RFC 6604 §3). */
function source(zone: Zone): RecordSource {
  const look = (name: string, type: RecordType): Lookup<string> => {
    const entry = zone[name];
    if (entry === "SICK") return { kind: "failed", why: "ESERVFAIL" };
    const record = entry?.[type];
    if (record !== undefined) return { kind: "found", records: [record] };
    const nameless = entry === undefined || entry.CNAME !== undefined;
    return { kind: "none", ...(nameless && { nameless }) };
  };
  return {
    records: (name, type) => Promise.resolve(look(name, type)),
    mx: () => Promise.resolve({ kind: "none" }),
  };
}

const ZONE: Zone = {
  "bank.example": { A: "192.0.2.1" },
  "_dmarc.bank.example": { TXT: "v=DMARC1; p=quarantine; sp=none; np=reject" },
  "mail.bank.example": { A: "192.0.2.2" },
  "texts.bank.example": { TXT: "hello" },
  "gone.bank.example": { CNAME: "gone.cloud.example" },
  "sick.bank.example": "SICK",
  "_dmarc.xn--bcher-kva.example": { TXT: "v=DMARC1; p=reject" },
};

const CASES: readonly (readonly [author: string, why: string, dmarc: object])[] = [
  ["bank.example", "has its own policy", { result: "fail", policy: "quarantine" }],
  ["mail.bank.example", "has the policy for subdomains", { result: "fail", policy: "none" }],
  ["texts.bank.example", "exists, without an address", { result: "fail", policy: "none" }],
  ["gone.bank.example", "exists, though it leads nowhere", { result: "fail", policy: "none" }],
  ["payroll.bank.example", "does not exist", { result: "fail", policy: "reject" }],
  ["ba\u200bnk.example", "is that of the bank to who reads it", { result: "fail", policy: "quarantine" }],
  [
    "\uff42\uff41\uff4e\uff4b\u3002example",
    "is that of the bank as well",
    { result: "fail", policy: "quarantine" },
  ],
  ["bücher.example", "is written in U-labels", { result: "fail", policy: "reject" }],
  ["sick.bank.example", "may exist or not", { result: "temperror", policy: "none" }],
];

for (const [author, why, dmarc] of CASES)
  test(`DMARC of a mail by ${author}, which ${why}`, async () => {
    const log = loggerTo(() => undefined);
    const parts = { resolver: source(ZONE), hostname: "mx.us", clock: systemClock(), log };
    const verifier = mailAuthenticator(parts).verifyBody();
    await verifier.feed(Buffer.from(`From: a@${author}\r\n\r\n`));
    assert.deepEqual((await verifier.finish({ dmarc: true })).dmarc, dmarc);
  });
