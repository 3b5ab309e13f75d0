import assert from "node:assert/strict";
import { syncBuiltinESMExports } from "node:module";
import os from "node:os";
import { test } from "node:test";
import { interfaceAddresses } from "../../../src/runtime/interfaces.ts";

test("loopback and link-local addresses of this machine count as unreachable for others", (t) => {
  const all = [
    ["127.0.0.1", true],
    ["::1", true],
    ["192.0.2.7", false],
    ["169.254.3.4", false],
    ["fe80::1", false],
    ["FEBF::1", false],
    ["2001:db8::7", false],
  ] as const;
  const entries = all.map(([address, internal]) => ({ address, internal }));
  t.mock.method(os, "networkInterfaces", () => ({ eth0: entries, none: undefined }));
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  const found = interfaceAddresses();
  assert.deepEqual(
    found.map(({ address }) => address),
    all.map(([address]) => address),
  );
  const reachable = found.filter((own) => own.reachable).map(({ address }) => address);
  assert.deepEqual(reachable, ["192.0.2.7", "2001:db8::7"]);
});
