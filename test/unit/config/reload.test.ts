import assert from "node:assert/strict";
import { test } from "node:test";
import { keepStarted, restartKeys, type Config } from "../../../src/config/config.ts";
import { DOMAIN, HEAD, load } from "./sample.ts";

async function of(text: string): Promise<Config> {
  const result = await load(text);
  assert.ok(result.ok, JSON.stringify(result));
  return result.config;
}

test("restartKeys names the changed keys that need a restart, and no others", async () => {
  const before = await of(`${HEAD}domains:\n${DOMAIN}`);
  assert.deepEqual(restartKeys(before, await of(`${HEAD}domains:\n${DOMAIN}`)), []);
  const reloadable = `
hostname: mx2.example.net
postmaster: a@example.org
smtp: { listen: ["127.0.0.1:2525"], maxMessageSize: 1MB, limits: { errors: 5 } }
store: { reserve: 1% }
retention: 60d
delivery: { connections: 1 }
domains:
  example.org: { primary: { host: m.example.org }, recipients: [a] }
`;
  assert.deepEqual(restartKeys(before, await of(reloadable)), []);
  const other = `
hostname: mx3.example.net
storage: sqlite:/var/q
smtp: { listen: ["127.0.0.1:2526"], threads: 16, limits: { bodyMemory: 32MiB } }
dns: { servers: [192.0.2.53] }
delivery: { connectTimeout: 5s }
alerts: { oldest: 1h }
admin: { listen: "127.0.0.1:8026", socket: /run/h.sock }
log: { file: /var/log/h.log }
`;
  assert.deepEqual(restartKeys(before, await of(other)), [
    "hostname",
    "storage",
    "smtp.listen",
    "smtp.threads",
    "smtp.limits.bodyMemory",
    "admin",
    "dns",
    "delivery.connectTimeout",
    "alerts",
    "log",
  ]);
});

test("keepStarted keeps the values of the keys that need a restart, and takes all others", async () => {
  const before = await of(`${HEAD}domains:\n${DOMAIN}`);
  const next = await of(`hostname: mx3.example.net
storage: sqlite:/var/q
smtp: { listen: ["127.0.0.1:2526"], threads: 16, limits: { bodyMemory: 32MiB, errors: 5 } }
dns: { servers: [192.0.2.53] }
delivery: { connectTimeout: 5s, connections: 1 }
alerts: { oldest: 1h }
admin: { listen: "127.0.0.1:8026", socket: /run/h.sock }
log: { file: /var/log/h.log }
retention: 60d
`);
  const kept = keepStarted(before, next);
  assert.deepEqual(restartKeys(before, kept), []);
  assert.equal(kept.smtp.limits.errors, 5);
  assert.equal(kept.delivery.connections, 1);
  assert.deepEqual([kept.retention, kept.domains], [next.retention, next.domains]);
});
