import assert from "node:assert/strict";
import { test } from "node:test";
import { RulesBoard } from "../../../src/daemon/rules-board.ts";
import type { AccessRule } from "../../../src/ports/checks.ts";
import type { SmtpThread } from "../../../src/threads/crew.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { idle } from "../../support/settle.ts";

test("changes that come together are told together, to a thread that is starting too", async () => {
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

test("a thread that cannot take the rules ends nothing", async () => {
  const clock = new ManualClock();
  const tell = (): Promise<void> => Promise.reject(new Error("no such rule"));
  const store = { rules: async () => [], addRule: async () => {}, removeRule: async () => true };
  const board = new RulesBoard({ store, clock, smtp: () => [{ tell } as unknown as SmtpThread] });
  await board.rules.add({ action: "block", sender: "@a.example" }, "socket");
  clock.advance(50);
  await idle();
  assert.equal(board.current().length, 1);
});
