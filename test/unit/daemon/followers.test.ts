import assert from "node:assert/strict";
import { test } from "node:test";
import type { Certificates } from "../../../src/adapters/tls/tls.ts";
import {
  checksFollower,
  deliveryFollower,
  smtpFollower,
  storageFollower,
} from "../../../src/daemon/followers.ts";
import type { SmtpSettings } from "../../../src/endpoints/smtp/smtp.ts";
import type { DeliveryThread, SmtpThread, Storage } from "../../../src/threads/crew.ts";
import { idle } from "../../support/settle.ts";
import { smtpCrew } from "../../support/smtp-crew.ts";
import { configOf, HEAD } from "../config/sample.ts";

test("certificates that have become unusable do not delay other settings", async () => {
  const config = await configOf(HEAD);
  const use = async (): Promise<void> => Promise.reject(new Error("tls.crt: no such file"));
  const certificates = { use, current: () => undefined } as unknown as Certificates;
  const told: string[] = [];
  const thread = { tell: async (name: string) => void told.push(name) } as unknown as SmtpThread;
  await assert.rejects(smtpFollower(certificates, () => [thread]).use(config), /no such file/);
  assert.deepEqual(told, ["apply"]);
});

test("SMTP settings are prepared by all threads, and are in force when the follower resolves", async () => {
  const config = await configOf(HEAD);
  const checked = { certificates: "new" };
  const certificates = { check: async () => checked, use: async () => {}, current: () => undefined };
  const smtp = smtpCrew();
  const follower = smtpFollower(certificates as unknown as Certificates, () => smtp.threads);
  await follower.check?.(config);
  const settings = smtp.told[0]?.[2] ?? assert.fail();
  assert.partialDeepStrictEqual(settings, { tls: checked });
  const toAll = (name: string, argument: unknown) => [1, 2, 3].map((n) => [n, name, argument]);
  assert.deepEqual(smtp.told.splice(0), toAll("prepare", settings));
  await follower.use(config);
  const { tls: _unused, ...applied } = settings as SmtpSettings;
  assert.deepEqual(smtp.told.splice(0), toAll("apply", applied));
});

test("new checks are sent to the threads, and their blocklists are tested without delaying the reload", async () => {
  const config = await configOf(HEAD);
  const { told, threads } = smtpCrew();
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

test("new checks take effect even if their blocklists cannot be tested", async () => {
  const config = await configOf(HEAD);
  const { told, threads } = smtpCrew();
  const test = (): Promise<void> => Promise.reject(new Error("no resolver"));
  await checksFollower({ use: () => {}, health: { test } }, () => threads).use(config);
  await idle();
  assert.equal(told.length, 3);
});

test("new settings are sent to the delivery thread if there is one", async () => {
  const config = await configOf(HEAD);
  const told: string[] = [];
  const thread = { tell: async (name: string) => void told.push(name) } as unknown as DeliveryThread;
  await deliveryFollower(() => thread).use(config);
  await deliveryFollower(() => undefined).use(config);
  assert.deepEqual(told, ["apply"]);
});

test("a new reserve is sent to the storage thread", async () => {
  const config = await configOf(HEAD);
  const told: unknown[] = [];
  const control = { call: async (...words: unknown[]) => void told.push(words) };
  await storageFollower({ thread: { control } } as unknown as Storage).use(config);
  assert.deepEqual(told, [["setReserve", config.store.reserve]]);
});
