/** Replies that come early or late. */
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { test } from "node:test";
import { WireConversation } from "../../../../src/adapters/smtp-client/conversation.ts";
import { CLIENT_TIMEOUTS } from "../../../../src/adapters/smtp-client/settings.ts";
import { Wire } from "../../../../src/adapters/smtp-client/wire.ts";
import type { ClaimedMail } from "../../../../src/ports/work-store.ts";
import { bodySource } from "../../../support/body-source.ts";
import { namedMail } from "../../../support/claimed-mail.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { idle } from "../../../support/settle.ts";

/** A peer that answers what the test says, over a line that takes no more octets while it is `full`. */
class Line extends Duplex {
  full = false;
  sent = "";
  #waiting: (() => void) | undefined;

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, taken: () => void): void {
    this.sent += chunk.toString("latin1");
    if (this.full) this.#waiting = taken;
    else taken();
  }

  drain(): void {
    this.full = false;
    this.#waiting?.();
  }

  async answer(...replies: readonly string[]): Promise<void> {
    this.push(replies.map((line) => `${line}\r\n`).join(""));
    await idle();
  }
}

const TAKEN = ["250 2.1.0 ok", "250 2.1.5 ok"];
const QUEUED = "250 2.0.0 queued";
const FLUSHED = "250 2.0.0 flushed";
const TOO_LARGE = "552 5.3.4 too large";

/** A conversation over the line that has delivered one mail, and so may send further ones without waiting. */
async function begun(line: Line, clock = new ManualClock()): Promise<WireConversation> {
  const capabilities = { name: "x.test", extensions: ["PIPELINING", "CHUNKING"] };
  const wire = new Wire(line as unknown as Socket, clock);
  const conversation = new WireConversation(wire, capabilities, { ...CLIENT_TIMEOUTS, hostname: "mx2.test" });
  const first = conversation.send(namedMail("first"));
  await line.answer(FLUSHED, ...TAKEN, QUEUED, FLUSHED);
  await first;
  return conversation;
}

/** Its last piece finds the line full. */
function largeMail(line: Line): ClaimedMail {
  const pieces = function* (): Generator<Buffer> {
    yield Buffer.alloc(60_000, "a");
    yield Buffer.alloc(60_000, "b");
    line.full = true;
  };
  return namedMail("large", { size: 120_000, body: () => bodySource(pieces()) });
}

test("a refusal that comes before the end of a large body has left does not disturb the next mail", async () => {
  const line = new Line();
  const conversation = await begun(line);
  const large = conversation.send(largeMail(line));
  const next = conversation.send(namedMail("next"));
  await line.answer(...TAKEN);
  await line.answer(TOO_LARGE);
  line.drain();
  await idle();
  const order = line.sent.slice(line.sent.indexOf("BDAT 120")).match(/BDAT|RSET|MAIL/g);
  assert.deepEqual(order?.slice(0, 3), ["BDAT", "RSET", "MAIL"]);
  await line.answer(FLUSHED);
  assert.equal((await large).outcomes.get(10)?.kind, "refused");
  await line.answer(...TAKEN, QUEUED, FLUSHED);
  assert.equal((await next).outcomes.get(10)?.kind, "delivered");
});

test("a peer that refuses a large body and takes no more of it is given up after 3 min", async () => {
  const line = new Line();
  const clock = new ManualClock();
  const conversation = await begun(line, clock);
  const large = conversation.send(largeMail(line));
  const next = conversation.send(namedMail("next"));
  await line.answer(...TAKEN);
  await line.answer(TOO_LARGE);
  clock.advance(181_000);
  assert.equal((await large).outcomes.get(10)?.kind, "refused");
  assert.equal((await next).outcomes.get(10)?.kind, "released");
});

test("the time of a mail does not include that of the mails in flight before it", async (context) => {
  let now = 1000;
  context.mock.method(performance, "now", () => now);
  const line = new Line();
  const conversation = await begun(line);
  const sending = ["a", "b", "c"].map((id) => conversation.send(namedMail(id)));
  for (const _ of sending) {
    now += 20_000;
    await line.answer(...TAKEN, QUEUED, FLUSHED);
  }
  const results = await Promise.all(sending);
  assert.deepEqual(
    results.map(({ took }) => took),
    [20_000, 20_000, 20_000],
  );
});
