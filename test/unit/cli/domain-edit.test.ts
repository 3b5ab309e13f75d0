import assert from "node:assert/strict";
import { test } from "node:test";
import type { DomainSettings, Primary } from "../../../src/ports/directory.ts";
import { toolWorld } from "../../support/tool-bench.ts";

test("a domain of the API gets another primary and another quota", async () => {
  await using tool = await toolWorld();
  const change = (...words: string[]) => tool.run(["domain", "change", "other.example", ...words]);
  const moved = await change("--primary", "new.example:2525", "--tls", "require", "--quota-size", "20GB");
  assert.deepEqual([moved.code, moved.stdout], [0, "other.example changed.\n"]);
  const { settings } = tool.world.domains[1] ?? {};
  assert.deepEqual(settings?.primaries, [
    { host: "new.example", port: 2525, tls: "require", preference: 10 },
  ]);
  assert.deepEqual(settings?.quota, { bytes: 20e9 });
  await change("--quota-mails", "5", "--quota-size", "2GiB");
  assert.deepEqual(tool.world.domains[1]?.settings.quota, { messages: 5, bytes: 2 * 1024 ** 3 });
  await change("--no-quota");
  assert.equal(tool.world.domains[1]?.settings.quota, undefined);
  for (const [words, complaint] of [
    [[], /what is to change\?/],
    [["--quota-size", "much"], /such as 500MB or 20GB, not much/],
    [["--no-quota", "--quota-mails", "3"], /not both/],
  ] as const) {
    const { code, stderr } = await change(...words);
    assert.equal(code, 2);
    assert.match(stderr, complaint);
  }
  const declared = await tool.run(["domain", "change", "example.com", "--mx"]);
  assert.equal(declared.code, 1);
  assert.match(declared.stderr, /declared in the configuration file\nchange it there/);
});

const PIN = "ab".repeat(32);
const FIRST: Primary = { host: "a.example", port: 25, tls: "verify", preference: 5, weight: 3 };
const PINNED: Primary = { host: "b.example", port: 2525, tls: "pin", pins: [PIN], preference: 7 };

/** A domain with all that `domain change` could lose; answers its settings after one change. */
async function changed(
  words: readonly string[],
  settings: Partial<DomainSettings> = {},
): Promise<DomainSettings> {
  await using tool = await toolWorld();
  const domain = tool.world.domains[1];
  assert.ok(domain !== undefined);
  const full: DomainSettings = {
    ...domain.settings,
    primaries: [FIRST],
    quota: { messages: 100, bytes: 2e9 },
    checks: { spf: "reject", helo: "defer", greylist: { delay: 120_000, action: "tag" } },
    ...settings,
  };
  tool.world.domains[1] = { ...domain, settings: full };
  const { code, stderr } = await tool.run(["domain", "change", "other.example", ...words]);
  assert.equal(code, 0, stderr);
  const after = tool.world.domains[1]?.settings;
  assert.ok(after !== undefined);
  return after;
}

test("what is not named of a quota or of the checks stays", async () => {
  assert.deepEqual((await changed(["--quota-mails", "200"])).quota, { messages: 200, bytes: 2e9 });
  assert.deepEqual((await changed(["--quota-size", "1GB"])).quota, { messages: 100, bytes: 1e9 });
  const greylist = { delay: 120_000, action: "tag" };
  const others = await changed(["--check", "senderDomain=tag", "--check", "helo=reject"]);
  assert.deepEqual(others.checks, { spf: "reject", helo: "reject", greylist, senderDomain: "tag" });
  const stillOn = await changed(["--check", "greylist=on"]);
  assert.deepEqual(stillOn.checks, { spf: "reject", helo: "defer", greylist });
  assert.deepEqual((await changed(["--mode", "reflector"])).primaries, [FIRST]);
});

test("a check is taken away again, and is then as for all domains", async () => {
  const fewer = await changed(["--check", "helo=default", "--check", "greylist=default"]);
  assert.deepEqual(fewer.checks, { spf: "reject" });
  const none = await changed(["--check", "spf=default"], { checks: { spf: "off" } });
  assert.equal(none.checks, undefined);
});

test("another primary is treated as the one whose place it takes", async () => {
  const moved = await changed(["--primary", "new.example:26"]);
  assert.deepEqual(moved.primaries, [{ ...FIRST, host: "new.example", port: 26, preference: 10 }]);
  const swapped = await changed(["--primary", "B.example:2525", "--primary", "new.example"], {
    primaries: [FIRST, PINNED],
  });
  assert.deepEqual(swapped.primaries, [
    { ...PINNED, preference: 10 },
    { ...FIRST, host: "new.example", preference: 20 },
  ]);
  const more = await changed(["--primary", "a.example", "--mx"]);
  assert.deepEqual(more.primaries, [
    { ...FIRST, preference: 10 },
    { ...FIRST, host: "", mx: true, preference: 20 },
  ]);
  const { primaries } = await changed(["--primary", "new.example"], { primaries: more.primaries.slice(1) });
  assert.deepEqual(primaries, [{ ...FIRST, host: "new.example", preference: 10 }]);
});

test("a level of TLS alone is that of all its primaries", async () => {
  const { primaries } = await changed(["--tls", "require"], { primaries: [FIRST, PINNED] });
  assert.deepEqual(primaries, [
    { ...FIRST, tls: "require" },
    { host: "b.example", port: 2525, tls: "require", preference: 7 },
  ]);
});

test("a declared domain is changed in its file, whatever it has there", async () => {
  await using tool = await toolWorld();
  const [domain] = tool.world.domains;
  assert.ok(domain !== undefined);
  const login = { user: "mx", passwordFile: "/etc/holdfast/password", method: "plain" } as const;
  const settings = { ...domain.settings, primaries: [{ ...FIRST, login }] };
  tool.world.domains[0] = { ...domain, settings };
  const { code, stderr } = await tool.run(["domain", "change", "example.com", "--tls", "none"]);
  assert.equal(code, 1);
  assert.match(stderr, /declared in the configuration file\nchange it there/);
  assert.equal((await tool.run(["domain", "change", "foreign.example", "--mx"])).code, 1);
});

test("who exists is changed by a switch, on or off, and what follows from it with it", async () => {
  const all = await changed(["--catch-all"], { catchAll: false, unknownDuringOutage: "reject" });
  assert.deepEqual([all.catchAll, all.unknownDuringOutage], [true, "accept"]);
  const listed = await changed(["--no-catch-all"], { catchAll: true, unknownDuringOutage: "accept" });
  assert.deepEqual([listed.catchAll, listed.unknownDuringOutage], [false, "reject"]);
  const asking = await changed(["--no-catch-all", "--callout", "--unknown", "defer"], { catchAll: true });
  assert.deepEqual([asking.catchAll, asking.callout, asking.unknownDuringOutage], [false, true, "defer"]);
  const silent = await changed(["--no-callout"], { callout: true });
  assert.equal(silent.callout, false);
  assert.equal((await changed(["--tls", "none"], { callout: true })).callout, true);

  await using tool = await toolWorld();
  for (const name of ["catch-all", "callout"]) {
    const both = await tool.run(["domain", "change", "other.example", `--${name}`, `--no-${name}`]);
    assert.equal(both.code, 2);
    assert.match(both.stderr, new RegExp(`give --${name} or --no-${name}, not both`));
  }
});
