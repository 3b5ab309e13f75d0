/** A primary that refuses what it likes, each time in words of its own, behind a line that breaks at any octet. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { smtpClient } from "../../../../src/adapters/smtp-client/smtp-client.ts";
import type { Outcome } from "../../../../src/mail/outcome.ts";
import type { Conversation, SendResult } from "../../../../src/ports/smtp-client.ts";
import type { ClaimedMail } from "../../../../src/ports/work-store.ts";
import { systemClock } from "../../../../src/runtime/clock.ts";
import { inPieces, namedMail, TOP_FIELDS } from "../../../support/claimed-mail.ts";
import { fakePrimary, type Behaviour, type FakePrimary } from "../../../support/fake-primary.ts";
import { frailLine } from "../../../support/frail-line.ts";
import { targetAt } from "../../../support/primary-conversation.ts";
import { seededRandom, type Random } from "../../../support/random.ts";

const ROUNDS = 80;
const KEYWORDS = ["PIPELINING", "CHUNKING", "8BITMIME", "SIZE 1000000", "DSN", "XFORWARD NAME ADDR PROTO"];
const BODIES = [
  "Subject: x\r\n\r\nhi\r\n",
  "a: b\r\n\r\n.\r\n..\r\n.x\r\n",
  "",
  "no end",
  "RSET\r\nQUIT\r\n.\r\n",
];
const BYE = "421 4.0.0 bye";

/** Refusals that name whom they are for; a mail is known by its sender. */
function whims(random: Random): Behaviour {
  const no = (about: string): string | undefined =>
    random.below(8) > 0 ? undefined : random.pick([`550 5.0.0 no,${about},`, `451 4.0.0 no,${about},`, BYE]);
  let sender = "";
  return {
    extensions: KEYWORDS.filter(() => random.below(5) > 0),
    onMail: (from) => no((sender = from)),
    onRcpt: (to) => no(`${sender}/${to}`),
    onData: () => (random.below(20) === 0 ? no(sender) : undefined),
    onDot: (mail) => no(mail.sender) ?? `250 2.0.0 taken,${mail.sender},`,
    onReset: () => "250 2.0.0 flushed",
  };
}

function letters(random: Random): readonly ClaimedMail[] {
  return Array.from({ length: 1 + random.below(12) }, (_, i) => {
    const to = Array.from({ length: 1 + random.below(3) }, (__, k) => `m${i}-${k}@a.test`);
    const long = random.below(10) === 0 ? "long line\r\n".repeat(random.below(10_000)) : "";
    const mail = namedMail(`m${i}`, { to, body: Buffer.from(random.pick(BODIES) + long) });
    return random.below(4) === 0 ? inPieces(mail) : mail;
  });
}

/** As many at once as the conversation takes. */
async function sendAll(conversation: Conversation, mails: readonly ClaimedMail[]): Promise<SendResult[]> {
  const results: Promise<SendResult>[] = [];
  for (const mail of mails) {
    const first = results.at(-conversation.window);
    if (results.length >= conversation.window) await first;
    results.push(conversation.send(mail));
  }
  return Promise.all(results);
}

/** What is wrong with what is believed of one recipient. */
function faultOf(mail: ClaimedMail, address: string, outcome: Outcome | undefined, came: number): string {
  const kind = outcome?.kind ?? "nothing";
  const said = outcome !== undefined && "reply" in outcome ? (outcome.reply.text.split(",")[1] ?? "") : "";
  const own = said === "" || said === mail.sender || said === `${mail.sender}/${address}`;
  const known = came > 0 ? ["delivered", "unconfirmed"] : ["deferred", "refused", "released", "unconfirmed"];
  return own && came < 2 && known.includes(kind) ? "" : `${address} ${kind}, came ${came} times, by ${said}`;
}

async function faultsOf(
  primary: FakePrimary,
  mails: readonly ClaimedMail[],
  results: readonly SendResult[],
): Promise<readonly string[]> {
  const faults: string[] = [];
  for (const [i, mail] of mails.entries()) {
    const here = primary.mails.filter(({ sender }) => sender === mail.sender);
    for (const { n, address } of mail.recipients) {
      const came = here.filter(({ recipients }) => recipients.includes(address)).length;
      faults.push(faultOf(mail, address, results[i]?.outcomes.get(n), came));
    }
    const whole = TOP_FIELDS + (await textOf(mail));
    const ended = whole.endsWith("\r\n") ? whole : `${whole}\r\n`;
    const same = here.every(({ data }) => [whole, ended].includes(data.toString()));
    if (!same) faults.push(`${mail.id} has another body`);
  }
  return faults.filter((fault) => fault !== "");
}

async function textOf(mail: ClaimedMail): Promise<string> {
  const body = mail.body.read();
  if (Buffer.isBuffer(body)) return body.toString();
  const all = Buffer.alloc(mail.size);
  for (let at = 0; at < all.length;) at += await body.read(all.subarray(at));
  await body.close();
  return all.toString();
}

test("wherever the connection breaks and whatever is refused, each recipient gets a true outcome", async () => {
  const kinds = new Set<string>();
  for (let seed = 1; seed <= ROUNDS; seed++) {
    const random = seededRandom(seed);
    const place = (): number => (random.below(2) === 0 ? Infinity : 200 + random.below(4000));
    await using primary = await fakePrimary(whims(random));
    const longest = random.pick([10, 300, 100_000]);
    await using line = await frailLine(primary.port, { random, longest, there: place(), back: place() });
    const client = smtpClient({ hostname: "mx2.test", clock: systemClock() });
    const conversation = await client.converse(targetAt(line.port)).catch(() => undefined);
    if (conversation === undefined) continue;
    const mails = letters(random);
    const results = await sendAll(conversation, mails);
    await conversation.quit();
    for (const { outcomes } of results) for (const { kind } of outcomes.values()) kinds.add(kind);
    assert.deepEqual(await faultsOf(primary, mails, results), [], `seed ${seed}`);
  }
  assert.deepEqual([...kinds].toSorted(), ["deferred", "delivered", "refused", "released", "unconfirmed"]);
});
