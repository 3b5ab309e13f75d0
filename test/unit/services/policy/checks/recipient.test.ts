import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAddress, type Address } from "../../../../../src/mail/address.ts";
import {
  calloutCheck,
  recipientCheck,
  replyTo,
} from "../../../../../src/services/policy/checks/recipient.ts";
import type { RcptSubject } from "../../../../../src/services/policy/policy.ts";
import type { Admission, Recipients } from "../../../../../src/services/recipients/recipients.ts";
import { MemoryDirectory } from "../../../../support/smtp-bench.ts";

const ADMISSIONS: readonly (readonly [Admission, string])[] = [
  [{ kind: "accept", why: "file" }, "accept"],
  [{ kind: "accept", why: "outage" }, "accept"],
  [{ kind: "reject", why: "unknown" }, "reject 550 5.1.1"],
  [{ kind: "reject", why: "refused" }, "reject 550 5.1.1"],
  [{ kind: "reject", why: "outage" }, "reject 550 5.1.1"],
  [{ kind: "defer", why: "doubted" }, "defer 450 4.1.1"],
  [{ kind: "defer", why: "unverified" }, "defer 450 4.1.1"],
  [{ kind: "defer", why: "outage" }, "defer 450 4.1.1"],
  [{ kind: "defer", why: "strangers" }, "defer 450 4.7.1"],
  [{ kind: "defer", why: "unlisted" }, "defer 450 4.1.1"],
];

function subject(name: string): RcptSubject {
  const directory = new MemoryDirectory([
    { name: "lists.test", recipients: ["alice"] },
    { name: "asks.test", settings: { callout: true } },
  ]);
  const client = { ip: "192.0.2.1", network: "192.0.2.0/24", helo: "h", extended: true, sender: "" };
  const recipient = parseAddress(`alice@${name}`) as Address;
  return { ...client, announced: 0, recipient, domain: directory.domain(name, 0), certain: false };
}

function said(admission: Admission, name: string): (string | undefined)[] {
  const recipients = { admit: () => admission } as unknown as Recipients;
  return [recipientCheck(recipients), calloutCheck(recipients)].map((check) => {
    const verdict = check.run(subject(name));
    if (verdict === undefined || verdict instanceof Promise) return undefined;
    if (!("reply" in verdict)) return verdict.kind;
    assert.equal(verdict.reply, replyTo(admission), "what operators are shown is what clients get");
    return `${verdict.kind} ${verdict.reply.code} ${verdict.reply.enhanced}`;
  });
}

for (const [admission, wanted] of ADMISSIONS)
  test(`${admission.kind}, ${admission.why}: ${wanted}, from the one check whose domain it is`, () => {
    assert.deepEqual(said(admission, "lists.test"), [wanted, undefined]);
    assert.deepEqual(said(admission, "asks.test"), [undefined, wanted]);
    if (admission.kind === "accept") assert.equal(replyTo(admission), undefined);
  });
