import assert from "node:assert/strict";
import { it } from "node:test";
import { Sessions, WorkSession } from "../../../../../../src/adapters/storage/sqlite/queue/sessions.ts";

it("gives each claim a higher token, also if the clock went back, and after a restart", () => {
  let now = 5;
  const sessions = new Sessions(() => now);
  const tokens = [sessions.nextToken(), sessions.nextToken()];
  now = 4;
  tokens.push(sessions.nextToken());
  now = 6;
  tokens.push(new Sessions(() => now).nextToken());
  assert.deepEqual(
    tokens,
    [...new Set(tokens)].toSorted((a, b) => a - b),
  );
});

it("takes no credit of an ended thread, and keeps its claims until the session is forgotten", () => {
  const sessions = new Sessions(() => 1);
  const session = new WorkSession(() => {});
  sessions.add(session);
  session.grant("one.test", 2);
  assert.equal(sessions.takeCredit("one.test"), session);
  const token = sessions.nextToken();
  session.claimed(token, 1);
  sessions.bury(session);
  assert.equal(sessions.takeCredit("one.test"), undefined);
  assert.equal(sessions.holds(token), true);
  sessions.forget(session);
  assert.equal(sessions.holds(token), false);
});

it("keeps a claim until the last of its recipients is settled", () => {
  const sessions = new Sessions(() => 1);
  const session = new WorkSession(() => {});
  sessions.add(session);
  session.claimed(7, 2);
  sessions.settled(7, 1);
  assert.equal(sessions.holds(7), true);
  sessions.settled(7, 1);
  assert.equal(sessions.holds(7), false);
});
