import assert from "node:assert/strict";
import { once } from "node:events";
import { beforeEach, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import type { DomainRecord, FetchSettings, RecipientChange } from "../../../../src/ports/directory.ts";
import type { FetchRecord, FetchAnswer, FetchRequest } from "../../../../src/ports/recipient-lists.ts";
import { Fetches } from "../../../../src/services/recipients/recipients.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { MemoryJournal } from "../../../support/memory-journal.ts";
import { DOMAIN } from "../../../support/smtp-settings.ts";

const MINUTE = 60_000;
const URL = "https://lists.test/a";

let clock: ManualClock;
let answer: FetchAnswer;
/** So many of the first questions are not answered. */
let hanging: number;
let asked: FetchRequest[];
let changes: RecipientChange[];
let journal: MemoryJournal;
let records: Map<string, FetchRecord>;
let settings: FetchSettings;
let storeError: Error | undefined;
let domains: () => readonly DomainRecord[];
let fetches: Fetches;

function start(): Fetches {
  return new Fetches({
    domains: () => domains(),
    server: {
      fetch: async (request, ending) => {
        asked.push(request);
        if (asked.length > hanging) return answer;
        await once(ending, "abort");
        return { kind: "failed", why: "broken off" };
      },
    },
    records: {
      fetchRecords: async () => records,
      noteFetch: async ({ domain: name, record }) => void records.set(name, record),
    },
    replace: async (change) => {
      if (storeError !== undefined) throw storeError;
      changes.push(change);
      return change.recipients.length;
    },
    journal,
    clock,
  });
}

function domain(): DomainRecord {
  const fetched = changes.length === 0 && records.size === 0 ? {} : { fetched: 1 };
  const own = { ...DOMAIN, fetched: settings };
  return { name: "a.test", origin: "file", settings: own, paused: false, draining: false, ...fetched };
}

function many(count: number): readonly DomainRecord[] {
  return Array.from({ length: count }, (_, i) => Object.assign(domain(), { name: `d${i}.test` }));
}

beforeEach(() => {
  clock = new ManualClock();
  clock.advance(1e12);
  answer = {
    kind: "list",
    entries: ["Alice", "bob@a.test", "carol@b.test", "d..d@b.test", "list-*", "alice"],
    etag: '"1"',
  };
  asked = [];
  hanging = 0;
  changes = [];
  journal = new MemoryJournal();
  records = new Map();
  settings = { url: URL, every: 10 * MINUTE };
  storeError = undefined;
  domains = () => [domain()];
  fetches = start();
});

test("a list is fetched when its time has come, and asked for by what is there", async () => {
  await fetches.look();
  const recipients = ["alice", "bob", "list-*"];
  assert.deepEqual(changes, [{ domain: "a.test", verb: "replace", recipients, fetched: true }]);
  const now = clock.now();
  assert.deepEqual(fetches.status("a.test"), { url: URL, entries: 3, checkedAt: now, changedAt: now });
  clock.advance(10 * MINUTE - 1);
  await fetches.look();
  assert.equal(asked.length, 1);
  clock.advance(1);
  answer = { kind: "unchanged" };
  await fetches.look();
  assert.deepEqual(asked, [{ url: URL }, { url: URL, etag: '"1"' }]);
  const later = { url: URL, entries: 3, checkedAt: clock.now(), changedAt: now };
  assert.deepEqual(fetches.status("a.test"), later);
  assert.equal(changes.length, 1);
  assert.equal(journal.of("recipients.fetched").length, 1);
});

test("where the first list does not come, that is told", async () => {
  answer = { kind: "failed", why: "it answered 500" };
  await fetches.look();
  const why = "it answered 500";
  assert.deepEqual(journal.of("recipients.stuck"), [
    { kind: "recipients.stuck", domain: "a.test", why, first: true },
  ]);
});

test("a list that the store does not take is shown and told, and tried again a minute later", async () => {
  storeError = new Error("the store is out of order");
  await fetches.look();
  const failed = { url: URL, error: "the store is out of order", failedAt: clock.now() };
  assert.deepEqual(fetches.status("a.test"), failed);
  assert.equal(journal.of("recipients.stuck").length, 1);
  clock.advance(MINUTE - 1);
  storeError = undefined;
  await fetches.look();
  assert.deepEqual(fetches.status("a.test"), failed);
  clock.advance(1);
  await fetches.look();
  assert.equal(fetches.status("a.test")?.error, undefined);
  assert.equal(changes.length, 1);
});

test("a list does not wait for a clock that was set back", async () => {
  await fetches.look();
  clock.set(-86_400_000);
  await fetches.look();
  await fetches.look();
  assert.equal(asked.length, 2);
});

test("whatever is wrong with a list, the one before stays; it is told once, and tried again each minute", async () => {
  await fetches.look();
  const faults: readonly [FetchAnswer, string][] = [
    [{ kind: "failed", why: "it answered 500" }, "it answered 500"],
    [{ kind: "list", entries: [] }, "the list is empty; `allowEmpty: true` would believe that"],
    [{ kind: "list", entries: ["x@b.test"] }, "the list is empty; `allowEmpty: true` would believe that"],
    [{ kind: "list", entries: ["alice", "a b"] }, 'entry 2, "a b", is no recipient'],
    [{ kind: "list", entries: ["*"] }, 'entry 1, "*", is no recipient'],
  ];
  clock.advance(9 * MINUTE);
  for (const [fault, why] of faults) {
    clock.advance(MINUTE);
    answer = fault;
    await fetches.look();
    const { entries, error, failedAt } = fetches.status("a.test") ?? {};
    assert.deepEqual({ entries, error, failedAt }, { entries: 3, error: why, failedAt: clock.now() });
  }
  assert.equal(changes.length, 1);
  assert.deepEqual(journal.of("recipients.stuck"), [
    { kind: "recipients.stuck", domain: "a.test", why: "it answered 500" },
  ]);
  settings = { ...settings, allowEmpty: true };
  answer = { kind: "list", entries: [] };
  clock.advance(MINUTE);
  await fetches.look();
  assert.equal(changes.length, 2);
  assert.equal(fetches.status("a.test")?.error, undefined);
});

test("what an earlier process fetched is not fetched again before its time; another URL is, at once", async () => {
  await fetches.look();
  fetches = start();
  clock.advance(MINUTE);
  await fetches.look();
  assert.equal(asked.length, 1);
  assert.equal(fetches.status("a.test")?.entries, 3);
  settings = { ...settings, url: "https://lists.test/b", authorizationEnv: "SECRET" };
  await fetches.look();
  assert.deepEqual(asked[1], { url: "https://lists.test/b", authorizationEnv: "SECRET" });
});

test("a list that the domain lost with its removal is fetched whole, whatever an earlier process noted", async () => {
  records.set("a.test", {
    url: URL,
    entries: 3,
    checkedAt: clock.now(),
    changedAt: clock.now(),
    etag: '"1"',
  });
  domains = () => {
    const { fetched: _, ...record } = domain();
    return [record];
  };
  await fetches.look();
  assert.deepEqual(asked, [{ url: URL }]);
  assert.equal(changes.length, 1);
});

test("only domains that fetch one are looked at, and none that is on its way out", async () => {
  const { settings: own, ...rest } = domain();
  const { fetched: _, ...without } = own;
  domains = () => [
    { ...rest, settings: without },
    { ...domain(), name: "b.test", draining: true },
  ];
  await fetches.look();
  assert.deepEqual(asked, []);
  domains = () => [domain()];
  await fetches.look();
  assert.ok(fetches.status("a.test") !== undefined);
  domains = () => [];
  await fetches.look();
  assert.equal(fetches.status("a.test"), undefined);
});

test("what is handed to the server, and blanks around an entry", async () => {
  settings = { url: URL, every: MINUTE / 2, authorizationFile: "/run/secret" };
  answer = { kind: "list", entries: [" alice\t"] };
  await fetches.look();
  assert.deepEqual(asked, [{ url: URL, authorizationFile: "/run/secret" }]);
  assert.deepEqual(changes[0]?.recipients, ["alice"]);
  answer = { kind: "failed", why: "it answered 500" };
  for (const requests of [2, 3]) {
    clock.advance(MINUTE / 2);
    await fetches.look();
    assert.equal(asked.length, requests, "a list that is fetched more often than each minute stays so");
  }
});

test("a stop waits for no server, begins with no further list, and is no trouble of the list", async () => {
  domains = () => many(9);
  hanging = 9;
  const looking = fetches.look();
  await setImmediate();
  fetches.stop();
  await looking;
  assert.equal(asked.length, 4);
  assert.deepEqual(journal.of("recipients.stuck"), []);
  await fetches.look();
  assert.equal(asked.length, 4);
});

test("lists behind a server that hangs hold up no others, and each is asked for once", async () => {
  domains = () => many(9);
  hanging = 3;
  const looking = fetches.look();
  await setImmediate();
  assert.equal(asked.length, 9);
  fetches.stop();
  await looking;
  assert.equal(asked.length, 9);
});

test("a list of more than a million entries is none", async () => {
  answer = { kind: "list", entries: Array.from({ length: 1_000_001 }, () => "alice") };
  await fetches.look();
  assert.equal(fetches.status("a.test")?.error, "the list has more than 1000000 entries");
  assert.deepEqual(changes, []);
});
