/** A mail for more recipients than most, whose answers a quick peer gives all at once. */
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { WireConversation } from "../../../../src/adapters/smtp-client/conversation.ts";
import { Wire } from "../../../../src/adapters/smtp-client/wire.ts";
import { claimedMail } from "../../../support/claimed-mail.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

const RECIPIENTS = 10_000;

for (const extensions of [["PIPELINING"], ["PIPELINING", "CHUNKING"]])
  test(`${RECIPIENTS} replies in one chunk are each read as the reply to their recipient: ${extensions.join(" ")}`, async () => {
    const socket = new Duplex({ read: () => {}, write: (_chunk, _encoding, done) => done() }) as Socket;
    const say = async (text: string): Promise<void> => {
      await nextTurn();
      socket.emit("data", Buffer.from(text));
    };
    const wire = new Wire(socket, new ManualClock());
    const options = { hostname: "mx2.test", block: 1000, final: 1000 };
    const conversation = new WireConversation(wire, { name: "peer.test", extensions }, options);
    const to = Array.from({ length: RECIPIENTS }, (_, n) => `user${n}@a.test`);
    const sending = conversation.send(claimedMail({ to }));
    // To MAIL and to each RCPT; before them to RSET, where BDAT carries the body.
    const chunking = extensions.includes("CHUNKING");
    const envelope = "250 ok\r\n".repeat(RECIPIENTS + 1);
    await say(chunking ? `250 flushed\r\n${envelope}` : `${envelope}354 go on\r\n`);
    await say(chunking ? "250 queued\r\n250 flushed\r\n" : "250 queued\r\n");
    const { outcomes, trouble } = await sending;
    assert.equal(trouble, undefined);
    assert.equal([...outcomes.values()].filter(({ kind }) => kind === "delivered").length, RECIPIENTS);
    conversation.abort();
  });
