import assert from "node:assert/strict";
import { test } from "node:test";
import { loggerTo } from "../../../../src/runtime/log.ts";
import { TlsMemory } from "../../../../src/services/health/tls-memory.ts";
import { SILENT } from "../../../support/silent-log.ts";
import { idle } from "../../../support/settle.ts";

test("the history of earlier processes is unknown until it was read; a store that fails is logged", async () => {
  const told: string[] = [];
  const log = loggerTo((level, _message, { error }) => void told.push(`${level} ${String(error)}`));
  const rememberTls = () => Promise.reject(new Error("full"));
  const memory = new TlsMemory({ store: { encrypted: async () => ["a.test:25"], rememberTls }, log });
  assert.equal(memory.encrypted("a.test:25"), undefined);
  await idle();
  assert.deepEqual([memory.encrypted("a.test:25"), memory.encrypted("b.test:25")], [true, false]);
  memory.remember("b.test:25", true);
  const encrypted = () => Promise.reject(new Error("sick"));
  const empty = new TlsMemory({ store: { encrypted, rememberTls }, log });
  await idle();
  assert.equal(empty.encrypted("a.test:25"), undefined);
  assert.deepEqual(told, ["warn full", "warn sick"]);
});

test("what this process saw before the store was read is known to a watch that begins later", async () => {
  const told = { encrypted: async () => ["b.test:25"], rememberTls: async () => {} };
  const memory = new TlsMemory({ store: told, log: SILENT });
  memory.remember("a.test:25", true);
  assert.equal(memory.encrypted("a.test:25"), true);
  await idle();
  memory.remember("b.test:25", false);
  const known = ["a.test:25", "b.test:25", "c.test:25"].map((name) => memory.encrypted(name));
  assert.deepEqual(known, [true, false, false]);
});

test("a store that failed at the start is read again, by one reader at a time, and logged once", async () => {
  let reads = 0;
  const encrypted = async () => {
    reads += 1;
    if (reads < 3) throw new Error("sick");
    return ["a.test:25"];
  };
  const told: string[] = [];
  const log = loggerTo((_level, _message, { error }) => void told.push(String(error)));
  const memory = new TlsMemory({ store: { encrypted, rememberTls: async () => {} }, log });
  for (const expected of [undefined, undefined, undefined, true, true]) {
    assert.equal(memory.encrypted("a.test:25"), expected);
    assert.equal(memory.encrypted("b.test:25"), expected && false);
    await idle();
  }
  assert.deepEqual([reads, told], [3, ["sick"]]);
});
