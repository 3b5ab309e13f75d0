import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fits, toolWorld } from "../../support/tool-bench.ts";

test("a probation that stopped is shown wherever the domain is", async () => {
  await using tool = await toolWorld();
  const [primary] = tool.world.primaries;
  const since = tool.world.clock.now() - 120_000;
  const why = "it refused alice@example.com, although the address exists: 550 5.1.1 no such user";
  const stopped = { domain: "example.com", state: "stopped", since, why, canaryAt: since + 300_000 } as const;
  const running = { domain: "other.example", state: "running", since } as const;
  if (primary !== undefined)
    tool.world.primaries = [{ ...primary, state: "up", probation: [stopped, running] }];
  assert.match((await tool.run(["domain", "list"])).stdout, /^example\.com +file +stopped /m);
  const shown = (await tool.run(["domain", "show", "example.com"])).stdout;
  assert.match(
    shown,
    /^Probation: +mail\.example\.com:25 stopped for 2 min: it refused\n +alice@example\.com, although the address exists/m,
  );
  assert.match(shown, /next\s+canary in 3 min/);
  assert.doesNotMatch(shown, /one by one/);
  fits(shown);
  const status = (await tool.run(["status"])).stdout;
  assert.match(status, /^Probation: +example\.com at mail\.example\.com:25: stopped/m);
  assert.match(status, /other\.example at mail\.example\.com:25: running\s+for/);
  fits(status);
  const late = { ...stopped, canaryAt: since };
  if (primary !== undefined) tool.world.primaries = [{ ...primary, state: "up", probation: [late] }];
  assert.match(
    (await tool.run(["domain", "show", "example.com"])).stdout,
    /the\s+next\s+mail\s+is\s+the\s+canary/,
  );
  if (primary !== undefined) {
    const other = { ...primary, destination: "spare.example.com:25", state: "up" as const };
    tool.world.primaries = [{ ...primary, state: "up", probation: [stopped] }, other];
  }
  const stoppedStill = (await tool.run(["domain", "list"])).stdout;
  assert.match(
    stoppedStill,
    /^example\.com +file +stopped /m,
    "only rerouted mail goes to a host of no domain",
  );
  const [domain, ...others] = tool.world.domains;
  const [declared] = domain?.settings.primaries ?? [];
  if (domain !== undefined && declared !== undefined) {
    const primaries = [declared, { ...declared, host: "spare.example.com", preference: 20 }];
    tool.world.domains = [{ ...domain, settings: { ...domain.settings, primaries } }, ...others];
  }
  const elsewhere = (await tool.run(["domain", "list"])).stdout;
  assert.match(elsewhere, /^example\.com +file +active /m, "its mail goes to the other");
  await tool.run(["domain", "resume", "example.com"]);
  assert.deepEqual(tool.world.resumed, ["example.com"]);
});

test("while nobody knows how primaries stand, no domain is told as active", async () => {
  await using tool = await toolWorld();
  tool.world.noPrimaries =
    "the delivery thread does not answer; after a minute it is ended and started again";
  const [first, second] = tool.world.domains;
  assert.ok(first !== undefined && second !== undefined);
  tool.world.domains = [first, { ...second, paused: true }];
  const listed = (await tool.run(["domain", "list"])).stdout;
  assert.match(listed, /^example\.com +file +unknown +mail\.example\.com:25 +1 waiting/m);
  assert.match(listed, /^other\.example +api +paused /m);
  assert.match(listed, /^Primaries: the delivery thread does not answer; /m);
  fits(listed);
  const shown = (await tool.run(["domain", "show", "example.com"])).stdout;
  assert.match(shown, /^State: +unknown$/m);
  assert.match(shown, /^Now: +the delivery thread does not answer; /m);
});

test("domains are listed, shown, added, paused and removed", async () => {
  await using tool = await toolWorld();
  const listed = (await tool.run(["domain", "list"])).stdout;
  assert.match(listed, /^example\.com +file +active +mail\.example\.com:25 down +1 waiting, 1 held$/m);
  fits(listed);
  const shown = (await tool.run(["domain", "show", "example.com"])).stdout;
  assert.match(shown, /^Now: +mail\.example\.com:25 down for 3 h 12 min: connection refused$/m);
  fits(shown);
  const users = join(tool.folder, "users.txt");
  writeFileSync(users, "alice # boss\n\nbob\n");
  const primaries = ["--primary", "a.example:2525", "--primary", "[2001:db8::1]:26", "--mx"];
  const added = await tool.run([
    "domain",
    "add",
    "New.example",
    ...primaries,
    "--tls",
    "verify",
    "--recipients",
    users,
  ]);
  assert.deepEqual([added.code, added.stdout], [0, "new.example added.\n"]);
  assert.deepEqual(tool.world.domains[2]?.settings.primaries, [
    { host: "a.example", port: 2525, tls: "verify", preference: 10 },
    { host: "2001:db8::1", port: 26, tls: "verify", preference: 20 },
    { host: "", port: 25, tls: "verify", preference: 30, mx: true },
  ]);
  assert.deepEqual(tool.world.added[0]?.recipients, ["alice", "bob"]);
  const places = (await tool.run(["domain", "show", "new.example"])).stdout;
  assert.match(places, /^Primary: +\[2001:db8::1\]:26, tls verify/m);
  assert.match(places, /^Primary: +its MX, tls verify/m);
  assert.equal(
    (await tool.run(["domain", "pause", "new.example"])).stdout,
    "new.example: deliveries paused.\n",
  );
  const until = await tool.run(["domain", "pause", "new.example", "--until", "2h"]);
  assert.match(until.stdout, /^new\.example: deliveries paused until \d{4}-\d\d-\d\d /);
  assert.equal((await tool.run(["domain", "pause", "new.example", "--until", "tea"])).code, 2);
  assert.equal((await tool.run(["domain", "pause", "new.example", "--until", "100000000d"])).code, 2);
  const [first, ...others] = tool.world.domains;
  const pausedUntil = tool.world.clock.now() + 2 * 3_600_000;
  tool.world.domains = [Object.assign({}, first, { paused: true, pausedUntil }), ...others];
  const withPause = (await tool.run(["domain", "list"])).stdout;
  assert.match(withPause, /^example\.com +file +paused, 2 h left +mail\.example\.com:25 down +1 waiting/m);
  fits(withPause);
  tool.world.domains = [first as NonNullable<typeof first>, ...others];
  assert.equal(
    (await tool.run(["domain", "resume", "new.example"])).stdout,
    "new.example: deliveries go on.\n",
  );
  assert.equal((await tool.run(["domain", "remove", "new.example"])).stdout, "new.example removed.\n");
});

test("what the daemon refuses is told with its hint; its words decide the exit code", async () => {
  await using tool = await toolWorld();
  const declared = await tool.run(["domain", "remove", "example.com"]);
  assert.equal(declared.code, 1);
  assert.match(declared.stderr, /declared in the configuration file\nremove it there/);
  assert.equal((await tool.run(["domain", "show", "foreign.example"])).code, 1);
  assert.equal((await tool.run(["domain", "add", "x.example", "--mx", "--mode", "relay"])).code, 2);
  assert.equal(
    (await tool.run(["domain", "add", "x.example", "--mx", "--recipients", "/no/such/file"])).code,
    1,
  );
});

test("a domain shows where its recipients are known from, and how a fetched list stands", async () => {
  await using tool = await toolWorld();
  const { world } = tool;
  const [domain] = world.domains;
  assert.ok(domain !== undefined);
  const fetched = { url: "https://lists.example/a", every: 600_000 };
  const settings = { ...domain.settings, callout: true, fetched, unknownDuringOutage: "defer" } as const;
  world.domains = [{ ...domain, settings }, ...world.domains.slice(1)];
  const now = world.clock.now();
  const record = { url: fetched.url, entries: 2, checkedAt: now - 120_000, changedAt: 1 };
  world.fetched.set("example.com", { ...record, error: "it answered 500", failedAt: now - 60_000 });
  const [primary] = world.primaries;
  if (primary !== undefined) world.primaries = [{ ...primary, acceptAll: ["example.com"] }];
  const { stdout } = await tool.run(["domain", "show", "example.com"]);
  assert.match(stdout, /list at\s+https:\/\/lists\.example\/a,\s+callout/);
  assert.match(stdout, /^Other addresses: +callout to the primary; during an outage: defer$/m);
  assert.match(
    stdout,
    /^Fetched list: +2 entries, confirmed 2 min ago; the last fetch\s+1 min ago\s+failed:\s+it/m,
  );
  assert.match(stdout, /^Callouts: +mail\.example\.com:25 accepts every address/m);
  await tool.run(["domain", "add", "asks.example", "--primary", "m.example", "--callout"]);
  assert.equal(world.domains.at(-1)?.settings.callout, true);
});

test("a domain that knows no recipient says what becomes of its mail", async () => {
  await using tool = await toolWorld();
  const { world } = tool;
  world.refusing = ["example.com", "new.example"];
  const { stdout } = await tool.run(["domain", "show", "example.com"]);
  assert.match(
    stdout,
    /^Recipients: .*; no recipient is known: all\s+mail\s+except\s+for\s+postmaster\s+is\s+refused$/m,
  );
  fits(stdout);
  const added = await tool.run(["domain", "add", "new.example", "--primary", "m.example"]);
  assert.equal(added.code, 0);
  assert.match(added.stderr, /it has no recipients yet; `holdfast recipients add new\.example NAME` adds/);
  const taking = await tool.run(["domain", "add", "other.example", "--primary", "m.example"]);
  assert.doesNotMatch(taking.stderr, /no recipients/);
});

test("a domain whose list never came says what becomes of its mail", async () => {
  await using tool = await toolWorld();
  const { world } = tool;
  const [domain] = world.domains;
  assert.ok(domain !== undefined);
  const fetched = { url: "https://lists.example/a", every: 600_000 };
  world.domains = [{ ...domain, settings: { ...domain.settings, fetched } }];
  world.fetched.set("example.com", {
    url: fetched.url,
    error: "it answered 500",
    failedAt: world.clock.now(),
  });
  const { stdout } = await tool.run(["domain", "show", "example.com"]);
  assert.match(stdout, /^Other addresses: +deferred until the list has been fetched$/m);
});

test("a pause that was stored with an end beyond all dates is shown", async () => {
  await using tool = await toolWorld();
  const [domain] = tool.world.domains;
  assert.ok(domain !== undefined);
  tool.world.domains[0] = { ...domain, paused: true, pausedUntil: Number.MAX_SAFE_INTEGER };
  const { code, stdout } = await tool.run(["domain", "show", "example.com"]);
  assert.equal(code, 0);
  assert.match(stdout, /^State: +paused until after 9999$/m);
});

test("a domain whose file cannot be used says why", async () => {
  await using tool = await toolWorld();
  tool.world.fileTroubles.set("example.com", "users.txt:3: two words; write one in each line");
  const { stdout } = await tool.run(["domain", "show", "example.com"]);
  assert.match(
    stdout,
    /^Old list: +in force, because the\s+changed\s+file\s+cannot\s+be\s+used:\s+users\.txt:3:\s+two words;/m,
  );
  fits(stdout);
});
