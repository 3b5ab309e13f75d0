import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAddress, type Address } from "../../../../../src/mail/address.ts";
import type { CheckSettings } from "../../../../../src/ports/checks.ts";
import type { Lookup } from "../../../../../src/ports/resolver.ts";
import type { RcptSubject } from "../../../../../src/services/policy/check.ts";
import { clientNameCheck } from "../../../../../src/services/policy/checks/client-name.ts";
import { MemoryDirectory } from "../../../../support/smtp-bench.ts";

type Action = CheckSettings["clientName"];

const DIRECTORY = new MemoryDirectory([
  { name: "our.test" },
  { name: "off.test", settings: { checks: { clientName: "off" } } },
  { name: "tag.test", settings: { checks: { clientName: "tag" } } },
]);
const CLIENT = { ip: "192.0.2.1", network: "192.0.2.0/24", helo: "h", extended: true };
const NONE: Lookup<string> = { kind: "none" };
const FOUND: Lookup<string> = { kind: "found", records: ["mail.example", "second.example"] };
const FAILED: Lookup<string> = { kind: "failed", why: "ESERVFAIL" };

function setUp(answer: Lookup<string>, clientName?: Action) {
  const asked: string[] = [];
  const check = clientNameCheck({
    settings: () => ({ dnsbl: "off", contact: "see us.test", ...(clientName && { clientName }) }),
    resolver: {
      confirmedName: (ip) => {
        asked.push(ip);
        return Promise.resolve(answer);
      },
    },
  });
  /** The field, the reply, or what was seen; `none`: the check had nothing to say. */
  const said = async (domain = "our.test"): Promise<string> => {
    const recipient = parseAddress(`alice@${domain}`) as Address;
    const known = DIRECTORY.domain(domain, 0);
    const subject: RcptSubject = {
      ...CLIENT,
      sender: "",
      announced: 0,
      recipient,
      domain: known,
      certain: false,
    };
    const verdict = await check.run(subject);
    if (verdict === undefined) return "none";
    if (verdict.kind === "tag") return verdict.field;
    if ("reply" in verdict) return `${verdict.reply.code} ${verdict.reply.enhanced} ${verdict.reply.text}`;
    return `${verdict.kind}: ${verdict.note}`;
  };
  assert.equal(check.reputation, true, "postmasters are spared");
  return { asked, said, connect: (): void => check.atConnect?.(CLIENT) };
}

test("a client without a name that points back meets what the operator chose", async () => {
  const words = "Your address has no name in the DNS that points back to it; see us.test";
  assert.equal(await setUp(NONE, "reject").said(), `550 5.7.25 ${words}`);
  assert.equal(await setUp(NONE, "defer").said(), `451 4.7.25 ${words}`);
  assert.equal(await setUp(NONE, "tag").said(), "X-Holdfast-Client-Name: none");
  assert.equal(await setUp(NONE, "lookup").said(), "accept: none", "only for the Received field");
});

test("nothing is held against one that has a name, or of which the DNS does not tell", async () => {
  for (const action of ["lookup", "tag", "defer", "reject"] as const) {
    assert.equal(await setUp(FOUND, action).said(), "accept: mail.example");
    assert.equal(await setUp(FAILED, action).said(), "accept: the DNS gives no clear answer");
  }
});

test("the recipient's domain chooses before all; the DNS is asked for none that does not want to know", async () => {
  const strict = setUp(NONE, "reject");
  assert.equal(await strict.said("off.test"), "none");
  assert.equal(await strict.said("elsewhere.test"), "none");
  assert.deepEqual(strict.asked, []);
  assert.equal(await strict.said("tag.test"), "X-Holdfast-Client-Name: none");
  for (const action of [undefined, "off"] as const) {
    const lax = setUp(NONE, action);
    assert.equal(await lax.said(), "none");
    assert.deepEqual(lax.asked, []);
    assert.equal(await lax.said("tag.test"), "X-Holdfast-Client-Name: none");
  }
});

test("the name is asked for as soon as the client is here, where all domains want it", () => {
  for (const action of ["lookup", "tag", "defer", "reject"] as const) {
    const { asked, connect } = setUp(NONE, action);
    connect();
    assert.deepEqual(asked, ["192.0.2.1"], action);
  }
  for (const action of [undefined, "off"] as const) {
    const { asked, connect } = setUp(NONE, action);
    connect();
    assert.deepEqual(asked, []);
  }
});
