import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import type { Conversation } from "../../../../src/ports/smtp-client.ts";
import { SpareConversation } from "../../../../src/services/health/spare-conversation.ts";
import { FakeSmtpClient } from "../../../support/fake-smtp-client.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { targetAt } from "../../../support/primary-conversation.ts";

const client = new FakeSmtpClient();
const server = client.server("127.0.0.1:25");
let clock: ManualClock;
let spare: SpareConversation;
let conversation: Conversation;

beforeEach(async () => {
  clock = new ManualClock();
  spare = new SpareConversation(clock);
  conversation = await client.converse(targetAt(25));
  spare.keep(conversation);
});

test("a spare conversation is given to one taker, who ends it", async () => {
  assert.equal(spare.take(), conversation);
  assert.equal(spare.take(), undefined);
  clock.advance(2000);
  assert.equal(server.open, 1);
  await conversation.quit();
});

test("a spare conversation ends after 2 s without mail, or when another one replaces it", async () => {
  spare.keep(await client.converse(targetAt(25)));
  assert.equal(server.open, 1);
  clock.advance(1999);
  assert.equal(server.open, 1);
  clock.advance(1);
  assert.equal(server.open, 0);
  assert.equal(spare.take(), undefined);
});

test("a spare conversation is kept for 2 s of its own, whenever an earlier one was taken", async () => {
  clock.advance(1500);
  await spare.take()?.quit();
  const later = await client.converse(targetAt(25));
  spare.keep(later);
  clock.advance(1999);
  assert.equal(spare.take(), later);
  await later.quit();
});

test("a spare conversation that the server has ended is not given to anyone", () => {
  conversation.abort();
  assert.equal(spare.take(), undefined);
});
