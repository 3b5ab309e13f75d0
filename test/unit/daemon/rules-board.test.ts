import assert from "node:assert/strict";
import { test } from "node:test";
import { RulesBoard } from "../../../src/daemon/rules-board.ts";
import type { AccessRule } from "../../../src/ports/checks.ts";
import type { SmtpThread } from "../../../src/threads/crew.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { idle } from "../../support/settle.ts";

test("changes of rules within a short time are sent together, also to a thread that is starting", async () => {
  const clock = new ManualClock();
  const heard: string[] = [];
  const tell = async (what: string, rules: readonly AccessRule[]): Promise<void> =>
    void heard.push(`${what} ${rules.map(({ sender }) => sender).join()}`);
  const starting = { current: undefined, tell } as unknown as SmtpThread;
  const store = { rules: async () => [], addRule: async () => {}, removeRule: async () => true };
  const board = new RulesBoard({ store, clock, smtp: () => [starting] });
  for (const sender of ["@a.example", "@b.example"])
    await board.rules.add({ action: "block", sender }, "socket");
  clock.advance(50);
  const [newest] = board.rules.list();
  await board.rules.remove(newest?.id ?? "");
  clock.advance(50);
  assert.deepEqual(heard, ["applyRules @b.example,@a.example", "applyRules @a.example"]);
  assert.deepEqual(board.current(), [{ action: "block", sender: "@a.example" }]);
});

test("a thread that fails to take the rules does not end the daemon", async () => {
  const clock = new ManualClock();
  const tell = (): Promise<void> => Promise.reject(new Error("no such rule"));
  const store = { rules: async () => [], addRule: async () => {}, removeRule: async () => true };
  const board = new RulesBoard({ store, clock, smtp: () => [{ tell } as unknown as SmtpThread] });
  await board.rules.add({ action: "block", sender: "@a.example" }, "socket");
  clock.advance(50);
  await idle();
  assert.equal(board.current().length, 1);
});
