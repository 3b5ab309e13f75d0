import assert from "node:assert/strict";
import { test } from "node:test";
import type { Certificates } from "../../../src/adapters/tls/tls.ts";
import {
  applyFull,
  applyLists,
  applyRules,
  checksFollower,
  deliveryFollower,
  loopDelays,
  smtpFollower,
} from "../../../src/daemon/followers.ts";
import type { DeliveryThread, SmtpThread } from "../../../src/threads/crew.ts";
import { configOf, HEAD } from "../config/sample.ts";

test("certificates that cannot be used any more hold up nothing else", async () => {
  const config = await configOf(HEAD);
  const use = async (): Promise<void> => Promise.reject(new Error("tls.crt: no such file"));
  const certificates = { use, current: () => undefined } as unknown as Certificates;
  const told: string[] = [];
  const thread = { tell: async (name: string) => void told.push(name) } as unknown as SmtpThread;
  await assert.rejects(smtpFollower(certificates, () => [thread]).use(config), /no such file/);
  assert.deepEqual(told, ["apply"]);
});

/** SMTP threads of which the last is between two lives: what they were told, and asked. */
function crew(answer: (name: string) => unknown = () => undefined) {
  const told: unknown[][] = [];
  const thread = (n: number) => ({
    tell: async (name: string, argument: unknown) => {
      await new Promise(setImmediate);
      told.push([n, name, argument]);
    },
    current: n === 3 ? undefined : { control: { call: async (name: string) => answer(`${name} ${n}`) } },
  });
  return { told, threads: [1, 2, 3].map(thread) as unknown as readonly SmtpThread[] };
}

test("what SMTP threads are told reaches all, and has when it is said to be done", async () => {
  const config = await configOf(HEAD);
  const certificates = { check: async () => undefined, use: async () => {}, current: () => undefined };
  const smtp = crew();
  const follower = smtpFollower(certificates as unknown as Certificates, () => smtp.threads);
  await follower.check(config);
  const settings = smtp.told[0]?.[2] ?? assert.fail();
  const toAll = (name: string, argument: unknown) => [1, 2, 3].map((n) => [n, name, argument]);
  assert.deepEqual(smtp.told.splice(0), toAll("prepare", settings));
  await follower.use(config);
  assert.deepEqual(smtp.told.splice(0), toAll("apply", settings));
  await applyRules([{ action: "block", helo: "x" }], smtp.threads);
  await applyLists(["zone.test"], smtp.threads);
  assert.deepEqual(smtp.told, [
    ...toAll("applyRules", [{ action: "block", helo: "x" }]),
    ...toAll("useLists", ["zone.test"]),
  ]);
});

test("new checks are told, and their lists tested; nobody waits for that", async () => {
  const config = await configOf(HEAD);
  const { told, threads } = crew();
  const used: unknown[] = [];
  const test = (): Promise<void> => {
    used.push("tested");
    return new Promise(() => {});
  };
  await checksFollower({ use: (next) => used.push(next), health: { test } }, () => threads).use(config);
  assert.deepEqual(used, [config, "tested"]);
  assert.deepEqual(
    told.map(([, name, checks]) => [name, checks]),
    [1, 2, 3].map(() => ["applyChecks", config.checks]),
  );
});

test("new settings reach the delivery thread, where there is one", async () => {
  const config = await configOf(HEAD);
  const told: string[] = [];
  const thread = { tell: async (name: string) => void told.push(name) } as unknown as DeliveryThread;
  await deliveryFollower(() => thread).use(config);
  await deliveryFollower(() => undefined).use(config);
  assert.deepEqual(told, ["apply"]);
});

test("threads that live are told of full domains and asked how late they were; one that cannot say is left out", async () => {
  const asked: string[] = [];
  const { threads } = crew((what) => {
    asked.push(what);
    if (what === "loopDelay 1") throw new Error("it has ended");
    return { mean: 1, max: 2 };
  });
  await applyFull(["a.test"], threads);
  assert.deepEqual([...(await loopDelays(threads))], [["smtp-2", { mean: 1, max: 2 }]]);
  assert.deepEqual(asked, ["full 1", "full 2", "loopDelay 1", "loopDelay 2"]);
});
