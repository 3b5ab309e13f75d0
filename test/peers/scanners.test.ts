import assert from "node:assert/strict";
import { test } from "node:test";
import { clamd, rspamd } from "../../src/adapters/scanners/scanners.ts";
import type { WholeBody } from "../../src/ports/inspection.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { gtubeMail, INFECTED, plainMail } from "../prove/content/mails.ts";
import { SIGNATURE, startClamd } from "./clamd.ts";
import { startRspamd } from "./rspamd.ts";
import { skipWithoutUnpacked } from "./unpacked.ts";
import { INSPECTED_MAIL } from "../support/fake-inspection.ts";

const PARTS = { clock: systemClock(), journal: { record: (): void => {} } };
function bodyOf(content: Buffer): WholeBody {
  return {
    size: content.length,
    facts: { received: 0, ownReceived: 0, tooLong: false },
    read: async function* () {
      for (let at = 0; at < content.length; at += 65_536) yield content.subarray(at, at + 65_536);
    },
  };
}

test(
  "Debian's clamd finds EICAR however it is wrapped",
  { skip: skipWithoutUnpacked("clamav", "clamd") },
  async () => {
    const { process, socket, tcp, streamMaxLength } = await startClamd();
    await using _running = process;
    const scanner = clamd(PARTS);
    const ask = (content: Buffer, server: string) =>
      scanner
        .open(INSPECTED_MAIL, { servers: [server], timeout: 15_000, connections: 4 })
        .finish(bodyOf(content));
    for (const [name, mail] of Object.entries(INFECTED))
      assert.deepEqual(await ask(mail(), socket), { kind: "found", name: SIGNATURE }, name);
    assert.deepEqual(await ask(plainMail("a"), tcp), { kind: "clean" });
    // It says so and closes while the body is still written, and now and then its answer goes down with the connection.
    const said: string[] = [];
    while (said.length < 20 && said.at(-1) !== "oversize")
      said.push((await ask(plainMail("a", streamMaxLength + 1), socket)).kind);
    assert.equal(said.at(-1), "oversize", said.join());
  },
);

test(
  "Debian's rspamd knows GTUBE and asks for fields",
  { skip: skipWithoutUnpacked("rspamd", "rspamd") },
  async () => {
    const { process, address } = await startRspamd();
    await using _running = process;
    const scanner = rspamd(PARTS);
    const servers = { servers: [address], timeout: 15_000, connections: 4 };
    const ask = (content: Buffer) => scanner.open(INSPECTED_MAIL, servers).finish(bodyOf(content));
    const spam = await ask(gtubeMail());
    assert.ok(spam.kind === "judged" && spam.word === "reject" && spam.message === "Gtube pattern");
    const ham = await ask(plainMail("a"));
    assert.ok(ham.kind === "judged" && ham.word === "no action");
    assert.deepEqual(ham.fields, ["X-Rspamd-Test: seen client.example"]);
    const scored = await ask(plainMail("a", 0, "X-Test-Score: 7"));
    assert.ok(scored.kind === "judged" && scored.word === "add header" && scored.score === 7);
  },
);
