import assert from "node:assert/strict";
import { test } from "node:test";
import type { JournalSink } from "../../../src/adapters/journal/journal.ts";
import { watchBlocklists } from "../../../src/daemon/blocklist-watch.ts";
import type { DomainRecord } from "../../../src/ports/directory.ts";
import type { SmtpThread } from "../../../src/threads/crew.ts";
import { domainSettings } from "../../support/domain-settings.ts";
import { fakeDns } from "../../support/fake-dns.ts";
import { loggerTo } from "../../../src/runtime/log.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { MemoryJournal } from "../../support/memory-journal.ts";
import { idle } from "../../support/settle.ts";
import { waitFor } from "../../support/wait.ts";
import { configOf, HEAD } from "../config/sample.ts";

test("blocklists of a domain of origin api are tested, and stay in use after a reload of the file", async () => {
  await using dns = await fakeDns({ "2.0.0.127.own.test": { A: ["127.0.0.2"] } });
  const config = await configOf(`${HEAD}dns: { servers: ["${dns.server}"] }\n`);
  const clock = new ManualClock();
  const heard: string[] = [];
  const tell = async (what: string, zones: readonly string[]): Promise<void> =>
    void heard.push(`${what} ${zones.join()}`);
  const list = { zone: "own.test", codes: ["127.*.*.*"], weight: 1 };
  const settings = { ...domainSettings(), checks: { dnsbl: { lists: [list] } } };
  const added: DomainRecord = { name: "api.test", origin: "api", settings, paused: false, draining: false };
  let looks = 0;
  const watch = watchBlocklists({
    crew: { sink: new MemoryJournal() as unknown as JournalSink, clock, clockOffset: undefined },
    config: () => config,
    directory: {
      domains: async () => {
        looks += 1;
        return [added];
      },
    },
    smtp: () => [{ tell } as unknown as SmtpThread],
  });
  assert.deepEqual(watch.health.status(), []);
  watch.directoryChanged();
  watch.directoryChanged();
  clock.advance(500);
  await waitFor({ what: "the list is sound", deadline: 10_000 }, () => heard.includes("useLists own.test"));
  assert.equal(looks, 1, "changes that come together are looked at together");
  watch.use(config);
  assert.deepEqual(watch.health.sound(), ["own.test"]);
});

test("blocklists that cannot be tested at the start are logged, and do not end the daemon", async () => {
  const config = await configOf(HEAD);
  const lines: string[] = [];
  const log = loggerTo((_level, message, { error }) => void lines.push(`${message}: ${String(error)}`));
  const sink = Object.assign(new MemoryJournal(), { log }) as unknown as JournalSink;
  let begun = false;
  const watch = watchBlocklists({
    crew: { sink, clock: new ManualClock(), clockOffset: undefined },
    config: () => config,
    directory: { domains: async () => [] },
    smtp: () => {
      if (begun) throw new Error("no threads");
      return [];
    },
  });
  begun = true;
  watch.begin();
  await idle();
  assert.deepEqual(lines, ["the blocklists were not tested: no threads"]);
});
