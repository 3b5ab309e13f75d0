import assert from "node:assert/strict";
import { test } from "node:test";
import { endsInTime, StopHangs } from "../../../src/daemon/stop-limit.ts";

test("a stop that hangs rejects with StopHangs after a minute", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const hanging = endsInTime(new Promise(() => {}));
  t.mock.timers.tick(59_999);
  t.mock.timers.tick(1);
  await assert.rejects(hanging, StopHangs);
});

test("a stop that ends or fails in time resolves or rejects as it is", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  await endsInTime(Promise.resolve());
  await endsInTime(undefined);
  await assert.rejects(endsInTime(Promise.reject(new Error("not in order"))), /not in order/);
  t.mock.timers.tick(120_000);
});
