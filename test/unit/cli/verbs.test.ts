import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { FIRST } from "../../support/admin-fakes.ts";
import { fits, toolWorld } from "../../support/tool-bench.ts";

test("status tells everything at one look", async () => {
  await using tool = await toolWorld();
  const { code, stdout } = await tool.run(["status"]);
  assert.equal(code, 0);
  assert.match(stdout, /^Holdfast: +0\.1\.0 on mx2\.example\.net, up 3 h 12 min$/m);
  assert.match(stdout, /^Queue: +2 waiting, 1 held; oldest 3 h 12 min$/m);
  assert.match(stdout, /^mail\.example\.com:25 +down +3 h 12 min +connection refused$/m);
  fits(stdout);
});

test("status says what ails the store, and that the queue cannot be read", async () => {
  await using tool = await toolWorld();
  const trouble = "the database is malformed; stop the daemon";
  tool.world.status = { ...tool.world.status, condition: "sick", trouble };
  tool.world.unreadable = new Error("the image is malformed");
  const { code, stdout } = await tool.run(["status"]);
  assert.equal(code, 0);
  assert.match(
    stdout.replaceAll(/\n +/g, " "),
    /^Storage: +sick, 12 GiB free .*: the database is malformed; stop the daemon$/m,
  );
  assert.match(stdout, /^Queue: +cannot be read: the image is malformed$/m);
  fits(stdout);
});

test("status puts what needs somebody first: paused domains, primaries in trouble", async () => {
  await using tool = await toolWorld();
  const [down] = tool.world.primaries;
  assert.ok(down !== undefined);
  const up = Array.from({ length: 30 }, (_, i) =>
    Object.assign({}, down, { destination: `m${i}.example:25`, state: "up" as const, why: undefined }),
  );
  tool.world.primaries = [...up, down];
  const [first, second] = tool.world.domains;
  tool.world.domains = [
    Object.assign({}, first, { paused: true }),
    Object.assign({}, second, { draining: true }),
  ];
  const { stdout } = await tool.run(["status"]);
  assert.match(stdout, /^Paused: +1: example\.com$/m);
  assert.match(stdout, /^Draining: +1: other\.example$/m);
  assert.match(stdout, /^PRIMARY .*\nmail\.example\.com:25 +down/m);
  assert.match(stdout, /^m19\.example:25 +up.*\n10 more are up; holdfast domain list shows them\.$/m);
  fits(stdout);
});

test("status shows the certificates, their names and ends", async () => {
  await using tool = await toolWorld();
  const names = ["mx2.example.net", "*.example.org"];
  const expiresAt = Date.UTC(2027, 0, 31);
  tool.world.status = { ...tool.world.status, certificates: [{ file: "/etc/mx.pem", names, expiresAt }] };
  const { stdout } = await tool.run(["status"]);
  assert.match(stdout, /^\/etc\/mx\.pem +2027-01-31 +mx2\.example\.net \*\.example\.org$/m);
});

test("a probation that stopped is shown wherever the domain is", async () => {
  await using tool = await toolWorld();
  const [primary] = tool.world.primaries;
  const since = tool.world.clock.now() - 120_000;
  const why = "it refused alice@example.com, which exists: 550 5.1.1 no such user";
  const stopped = { domain: "example.com", state: "stopped", since, why, canaryAt: since + 300_000 } as const;
  const running = { domain: "other.example", state: "running", since } as const;
  if (primary !== undefined)
    tool.world.primaries = [{ ...primary, state: "up", probation: [stopped, running] }];
  assert.match((await tool.run(["domain", "list"])).stdout, /^example\.com +file +stopped /m);
  const shown = (await tool.run(["domain", "show", "example.com"])).stdout;
  assert.match(
    shown,
    /^Probation: +mail\.example\.com:25 stopped for 2 min: it refused\n +alice@example\.com, which exists/m,
  );
  assert.match(shown, /next\s+canary in 3 min/);
  assert.doesNotMatch(shown, /one by one/);
  fits(shown);
  const status = (await tool.run(["status"])).stdout;
  assert.match(status, /^Probation: +example\.com at mail\.example\.com:25: stopped/m);
  assert.match(status, /other\.example at mail\.example\.com:25: its\s+first mails/);
  fits(status);
  await tool.run(["domain", "resume", "example.com"]);
  assert.deepEqual(tool.world.resumed, ["example.com"]);
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
  assert.deepEqual(tool.world.changes[0]?.recipients, ["alice", "bob"]);
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
    [["--tls", "none"], /--tls belongs to a primary/],
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

test("recipients come as words, from a file, or from stdin", async () => {
  await using tool = await toolWorld();
  assert.equal(
    (await tool.run(["recipients", "add", "example.com", "alice", "list-*"])).stdout,
    "The API list of example.com has 2 entries.\n",
  );
  const file = join(tool.folder, "users.txt");
  writeFileSync(file, "carol\n# nobody\n");
  await tool.run(["recipients", "replace", "example.com", "--file", file]);
  await tool.run(["recipients", "replace", "example.com"], "dave\neve\n");
  await tool.run(["recipients", "remove", "example.com", "--file", "-"], "dave\n");
  assert.deepEqual(
    tool.world.changes.map(({ verb, recipients }) => [verb, ...recipients]),
    [
      ["add", "alice", "list-*"],
      ["replace", "carol"],
      ["replace", "dave", "eve"],
      ["remove", "dave"],
    ],
  );
  const listed = await tool.run(["recipients", "list", "example.com", "--limit", "1"]);
  assert.match(listed.stdout, /^alice +file\nThere are more;/m);
  assert.match((await tool.run(["recipients", "list", "example.com", "--all"])).stdout, /^list-\* +api$/m);
  const checked = (await tool.run(["recipients", "check", "alice@example.com"])).stdout;
  assert.match(checked, /^Answer: +accept\nWhy: +it is in the declared list\nKnown from: +file$/m);
  assert.match(checked, /^Source: +list \(file\): has `alice` \(1 h ago\)$/m);
  assert.equal((await tool.run(["recipients", "check", "nobody"])).code, 2);
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
  assert.match(stdout, /list at https:\/\/lists\.example\/a, callout/);
  assert.match(stdout, /^Unknown ones: +asked for; defer during an outage$/m);
  assert.match(stdout, /^Fetched list: +2 entries, confirmed 2 min ago; the last look 1 min ago failed: it/m);
  assert.match(stdout, /^Callouts: +mail\.example\.com:25 takes every address/m);
  await tool.run(["domain", "add", "asks.example", "--primary", "m.example", "--callout"]);
  assert.equal(world.domains.at(-1)?.settings.callout, true);
});

test("an emptied list cannot come about by an accident of stdin", async () => {
  await using tool = await toolWorld();
  const { code, stderr } = await tool.run(["recipients", "replace", "example.com"], "");
  assert.equal(code, 2);
  assert.match(stderr, /--empty/);
  assert.equal((await tool.run(["recipients", "replace", "example.com", "--empty"])).code, 0);
  assert.deepEqual(tool.world.changes, [{ domain: "example.com", verb: "replace", recipients: [] }]);
});

test("trace tells how it stands and what happened, with zone and age", async () => {
  await using tool = await toolWorld();
  const at = tool.world.clock.now() - 60_000;
  tool.world.lines = [
    { at, id: FIRST, kind: "mail.deferred", text: `deferred: ${"word ".repeat(30)}\u001b[2J` },
  ];
  const { code, stdout } = await tool.run(["trace", FIRST]);
  assert.equal(code, 0);
  assert.match(stdout, /^State: +waiting, since 2026-03-01 /m);
  assert.match(
    stdout,
    /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d\d:\d\d {2}01k9zq3v5x0abcde {2}1 min ago\n {4}deferred: /m,
  );
  fits(stdout);
  const unknown = await tool.run(["trace", "nobody@nowhere.example"]);
  assert.equal(unknown.code, 1);
  assert.match(unknown.stdout, /^Nothing is known of nobody@nowhere\.example/);
});

test("reload tells what needs a restart, and each problem", async () => {
  await using tool = await toolWorld();
  tool.world.reloaded = { ok: true, generation: 9, restart: ["smtp.threads"] };
  const done = await tool.run(["reload"]);
  assert.deepEqual(
    [done.code, done.stdout],
    [0, "The configuration is in effect.\nsmtp.threads takes effect after a restart.\n"],
  );
  tool.world.reloaded = { ok: true, generation: 9, restart: [], warnings: ["users.txt: lists nobody"] };
  const doubtful = await tool.run(["reload"]);
  assert.deepEqual([doubtful.code, doubtful.stderr], [0, "users.txt: lists nobody\n"]);
  tool.world.reloaded = { ok: false, problems: ["holdfast.yaml:3: smtp.listen: not an address"] };
  const refused = await tool.run(["reload"]);
  assert.deepEqual([refused.code, refused.stdout], [1, ""]);
  assert.equal(refused.stderr, "holdfast.yaml:3: smtp.listen: not an address\nnothing was changed\n");
  assert.equal(JSON.parse((await tool.run(["reload", "--json"])).stdout).ok, false);
});

test("reload tells which domains came and went, so that a shortened file is seen at once", async () => {
  await using tool = await toolWorld();
  const removed = Array.from({ length: 12 }, (_, i) => `d${i}.example`);
  const domains = { added: ["new.example"], changed: [], draining: ["old.example"], removed };
  tool.world.reloaded = { ok: true, generation: 9, restart: [], domains };
  const { stdout } = await tool.run(["reload"]);
  assert.match(stdout, /^Domains added: +1: new\.example$/m);
  assert.match(stdout, /^Domains draining: +1: old\.example$/m);
  assert.match(
    stdout.replace(/\n +/g, " "),
    /^Domains removed: +12: d0\.example, .*d9\.example, and 2 more$/m,
  );
  assert.doesNotMatch(stdout, /changed/);
  assert.deepEqual(JSON.parse((await tool.run(["reload", "--json"])).stdout).domains, domains);
});

test("health is 0 or 1", async () => {
  await using tool = await toolWorld();
  assert.deepEqual(await tool.run(["health"]), { code: 0, stdout: "ok\n", stderr: "" });
  tool.world.status = { ...tool.world.status, condition: "full" };
  assert.equal((await tool.run(["health"])).code, 0);
  assert.deepEqual(await tool.run(["health", "--ready"]), {
    code: 1,
    stdout: "storage is full; `holdfast status` says why\n",
    stderr: "",
  });
  tool.world.status = { ...tool.world.status, condition: "sick" };
  assert.equal((await tool.run(["health"])).code, 1);
});

test("a token's secret is alone on stdout, once", async () => {
  await using tool = await toolWorld();
  const added = await tool.run(["token", "add", "sync", "--domain", "example.com"]);
  assert.match(added.stdout, /^hf_[\w-]{43}\n$/);
  assert.match(added.stderr, /not shown again/);
  const listed = (await tool.run(["token", "list"])).stdout;
  assert.match(listed, /^sync +example\.com +2026-03-01 /m);
  assert.equal(listed.includes("hf_"), false);
  assert.equal((await tool.run(["token", "add", "sync"])).code, 1);
  assert.equal((await tool.run(["token", "add", "two words"])).code, 2);
  assert.equal((await tool.run(["token", "revoke", "sync"])).stdout, "sync revoked.\n");
  assert.equal((await tool.run(["token", "revoke", "sync"])).code, 1);
});
