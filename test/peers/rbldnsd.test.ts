import assert from "node:assert/strict";
import { test } from "node:test";
import { dnsBlocklists } from "../../src/adapters/dns/dns.ts";
import type { CheckSettings } from "../../src/ports/checks.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { startBench } from "../support/smtp-bench.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { skipWithoutRbldnsd, startRbldnsd, type ListData } from "./rbldnsd.ts";

const DATA: readonly ListData[] = [
  {
    zone: "bl.test",
    type: "ip4set",
    lines: [
      ":127.0.0.2:Junk from $, see http://bl.test/",
      "127.0.0.2",
      "198.51.100.0/24",
      "203.0.113.9 :127.0.0.10:A dial-up address",
      "!198.51.100.77",
    ],
  },
  { zone: "bl.test", type: "ip6trie", lines: [":127.0.0.2:Junk", "2001:db8:bad::/48"] },
  { zone: "wl.test", type: "ip4set", lines: [":127.0.5.1:", "127.0.0.2", "198.51.100.200"] },
  { zone: "empty.test", type: "ip4set", lines: [":127.0.0.2:", "192.0.2.99"] },
];

const CHECKS: CheckSettings = {
  dnsbl: {
    lists: [
      { zone: "bl.test", codes: ["127.0.0.2"], weight: 3 },
      { zone: "wl.test", codes: ["127.0.*.*"], weight: -2 },
    ],
    tag: 1,
    reject: 3,
  },
};

test(
  "blocklists served by a real rbldnsd are tested, queried and used",
  { skip: skipWithoutRbldnsd() },
  async () => {
    await using folder = await tempFolder();
    await using rbldnsd = await startRbldnsd(folder.path, DATA);
    const lists = dnsBlocklists({ servers: [rbldnsd.server], clock: systemClock() });
    const tests = await Promise.all(["bl.test", "wl.test", "empty.test"].map((zone) => lists.test(zone)));
    assert.deepEqual(
      tests.map(({ kind }) => kind),
      ["sound", "sound", "sick"],
    );

    await using bench = await startBench({ checkSettings: CHECKS, dnsServer: rbldnsd.server });
    const told = async (ip: string): Promise<string> => {
      const request = { ip, helo: "c.example", sender: "a@b.example", recipient: "alice@our.test" };
      const { verdict, steps, fields } = await bench.endpoint.explain(request);
      return `${verdict}: ${verdict === "tag" ? fields.join() : (steps.at(-1)?.reply ?? "")}`;
    };
    assert.equal(
      await told("198.51.100.7"),
      "reject: 554 5.7.1 Client 198.51.100.7 is listed by bl.test; Junk from 198.51.100.7, see http://bl.test/",
    );
    assert.match(await told("198.51.100.200"), /^tag: X-Holdfast-DNSBL: score=1/);
    assert.match(await told("198.51.100.77"), /^accept: 250 /);
    assert.match(await told("203.0.113.9"), /^accept: 250 /);
    assert.match(await told("2001:db8:bad::25"), /^reject: 554 5\.7\.1 Client 2001:db8:bad::25 is listed/);
    assert.match(await told("2001:db8::25"), /^accept: /);
  },
);
