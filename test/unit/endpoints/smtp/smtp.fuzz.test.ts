import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Session } from "../../../../src/endpoints/smtp/session.ts";
import { parseAddress } from "../../../../src/mail/address.ts";
import { RawSmtp } from "../../../support/raw-smtp.ts";
import { benchParts, startBench, type Bench } from "../../../support/smtp-bench.ts";
import { NO_LIMITS } from "../../../support/smtp-settings.ts";
import { SmtpModel, STEPS } from "../../../support/smtp-model.ts";
import { waitFor } from "../../../support/wait.ts";

interface Kept {
  readonly name: string;
  /** Octets as latin1 text. */
  readonly wire: string;
  /** Of all replies after the greeting, in order. */
  readonly codes: readonly number[];
  readonly mails: number;
  /** The connection is closed after the last of them. */
  readonly closes?: boolean;
}

const CORPUS = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../../fixtures/smtp-corpus.json"), "utf8"),
) as readonly Kept[];

/** What is said last, and its reply, which nothing else gets. */
const LAST = "HELP\r\n";
const LAST_CODE = 214;

/** Sends the octets cut at these places; answers all codes up to that of LAST, or to the end of the connection. */
async function converse(bench: Bench, wire: Buffer, cuts: readonly number[]): Promise<number[]> {
  const smtp = new RawSmtp(connect(bench.port, "127.0.0.1"));
  await smtp.reply();
  const places = [...new Set(cuts)].filter((cut) => cut > 0 && cut < wire.length).sort((a, b) => a - b);
  for (const [index, from] of [0, ...places].entries()) {
    smtp.write(wire.subarray(from, places[index] ?? wire.length));
    await new Promise(setImmediate);
  }
  smtp.write(LAST);
  const codes: number[] = [];
  for (let reply = await smtp.reply(); reply !== undefined; reply = await smtp.reply()) {
    codes.push(reply.code);
    if (reply.code === LAST_CODE) break;
  }
  smtp.close();
  return codes;
}

describe("saved conversations", () => {
  for (const { name, wire, codes, mails, closes } of CORPUS)
    test(name, async () => {
      await using bench = await startBench();
      const octets = Buffer.from(wire, "latin1");
      const all = Array.from(octets, (_octet, at) => at);
      for (const cuts of [[], all, all.filter((at) => at % 7 === 0)]) {
        const before = bench.intake.mails.length;
        assert.deepEqual(
          await converse(bench, octets, cuts),
          closes === true ? codes : [...codes, LAST_CODE],
        );
        assert.equal(bench.intake.mails.length - before, mails);
      }
      await waitFor(
        { what: "no body is open", deadline: 2000, every: 2 },
        () => bench.intake.open.size === 0,
      );
    });
});

interface Talk {
  readonly wire: Buffer;
  readonly codes: readonly number[];
  readonly bodies: readonly string[];
}

/** Writes a walk down as octets, with what the reference says to it. */
function talkOf(steps: readonly (readonly [step: string, body: string])[]): Talk {
  const model = new SmtpModel();
  const codes: number[] = [];
  const bodies: string[] = [];
  let wire = "";
  let chunks = "";
  for (const [step, body] of steps) {
    const [, last = "", octets] = /^BDAT( LAST)?:(.*)$/s.exec(step) ?? [];
    wire += octets === undefined ? `${step}\r\n` : `BDAT ${octets.length}${last}\r\n${octets}`;
    const code = model.expect(step);
    codes.push(code);
    if (code === 354) {
      wire += `${body.replace(/(^|\r\n)\./g, "$1..")}\r\n.\r\n`;
      codes.push(body.includes("\0") ? 550 : 250);
      model.reset();
      if (!body.includes("\0")) bodies.push(normalised(`${body}\r\n`));
    }
    if (octets !== undefined && code === 250) {
      chunks += octets;
      if (last !== "") bodies.push(normalised(chunks));
    }
    if (!model.chunking) chunks = "";
  }
  return { wire: Buffer.from(wire, "latin1"), codes, bodies };
}

function normalised(text: string): string {
  return text.replace(/\r\n|\r|\n/g, "\r\n");
}

const OCTET = fc.constantFrom(
  ..."\r\n..\r\n\r\naZ \0\xff",
  "MAIL FROM:<s@evil.test>\r\n",
  "\r\n.\n",
  "\n.\r\n",
);
const TEXT = fc.array(OCTET, { maxLength: 12 }).map((parts) => parts.join(""));
const LINE = fc
  .uint8Array({ maxLength: 60 })
  .map(
    (octets) => `zz${Buffer.from(octets.filter((octet) => octet !== 10 && octet !== 13)).toString("latin1")}`,
  );
const CHUNK = fc.tuple(fc.constantFrom("BDAT:", "BDAT LAST:"), TEXT).map((parts) => parts.join(""));
const USUAL = fc.constantFrom(
  "EHLO c.example",
  "MAIL FROM:<a@b.example>",
  "RCPT TO:<alice@our.test>",
  "DATA",
);
const STEP = fc.oneof(fc.constantFrom(...STEPS), USUAL, USUAL, LINE, CHUNK);

describe("fuzzing", () => {
  test("random walks, cut anywhere, get the replies and leave the bodies of the reference", async () => {
    await using bench = await startBench({ limits: NO_LIMITS });
    const steps = fc.array(fc.tuple(STEP, TEXT), { minLength: 1, maxLength: 25 });
    const cuts = fc.array(fc.nat(1500), { maxLength: 10 });
    await fc.assert(
      fc.asyncProperty(steps, cuts, async (walk, places) => {
        const { wire, codes, bodies } = talkOf(walk);
        const before = bench.intake.mails.length;
        assert.deepEqual(await converse(bench, wire, places), [...codes, LAST_CODE]);
        const stored = bench.intake.mails.slice(before).map(({ body }) => body.toString("latin1"));
        assert.deepEqual(stored, bodies);
      }),
      { numRuns: 300 },
    );
    await waitFor({ what: "no body is open", deadline: 2000, every: 2 }, () => bench.intake.open.size === 0);
    assert.deepEqual(bench.errors, []);
  });

  test("no address that is made of tricks is taken, but for those of our users", async () => {
    const { settings, ...parts } = benchParts({ limits: NO_LIMITS });
    const session = new Session(
      { ...parts, greeting: { delay: () => 0, delivered: () => {} }, settings: () => settings },
      "192.0.2.1",
    );
    session.greeting();
    await session.command(Buffer.from("EHLO c"));
    const piece = fc.constantFrom(
      ...'@%!"\\<>(),:;[].+ ',
      ..."\u3002\uff0e\u00ad\u200b",
      "alice",
      "bob",
      "list-x",
      "our.test",
      "OUR.test",
      "evil.test",
      "mx.us",
      "xn--",
      "=?q?",
      "[127.0.0.1]",
      "postmaster",
    );
    const path = fc.array(piece, { minLength: 1, maxLength: 9 }).map((all) => all.join(""));
    const near = path.map((text) => `alice${text}@our.test`);
    await fc.assert(
      fc.asyncProperty(fc.oneof(path, near), async (text) => {
        await session.command(Buffer.from("RSET"));
        await session.command(Buffer.from("MAIL FROM:<> SMTPUTF8"));
        const { reply } = await session.command(Buffer.from(`RCPT TO:<${text}>`));
        const taken = session.transaction?.recipients ?? [];
        assert.equal(taken.length, reply.code === 250 ? 1 : 0);
        if (taken[0] === undefined)
          return assert.ok([501, 550, 553, 555].includes(reply.code), `${reply.code}`);
        const address = parseAddress(taken[0].address);
        assert.equal(address?.domain, taken[0].domain);
        assert.ok(["our.test"].includes(taken[0].domain), taken[0].address);
        assert.match(address?.local ?? "", /^(?:alice|bob|list-[^@%!]*|postmaster|admin)(?:\+[^@%!]*)?$/);
      }),
      { numRuns: 3000 },
    );
    assert.deepEqual(parts.errors, []);
  });
});
