import assert from "node:assert/strict";
import { test } from "node:test";
import { SpfMemory } from "../../../../src/adapters/authentication/spf-memory.ts";
import type { SpfAnswer, SpfResult } from "../../../../src/ports/authentication.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

const QUESTION = { ip: "192.0.2.1", helo: "h.test", sender: "a@b.test" };

function answer(result: SpfResult): SpfAnswer {
  return { result, domain: "b.test", identity: "mailfrom", comment: "" };
}

test("the same question is asked once a minute, another one by itself, trouble anew each time, however the clock is set", async () => {
  const clock = new ManualClock();
  const memory = new SpfMemory(clock);
  let asked = 0;
  const ask = (change: object, result: SpfResult = "pass"): Promise<SpfAnswer> =>
    memory.answer({ ...QUESTION, ...change }, async () => {
      asked += 1;
      return answer(result);
    });
  assert.equal(await ask({}), await ask({}));
  assert.equal(asked, 1);
  for (const change of [{ ip: "192.0.2.2" }, { helo: "x.test" }, { sender: "c@b.test" }]) await ask(change);
  assert.equal(asked, 4);
  clock.set(3_600_000);
  await ask({});
  assert.equal(asked, 4);
  clock.set(-7_200_000);
  clock.advance(60_000);
  await ask({});
  assert.equal(asked, 5);
  await ask({ sender: "t@b.test" }, "temperror");
  await ask({ sender: "t@b.test" }, "temperror");
  assert.equal(asked, 7);
});

test("it holds a bounded number of answers", async () => {
  const memory = new SpfMemory(new ManualClock());
  let asked = 0;
  const ask = (n: number): Promise<SpfAnswer> =>
    memory.answer({ ...QUESTION, sender: `${n}@b.test` }, async () => {
      asked += 1;
      return answer("pass");
    });
  for (let n = 0; n < 5001; n++) await ask(n);
  await ask(5000);
  assert.equal(asked, 5001);
  await ask(0);
  assert.equal(asked, 5002);
});
