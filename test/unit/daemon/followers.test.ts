import assert from "node:assert/strict";
import { test } from "node:test";
import type { Certificates } from "../../../src/adapters/tls/tls.ts";
import { smtpFollower } from "../../../src/daemon/followers.ts";
import type { SmtpThread } from "../../../src/threads/crew.ts";
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
