import assert from "node:assert/strict";
import { test } from "node:test";
import { Daemon } from "../support/daemon.ts";
import { fakeDns } from "../support/fake-dns.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { runOn } from "../support/tool-bench.ts";

test("the doctor queries the configured DNS and reports a corrected record as ok", async () => {
  await using folder = await tempFolder();
  await using dns = await fakeDns({
    "backup.test": { A: ["127.0.0.5"] },
    "example.test": { MX: [{ preference: 10, exchange: "mail.example.test" }] },
  });
  const settings = { hostname: "backup.test", dns: { servers: [dns.server] } };
  await using daemon = await Daemon.start({ folder: folder.path, primaryPort: 1, settings });
  const before = await runOn(daemon.socket, ["doctor", "example.test"]);
  assert.equal(before.code, 1, before.stderr);
  assert.match(before.stdout, /warn {2}name +backup\.test is 127\.0\.0\.5;/);
  assert.match(before.stdout, /publish: 5\.0\.0\.127\.in-addr\.arpa\. IN PTR backup\.test\.$/m);
  assert.match(before.stdout, /FAIL {2}mx +the MX records name mail\.example\.test \(10\) only/);
  assert.match(before.stdout, /publish: example\.test\. IN MX 20 backup\.test\.$/m);

  Object.assign(dns.zones, {
    "mail.example.test": { A: ["127.0.0.6"] },
    "example.test": {
      MX: [
        { preference: 10, exchange: "mail.example.test" },
        { preference: 20, exchange: "backup.test" },
      ],
    },
  });
  const after = await runOn(daemon.socket, ["doctor", "example.test"]);
  assert.equal(after.code, 0, after.stdout);
  assert.match(after.stdout, /ok {4}mx +mail\.example\.test \(10\), then backup\.test \(20\)$/m);
});
