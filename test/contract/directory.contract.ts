import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DeclaredDomain, DeclareResult, DomainSettings } from "../../src/ports/directory.ts";
import { FOREIGN_CURSOR } from "../../src/ports/page.ts";
import { DELIVERED, SETTINGS, accept, newMail, settlement, to } from "./mails.ts";
import type { StoreFactory, StoreUnderTest } from "./store.contract.ts";

/** The contract of every storage engine for the directory. */
export function directoryContract(engine: string, open: StoreFactory): void {
  describe(`the directory in ${engine}`, () => {
    declarations(open);
    apiDomains(open);
    lists(open);
  });
}

function declared(name: string, recipients?: readonly string[]): DeclaredDomain {
  return recipients === undefined ? { name, settings: SETTINGS } : { name, settings: SETTINGS, recipients };
}

async function declare(store: StoreUnderTest, ...domains: DeclaredDomain[]): Promise<DeclareResult> {
  return store.control.declare(domains);
}

function find(store: StoreUnderTest, name: string, local: string, generation = store.directory.generation()) {
  const record = store.directory.domain(name, generation);
  return record === undefined ? undefined : store.directory.recipient(record, local)?.pattern;
}

function declarations(open: StoreFactory): void {
  it("shows declared domains in a new generation", async () => {
    await using store = await open();
    const before = store.directory.generation();
    const result = await declare(store, declared("one.test", ["alice", "list-*"]));
    assert.deepEqual(result, {
      generation: before + 1,
      added: ["one.test"],
      changed: [],
      draining: [],
      removed: [],
    });
    const record = store.directory.domain("one.test", result.generation);
    assert.deepEqual([record?.origin, record?.paused, record?.draining], ["file", false, false]);
    assert.deepEqual(record?.settings, SETTINGS);
    assert.equal(store.directory.domain("one.test", before), undefined);
  });

  it("keeps an old generation for transactions that began with it", async () => {
    await using store = await open();
    const { generation: old } = await declare(store, declared("one.test", ["alice"]), declared("two.test"));
    const result = await declare(store, declared("one.test", ["bob"]));
    assert.deepEqual([result.changed, result.removed], [["one.test"], ["two.test"]]);
    assert.deepEqual(store.directory.names(old), ["one.test", "two.test"]);
    await declare(store, declared("one.test", ["bob", "carol"]));
    assert.deepEqual(store.directory.names(store.directory.generation()), ["one.test"]);
    assert.equal(find(store, "one.test", "alice", old), "alice");
    assert.equal(find(store, "one.test", "alice"), undefined);
    assert.ok(store.directory.domain("two.test", old));
    assert.equal(store.directory.domain("two.test", result.generation), undefined);
  });

  it("reuses a list whose entries have not changed, whatever their order", async () => {
    await using store = await open();
    const first = await declare(store, declared("one.test", ["alice", "bob"]));
    const again = await declare(store, declared("one.test", ["bob", "alice", "bob"]));
    assert.deepEqual([again.changed, again.generation], [[], first.generation]);
    const other = { ...SETTINGS, catchAll: true };
    const result = await declare(store, { name: "one.test", settings: other, recipients: ["alice", "bob"] });
    const list = (generation: number) => store.directory.domain("one.test", generation)?.list;
    assert.deepEqual(result.changed, ["one.test"]);
    assert.ok(list(first.generation) !== undefined);
    assert.equal(list(result.generation), list(first.generation));
  });

  it("distinguishes an empty list from no list", async () => {
    await using store = await open();
    await declare(store, declared("none.test"), declared("empty.test", []));
    const g = store.directory.generation();
    assert.equal(store.directory.domain("none.test", g)?.list, undefined);
    assert.ok(store.directory.domain("empty.test", g)?.list !== undefined);
  });

  it("drains a domain that is no longer declared while it still has mail", async () => {
    await using store = await open();
    await declare(store, declared("one.test", ["a"]), declared("two.test"));
    await accept(store.intake, newMail(store.clock.now(), { recipients: to("a@one.test") }));
    const result = await declare(store, declared("two.test"));
    assert.deepEqual([result.draining, result.removed], [["one.test"], []]);
    assert.equal(store.directory.domain("one.test", result.generation)?.draining, true);
    assert.deepEqual(await store.control.retire(), []);
    const [mail] = await store.work.claim({ domain: "one.test", limit: 1, now: store.clock.now() });
    assert.deepEqual(await store.control.retire(), []);
    await store.work.settle(settlement(mail as never, { state: "gone", outcome: DELIVERED }, 1));
    assert.deepEqual(await store.control.retire(), ["one.test"]);
    assert.equal(store.directory.domain("one.test", store.directory.generation()), undefined);
  });

  it("drains a domain whose mail is rerouted", async () => {
    await using store = await open();
    await declare(store, declared("one.test", ["alice"]));
    const now = store.clock.now();
    await accept(store.intake, newMail(now));
    await store.control.operate({ verb: "reroute", filter: {}, to: "192.0.2.7:25", who: "x", now });
    assert.deepEqual((await declare(store)).draining, ["one.test"]);
    assert.deepEqual(await store.control.retire(), []);
  });

  it("ends draining when the domain is declared again", async () => {
    await using store = await open();
    await declare(store, declared("one.test", ["a"]));
    await accept(store.intake, newMail(store.clock.now()));
    await declare(store);
    await declare(store, declared("one.test", ["a"]));
    assert.equal(store.directory.domain("one.test", store.directory.generation())?.draining, false);
  });

  it("rejects a change while another change is in progress", async () => {
    await using store = await open();
    const declaring = declare(store, declared("one.test"));
    await assert.rejects(store.control.addDomain(declared("two.test")), /in progress/);
    await declaring;
    await store.control.addDomain(declared("two.test"));
  });
}

function apiDomains(open: StoreFactory): void {
  it("the API adds and removes its own domains, and cannot change declared domains", async () => {
    await using store = await open();
    await declare(store, declared("file.test"));
    await store.control.addDomain(declared("api.test", ["alice"]));
    assert.equal(find(store, "api.test", "alice"), "alice");
    assert.equal(store.directory.domain("api.test", store.directory.generation())?.origin, "api");
    await assert.rejects(store.control.addDomain(declared("api.test", ["bob"])), /api\.test/);
    await assert.rejects(store.control.addDomain(declared("file.test")), /file\.test/);
    assert.equal(await store.control.removeDomain("file.test"), "declared");
    assert.equal(await store.control.removeDomain("nonesuch.test"), "unknown");
    assert.equal(await store.control.removeDomain("api.test"), "removed");
    await store.control.addDomain(declared("api.test"));
    assert.equal(find(store, "api.test", "alice"), undefined, "the old list was removed with the domain");
  });

  it("recipients that the API adds to a declared domain do not count as a list of that domain", async () => {
    await using store = await open();
    await declare(store, declared("file.test"));
    await store.control.changeRecipients({ domain: "file.test", verb: "add", recipients: ["alice"] });
    await store.control.addDomain(declared("api.test", ["alice"]));
    await store.control.addDomain(declared("none.test"));
    const records = await store.reader.domains();
    assert.deepEqual(
      records.map(({ name, list }) => [name, list !== undefined]),
      [
        ["api.test", true],
        ["file.test", false],
        ["none.test", false],
      ],
    );
    assert.equal(find(store, "file.test", "alice"), "alice");
  });

  it("rejects a declaration of a domain that the API owns, names the domain, and changes nothing", async () => {
    await using store = await open();
    await store.control.addDomain(declared("api.test"));
    await assert.rejects(declare(store, declared("one.test"), declared("api.test")), /api\.test.*API/);
    const names = (await store.reader.domains()).map(({ name }) => name);
    assert.deepEqual(names, ["api.test"]);
    await declare(store, declared("one.test"));
    assert.equal((await store.reader.domains()).length, 2, "a reload leaves the API's domains alone");
  });

  it("drains an API domain that still has mail before it is removed", async () => {
    await using store = await open();
    await store.control.addDomain(declared("one.test"));
    await accept(store.intake, newMail(store.clock.now()));
    assert.equal(await store.control.removeDomain("one.test"), "draining");
    await store.control.operate({ verb: "delete", filter: {}, who: "x", now: 1 });
    assert.deepEqual(await store.control.retire(), ["one.test"]);
  });

  it("revokes the tokens of a domain that is removed through the API, and no others", async () => {
    await using store = await open();
    for (const name of ["one.test", "two.test"]) await store.control.addDomain(declared(name));
    await store.control.addToken({ name: "all", hash: "ef", createdAt: 4 });
    for (const domain of ["one.test", "two.test"])
      await store.control.addToken({ name: domain, hash: domain, createdAt: 5, domain });
    await accept(store.intake, newMail(store.clock.now()));
    assert.equal(await store.control.removeDomain("one.test"), "draining");
    const names = (await store.control.tokens()).map(({ name }) => name);
    assert.deepEqual(names, ["all", "two.test"]);
  });

  it("restores a removed domain as draining for mail whose transaction began before the removal", async () => {
    await using store = await open();
    await store.control.addDomain(declared("one.test"));
    await declare(store, declared("two.test"));
    const settings = { ...SETTINGS, mode: "reflector" as const };
    await store.control.changeDomain("one.test", settings);
    assert.equal(await store.control.removeDomain("one.test"), "removed");
    await declare(store);
    assert.deepEqual(await store.control.retire(), []);
    for (const domain of ["one.test", "two.test"])
      await accept(store.intake, newMail(store.clock.now(), { recipients: to(`a@${domain}`) }));
    assert.deepEqual(await store.control.retire(), ["one.test", "two.test"]);
    const records = await store.reader.domains();
    assert.deepEqual(
      records.map(({ name, origin, draining }) => [name, origin, draining]),
      [
        ["one.test", "api", true],
        ["two.test", "file", true],
      ],
    );
    assert.equal(records[0]?.settings.mode, "reflector", "the last settings");
    assert.deepEqual(await store.control.retire(), []);
    await store.control.operate({ verb: "delete", filter: {}, who: "x", now: 1 });
    assert.deepEqual(await store.control.retire(), ["two.test", "one.test"]);
    assert.deepEqual(await store.reader.domains(), []);
  });

  it("adding a draining domain again without a list keeps its old list and takes the new settings", async () => {
    await using store = await open();
    await store.control.addDomain(declared("one.test", ["alice"]));
    await accept(store.intake, newMail(store.clock.now()));
    assert.equal(await store.control.removeDomain("one.test"), "draining");
    const settings = { ...SETTINGS, mode: "reflector" as const };
    await store.control.addDomain({ name: "one.test", settings });
    const record = store.directory.domain("one.test", store.directory.generation());
    assert.deepEqual([record?.draining, record?.settings.mode], [false, "reflector"]);
    assert.equal(find(store, "one.test", "alice"), "alice");
    assert.deepEqual(await store.control.retire(), []);
  });

  it("adding a draining domain again with a list replaces its old list", async () => {
    await using store = await open();
    await store.control.addDomain(declared("one.test", ["alice"]));
    await accept(store.intake, newMail(store.clock.now()));
    assert.equal(await store.control.removeDomain("one.test"), "draining");
    await store.control.addDomain(declared("one.test", ["bob"]));
    const found = ["alice", "bob"].map((local) => find(store, "one.test", local));
    assert.deepEqual(found, [undefined, "bob"]);
  });

  it("the API changes the settings of its own domains, and cannot change declared domains", async () => {
    await using store = await open();
    await declare(store, declared("file.test"));
    await store.control.addDomain(declared("one.test", ["alice"]));
    const before = store.directory.generation();
    const settings = { ...SETTINGS, mode: "reflector" as const };
    assert.equal(await store.control.changeDomain("one.test", settings), true);
    assert.equal(
      store.directory.domain("one.test", store.directory.generation())?.settings.mode,
      "reflector",
    );
    assert.equal(store.directory.domain("one.test", before)?.settings.mode, SETTINGS.mode);
    assert.equal(find(store, "one.test", "alice"), "alice");
    await accept(store.intake, newMail(store.clock.now()));
    await store.control.removeDomain("one.test");
    await store.control.changeDomain("one.test", SETTINGS);
    assert.equal(store.directory.domain("one.test", store.directory.generation())?.draining, true);
    assert.equal(await store.control.changeDomain("file.test", settings), false);
    assert.equal(await store.control.changeDomain("nonesuch.test", settings), false);
  });

  it("keeps a domain paused across reloads until it is resumed", async () => {
    await using store = await open();
    await declare(store, declared("one.test"));
    assert.equal(await store.control.setPaused("nonesuch.test", true), false);
    assert.equal(await store.control.setPaused("one.test", true), true);
    await declare(store, { name: "one.test", settings: { ...SETTINGS, catchAll: true } });
    const paused = () => store.directory.domain("one.test", store.directory.generation())?.paused;
    assert.equal(paused(), true);
    await store.control.setPaused("one.test", false);
    assert.equal(paused(), false);
  });

  it("the API cannot add a declared domain that is draining", async () => {
    await using store = await open();
    await declare(store, declared("one.test"));
    await accept(store.intake, newMail(store.clock.now()));
    await declare(store);
    await assert.rejects(store.control.addDomain(declared("one.test")), /exists already \(origin file\)/);
  });

  it("a domain that was paused, removed and added again is not paused", async () => {
    await using store = await open();
    await store.control.addDomain(declared("one.test"));
    await store.control.setPaused("one.test", true);
    await store.control.removeDomain("one.test");
    await store.control.addDomain(declared("one.test"));
    assert.equal(store.directory.domain("one.test", store.directory.generation())?.paused, false);
  });

  it("stores the last fetch record of a list, and forgets it with its domain", async () => {
    await using store = await open();
    await declare(store, declared("one.test"), declared("two.test"));
    const record = (at: number) => ({ url: "https://lists.test/", entries: 9, checkedAt: at, changedAt: 1 });
    for (const at of [1, 2]) await store.control.noteFetch({ domain: "one.test", record: record(at) });
    assert.deepEqual(await store.control.fetchRecords(), new Map([["one.test", record(2)]]));
    await declare(store, declared("two.test"));
    await store.control.noteFetch({ domain: "two.test", record: record(3) });
    assert.deepEqual(await store.control.fetchRecords(), new Map([["two.test", record(3)]]));
  });

  it("ends a pause at its end time, and leaves a pause without end time alone", async () => {
    await using store = await open();
    await declare(store, declared("one.test"), declared("two.test"));
    const end = store.clock.now() + 60_000;
    await store.control.setPaused("one.test", true, end);
    await store.control.setPaused("two.test", true);
    const one = () => store.directory.domain("one.test", store.directory.generation());
    assert.deepEqual(await store.control.endPauses(), []);
    assert.equal(one()?.pausedUntil, end);
    store.move(60_000);
    assert.deepEqual(await store.control.endPauses(), ["one.test"]);
    assert.deepEqual([one()?.paused, one()?.pausedUntil], [false, undefined]);
    assert.equal(store.directory.domain("two.test", store.directory.generation())?.paused, true);
  });
}

function lists(open: StoreFactory): void {
  it("finds the exact recipient first, then the longest prefix, in the declared and the API's list", async () => {
    await using store = await open();
    await declare(store, declared("one.test", ["alice", "list-*", "list-a-*"]));
    await store.control.changeRecipients({
      domain: "one.test",
      verb: "add",
      recipients: ["bob", "list-a-b-*"],
    });
    const record = store.directory.domain("one.test", store.directory.generation());
    const hit = (local: string) => {
      const found = record === undefined ? undefined : store.directory.recipient(record, local);
      return found === undefined ? undefined : [found.pattern, found.origin];
    };
    assert.deepEqual(hit("alice"), ["alice", "file"]);
    assert.deepEqual(hit("bob"), ["bob", "api"]);
    assert.deepEqual(hit("list-x"), ["list-*", "file"]);
    assert.deepEqual(hit("list-a-c"), ["list-a-*", "file"]);
    assert.deepEqual(hit("list-a-b-c"), ["list-a-b-*", "api"]);
    assert.equal(hit("list"), undefined);
    assert.equal(hit("carol"), undefined);
  });

  it("adds, removes and replaces the API's recipients, and keeps them on reload", async () => {
    await using store = await open();
    await declare(store, declared("one.test", ["alice"]));
    const change = async (verb: "add" | "remove" | "replace", ...recipients: string[]) =>
      (await store.control.changeRecipients({ domain: "one.test", verb, recipients })).after;
    assert.equal(await change("add", "bob", "carol", "bob"), 2);
    assert.equal(await change("add", "bob"), 2);
    const before = store.directory.generation();
    for (let time = 0; time < 2; time++) assert.equal(await change("remove", "bob", "nobody"), 1);
    assert.deepEqual(
      [find(store, "one.test", "bob"), find(store, "one.test", "bob", before)],
      [undefined, "bob"],
    );
    assert.equal(await change("add", "list-*"), 2);
    assert.equal(
      find(store, "one.test", "list-a", before),
      undefined,
      "the pattern was added in a later generation",
    );
    assert.equal(find(store, "one.test", "list-a"), "list-*");
    assert.equal(await change("remove", "list-*"), 1);
    assert.equal(find(store, "one.test", "list-a"), undefined);
    assert.equal(await change("add", "bob"), 2);
    const { generation } = store.directory.domain("one.test", store.directory.generation()) as never as {
      generation: number;
    };
    assert.equal(await change("replace", "dora"), 1);
    await declare(store, declared("one.test", ["alice", "zoe"]));
    const found = ["alice", "zoe", "bob", "carol", "dora"].filter((local) => find(store, "one.test", local));
    assert.deepEqual(found, ["alice", "zoe", "dora"]);
    assert.equal(find(store, "one.test", "bob", generation), "bob", "an old generation keeps its list");
    await assert.rejects(
      store.control.changeRecipients({ domain: "no.test", verb: "add", recipients: [] }),
      /no\.test/,
    );
  });

  it("keeps the API's recipients of a declared domain while that domain is not declared", async () => {
    await using store = await open();
    const one = declared("one.test", ["alice"]);
    await declare(store, one);
    await store.control.changeRecipients({ domain: "one.test", verb: "add", recipients: ["bob"] });
    assert.deepEqual((await declare(store)).removed, ["one.test"]);
    assert.equal(find(store, "one.test", "bob"), undefined);
    await declare(store, one);
    assert.deepEqual(
      ["alice", "bob"].map((local) => find(store, "one.test", local)),
      ["alice", "bob"],
    );
  });

  it("keeps the fetched list separate from the declared and the API's list", async () => {
    await using store = await open();
    const fetched = { url: "https://lists.test/", every: 60_000 };
    const one = { name: "one.test", settings: { ...SETTINGS, fetched }, recipients: ["alice", "team-*"] };
    await declare(store, one);
    const put = async (...recipients: string[]) => {
      const change = { domain: "one.test", verb: "replace", recipients, fetched: true } as const;
      return (await store.control.changeRecipients(change)).after;
    };
    const add = { domain: "one.test", verb: "add", recipients: ["bob"] } as const;
    await store.control.changeRecipients(add);
    assert.equal(await put("carol", "team-x-*"), 2);
    const old = store.directory.generation();
    const all = ["alice", "bob", "carol", "dora", "team-x-1"];
    const known = (generation = store.directory.generation()) => {
      const record = store.directory.domain("one.test", generation) ?? assert.fail("one.test is gone");
      const hits = all.map((local) => store.directory.recipient(record, local));
      return hits.map((hit) => hit && `${hit.pattern} ${hit.origin}`);
    };
    assert.deepEqual(known(), ["alice file", "bob api", "carol url", undefined, "team-x-* url"]);
    assert.equal(await put("dora"), 1);
    assert.deepEqual(known(), ["alice file", "bob api", undefined, "dora url", "team-* file"]);
    assert.deepEqual(known(old), ["alice file", "bob api", "carol url", undefined, "team-x-* url"]);
    const { items } = await store.reader.recipients({ domain: "one.test", limit: 10 });
    const shown = ["alice file", "bob api", "dora url", "team-* file"];
    assert.deepEqual(
      items.map(({ pattern, origin }) => `${pattern} ${origin}`),
      shown,
    );
    await declare(store, { ...one, settings: SETTINGS });
    assert.equal(known()[3], undefined, "the domain has no fetched list any more");
    await declare(store);
    await declare(store, one);
    assert.deepEqual(known().slice(0, 4), ["alice file", "bob api", undefined, undefined]);
  });

  it("a domain with a fetched list refuses all mail only if the fetched list is empty", async () => {
    await using store = await open();
    const fetched = { url: "https://lists.test/", every: 60_000 };
    await declare(store, { name: "one.test", settings: { ...SETTINGS, fetched } });
    assert.deepEqual(await store.reader.refusing(), [], "the list may still arrive");
    const put = (...recipients: string[]) =>
      store.control.changeRecipients({ domain: "one.test", verb: "replace", recipients, fetched: true });
    await put();
    assert.deepEqual(await store.reader.refusing(), ["one.test"]);
    await put("alice");
    assert.deepEqual(await store.reader.refusing(), []);
  });

  it("does not report a draining domain as refusing all mail", async () => {
    await using store = await open();
    await declare(store, declared("one.test", []));
    await accept(store.intake, newMail(store.clock.now()));
    assert.deepEqual(await store.reader.refusing(), ["one.test"]);
    await declare(store);
    assert.deepEqual(await store.reader.refusing(), []);
  });

  it("reports the domains that refuse all mail: empty lists, no catch-all, no callout, no list to fetch", async () => {
    await using store = await open();
    const having = (settings: Partial<DomainSettings>) => ({ ...SETTINGS, ...settings });
    await declare(
      store,
      declared("listed.test", ["alice"]),
      declared("emptied.test", []),
      declared("added.test", []),
      declared("nothing.test"),
      { name: "all.test", settings: having({ catchAll: true }), recipients: [] },
      { name: "asked.test", settings: having({ callout: true }), recipients: [] },
      { name: "fetched.test", settings: having({ fetched: { url: "https://lists.test/", every: 60_000 } }) },
    );
    assert.deepEqual(await store.reader.refusing(), ["added.test", "emptied.test", "nothing.test"]);
    assert.deepEqual(await store.reader.refusing("added.test"), ["added.test"]);
    assert.deepEqual(await store.reader.refusing("foreign.test"), []);
    const change = { domain: "added.test", recipients: ["bob"] };
    await store.control.changeRecipients({ ...change, verb: "add" });
    assert.deepEqual(await store.reader.refusing("added.test"), []);
    assert.deepEqual(await store.reader.refusing(), ["emptied.test", "nothing.test"]);
    await store.control.changeRecipients({ ...change, verb: "remove" });
    assert.deepEqual(await store.reader.refusing(), ["added.test", "emptied.test", "nothing.test"]);
  });

  it("changes lists of 5000 recipients and returns the counts before and after", async () => {
    await using store = await open();
    await declare(store, declared("one.test"));
    const many = Array.from({ length: 5000 }, (_, i) => `user${i}`);
    const change = async (verb: "add" | "remove" | "replace", recipients: string[]) => {
      const { before, after } = await store.control.changeRecipients({
        domain: "one.test",
        verb,
        recipients,
      });
      return [before, after];
    };
    assert.deepEqual(await change("add", ["first", "dismissed"]), [0, 2]);
    assert.deepEqual(await change("remove", ["dismissed", "nobody"]), [2, 1]);
    assert.deepEqual(await change("remove", ["nobody"]), [1, 1]);
    assert.deepEqual(await change("add", many), [1, 5001]);
    assert.equal(find(store, "one.test", "dismissed"), undefined);
    assert.deepEqual(await change("remove", many.slice(0, 2000)), [5001, 3001]);
    assert.equal(find(store, "one.test", "user1999"), undefined);
    assert.equal(find(store, "one.test", "user2000"), "user2000");
    assert.deepEqual(await change("replace", many), [3001, 5000]);
    assert.equal(find(store, "one.test", "first"), undefined);
  });

  it("pages through one list to its end, without an empty last page", async () => {
    await using store = await open();
    for (const [recipients, sizes] of [
      [
        ["a", "b", "c", "d", "e"],
        [2, 2, 1],
      ],
      [
        ["a", "b", "c", "d"],
        [2, 2],
      ],
      // Sorted by code point: the last entry is a surrogate pair; its UTF-16 units are lower than the entry before it.
      [
        ["a", "\u{ff45}", "\u{1f600}"],
        [2, 1],
      ],
    ] as const) {
      await declare(store, declared("one.test", recipients));
      const pages: string[][] = [];
      for (let next: string | undefined = ""; next !== undefined;) {
        const cursor = next === "" ? {} : { cursor: next };
        const page: Awaited<ReturnType<typeof store.reader.recipients>> = await store.reader.recipients({
          domain: "one.test",
          limit: 2,
          ...cursor,
        });
        pages.push(page.items.map(({ pattern }) => pattern));
        next = page.next;
      }
      assert.deepEqual(pages.flat(), recipients);
      assert.deepEqual(
        pages.map(({ length }) => length),
        sizes,
      );
    }
  });

  it("returns between 1 and 1000 recipients of a list per page, whatever the limit", async () => {
    await using store = await open();
    const recipients = Array.from({ length: 1001 }, (_, i) => `user${i}`);
    await declare(store, declared("one.test", recipients));
    const shown = async (limit: number) =>
      (await store.reader.recipients({ domain: "one.test", limit })).items;
    assert.deepEqual([(await shown(0)).length, (await shown(5000)).length], [1, 1000]);
  });

  it("pages through the declared and the API's list in the order of names, and rejects a foreign cursor", async () => {
    await using store = await open();
    await declare(store, declared("one.test", ["a", "c", "e"]));
    for (const [verb, ...recipients] of [
      ["add", "b", "gone"],
      ["remove", "gone"],
      ["add", "c", "d"],
    ] as const)
      await store.control.changeRecipients({ domain: "one.test", verb, recipients });
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await store.reader.recipients({
        domain: "one.test",
        limit: 2,
        ...(cursor !== undefined && { cursor }),
      });
      seen.push(...page.items.map(({ pattern, origin }) => `${pattern} ${origin}`));
      cursor = page.next;
    } while (cursor !== undefined);
    const foreign = Buffer.from("[1,2,3]").toString("base64url");
    const strange = store.reader.recipients({ domain: "one.test", limit: 1, cursor: foreign });
    await assert.rejects(strange, { message: FOREIGN_CURSOR });
    assert.deepEqual(seen, ["a file", "b api", "c file", "c api", "d api", "e file"]);
  });
}
