/** An operator's day with the real daemon and the real tool. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Daemon } from "../support/daemon.ts";
import { fakePrimary, type FakePrimary } from "../support/fake-primary.ts";
import { freePort } from "../support/free-port.ts";
import { queueIdOf, sendTestMail } from "../support/raw-smtp.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { runOn } from "../support/tool-bench.ts";
import { runHoldfast, type ToolResult } from "../support/holdfast-process.ts";
import { waitFor } from "../support/wait.ts";
import { mailNamed } from "../fixtures/mails.ts";

const DOMAIN = "example.test";

interface Site {
  readonly folder: Awaited<ReturnType<typeof tempFolder>>;
  readonly primary: FakePrimary;
  readonly daemon: Daemon;
}

let site: Site;

before(async () => {
  const folder = await tempFolder();
  const primary = await fakePrimary();
  const daemon = await Daemon.start({
    folder: folder.path,
    primaryPort: primary.port,
    domainSettings: { recipients: ["alice"] },
    smtp: { greetDelay: "0s" },
    environment: await systemdIn(folder.path),
  });
  site = { folder, primary, daemon };
});

/** As under systemd, whose program writes down in `told` what it is told. */
async function systemdIn(folder: string): Promise<Readonly<Record<string, string>>> {
  const program = `#!/bin/sh\necho "$*" >> '${join(folder, "told")}'\n`;
  await writeFile(join(folder, "systemd-notify"), program, { mode: 0o755 });
  return { NOTIFY_SOCKET: "/run/systemd/notify", PATH: `${folder}:${process.env["PATH"]}` };
}

after(async () => {
  const code = await site.daemon.stop();
  // A hook that fails is shown as the file, without a test: the reason must stand here.
  assert.equal(code, 0, `it did not stop in good order: ${code} ${site.daemon.output().slice(-4000)}`);
  await site.primary.close();
  await site.folder[Symbol.asyncDispose]();
});

/** A process of its own costs most of a second: only what shows the way from the command line there gets one. */
const AS_PROCESS = new Set(["status", "check-config"]);

function run(words: readonly string[]): Promise<ToolResult> {
  const { config, socket } = site.daemon;
  return AS_PROCESS.has(words[0] ?? "") ? runHoldfast(config, ...words) : runOn(socket, words);
}

/** Runs a verb that must succeed; answers what it printed. */
async function holdfast(...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run(words);
  assert.equal(code, 0, `holdfast ${words.join(" ")}: ${stdout}${stderr}`);
  return stdout;
}

/** Runs a verb that must not succeed; answers its complaint. */
async function complaint(code: number, ...words: readonly string[]): Promise<string> {
  const result = await run(words);
  assert.equal(result.code, code, `holdfast ${words.join(" ")}: ${result.stdout}${result.stderr}`);
  assert.equal(result.stdout, "");
  return result.stderr;
}

test("systemd is notified when the daemon accepts mail", async () => {
  const told = join(site.folder.path, "told");
  const wait = { what: "systemd is told", deadline: 10_000, every: 5 };
  await waitFor(wait, async () => (await readFile(told, "utf8").catch(() => "")) === "--ready\n");
});

/** Sends one mail; answers its id. */
async function send(domain = DOMAIN): Promise<string> {
  const reply = await sendTestMail(site.daemon.smtpPort, mailNamed("plain"), domain);
  const id = queueIdOf(reply);
  assert.ok(id, reply.lines.join(" "));
  return id;
}

async function isDelivered(id: string): Promise<void> {
  const hasId = (text: string): boolean => text.includes(` id ${id}`);
  await waitFor({ what: `${id} is at the primary`, deadline: 15_000 }, () =>
    site.primary.mails.some(({ data }) => hasId(data.toString("latin1"))),
  );
}

async function stateOf(id: string): Promise<string | undefined> {
  for await (const entry of site.daemon.entries(true)) if (entry.id === id) return entry.state;
  return undefined;
}

/** The next mail for `domain` gets through, and so everything that was due before it has had its turn. */
async function oneRoundTrip(domain: string): Promise<void> {
  await isDelivered(await send(domain));
}

describe("an operator", () => {
  test("sees in the status that all is well", async () => {
    assert.match(await holdfast("status"), /^Mail: +accepted$/m);
    assert.match(await holdfast("queue", "list"), /^The queue is empty\.$/m);
    assert.match(await holdfast("domain", "list"), /^example\.test +file +active +127\.0\.0\.1:\d+ /m);
    assert.match(
      await holdfast("check-config"),
      /: ok, 1 domain; senders are not notified \(notices\.route is off\)$/m,
    );
    assert.equal(await holdfast("health", "--ready"), "ok\n");
  });

  test("adds a domain, which accepts and delivers mail, and removes it", async () => {
    const place = `127.0.0.1:${site.primary.port}`;
    await holdfast("domain", "add", "added.test", "--primary", place, "--tls", "none");
    assert.equal(
      await holdfast("recipients", "add", "added.test", "alice"),
      "The API list of added.test has 1 entry; 1 added.\n",
    );
    assert.match(await holdfast("recipients", "check", "alice@added.test"), /^Answer: +accept\b/m);
    assert.match(await holdfast("recipients", "list", "added.test"), /^alice +api$/m);
    await oneRoundTrip("added.test");
    await holdfast("recipients", "remove", "added.test", "alice");
    assert.match(await holdfast("recipients", "check", "alice@added.test"), /^Answer: +reject\b/m);
    assert.match(await holdfast("domain", "remove", "added.test"), /^added\.test removed\.$/m);
    assert.match(await complaint(1, "domain", "show", "added.test"), /is not one of our domains/);
    assert.match(await complaint(1, "domain", "remove", DOMAIN), /declared in the configuration file/);
  });

  test("removes a domain whose mail waits for a dead server, and adds it again with another server", async () => {
    const gone = `127.0.0.1:${await freePort()}`;
    const here = `127.0.0.1:${site.primary.port}`;
    await holdfast("domain", "add", "moves.test", "--primary", gone, "--tls", "none", "--catch-all");
    const first = await send("moves.test");
    assert.match(await holdfast("domain", "remove", "moves.test"), /accepts no new mail/);
    assert.match(await complaint(1, "domain", "add", DOMAIN, "--mx"), /exists already/);
    await holdfast("domain", "add", "moves.test", "--primary", gone, "--tls", "none", "--catch-all");
    const second = await send("moves.test");
    assert.match(
      await holdfast("domain", "change", "moves.test", "--primary", here, "--tls", "none"),
      /changed/,
    );
    await isDelivered(first);
    await isDelivered(second);
    await holdfast("domain", "remove", "moves.test");
  });

  test("tests a domain's primary without sending mail", async () => {
    const before = site.primary.mails.length;
    const told = await holdfast("domain", "test", DOMAIN);
    assert.match(told, /^ {2}ok {4}known {5}alice@example\.test: 250 /m);
    assert.match(told, /^ {2}warn {2}unknown {3}holdfast-test-\w+@example\.test: 250 /m);
    assert.match(await holdfast("trust-kit", DOMAIN, "--verify"), /^ {2}ok {4}identity /m);
    assert.equal(site.primary.mails.length, before);
  });

  test("pauses a domain: its mail is held, and is delivered after it is resumed", async () => {
    const place = `127.0.0.1:${site.primary.port}`;
    await holdfast("domain", "add", "other.test", "--primary", place, "--tls", "none", "--catch-all");
    assert.match(await holdfast("domain", "pause", DOMAIN), /deliveries paused/);
    const id = await send();
    // The same primary still takes mail of others.
    await oneRoundTrip("other.test");
    assert.equal(await stateOf(id), "waiting");
    assert.match(await holdfast("domain", "show", DOMAIN), /^State: +paused$/m);
    await holdfast("domain", "pause", DOMAIN, "--until", "2h");
    assert.match(await holdfast("domain", "show", DOMAIN), /^State: +paused until /m);
    assert.match(await holdfast("queue", "show", id), /^Subject: +Test: plain$/m);
    assert.match(await holdfast("domain", "resume", DOMAIN), /deliveries go on/);
    await isDelivered(id);
    await holdfast("domain", "remove", "other.test");
  });

  test("holds, exports, releases, flushes and deletes mail, and traces it", async () => {
    await holdfast("domain", "pause", DOMAIN);
    const [kept, dropped] = [await send(), await send()];
    assert.equal(await holdfast("queue", "hold", kept), "1 recipient held.\n");
    assert.match(
      await holdfast("queue", "list", "--state", "held"),
      new RegExp(`^${kept} +alice@example.test +held`, "m"),
    );
    assert.equal(await holdfast("queue", "delete", dropped), "1 recipient deleted.\n");
    assert.match(await holdfast("queue", "list", "--ledger"), new RegExp(`^${dropped} .* deleted`, "m"));
    const exported = await holdfast("queue", "export", kept);
    assert.ok(exported.endsWith(mailNamed("plain").body.toString()), exported);
    await holdfast("domain", "resume", DOMAIN);
    await oneRoundTrip(DOMAIN);
    assert.equal(await stateOf(kept), "held");
    assert.equal(await holdfast("queue", "release", kept), "1 recipient released, due at once.\n");
    await isDelivered(kept);
    assert.match(await holdfast("queue", "flush", "--all"), /^\d+ recipients? due now\.$/m);
    const story = await holdfast("trace", kept);
    for (const word of ["accepted", "hold", "release"]) assert.ok(story.includes(word), story);
    assert.match(await complaint(1, "queue", "hold", dropped), /^nothing to hold: /);
    assert.match(await complaint(2, "queue", "list", "--state", "odd"), /--state takes waiting, claimed, /);
  });

  test("reloads a changed configuration; with an invalid one nothing changes", async () => {
    const good = await readFile(site.daemon.config, "utf8");
    await writeFile(site.daemon.config, good.replace('"alice"', '"alice", "bob"'));
    assert.match(await holdfast("reload"), /^The configuration is in effect\.$/m);
    assert.match(await holdfast("recipients", "check", `bob@${DOMAIN}`), /^Answer: +accept\b/m);
    await writeFile(site.daemon.config, good.replace('"mode": "backup"', '"mode": "backup", "recipient": 3'));
    const words = await complaint(2, "reload");
    assert.match(words, /holdfast\.yaml:\d+:\d+: domains\.example\.test\.recipient: is not a known key/);
    assert.match(words, /^nothing was changed$/m);
    assert.match(await complaint(2, "check-config"), /is not a known key/);
    const asJson = await run(["check-config", "--json"]);
    assert.match(JSON.parse(asJson.stdout).problems[0], /is not a known key/);
    assert.equal(asJson.code, 2);
    assert.match(await holdfast("recipients", "check", `bob@${DOMAIN}`), /^Answer: +accept\b/m);
    await oneRoundTrip(DOMAIN);
    await writeFile(site.daemon.config, good);
    await holdfast("reload");
  });

  test("creates a token for the API over TCP and revokes it", async () => {
    const url = `http://127.0.0.1:${site.daemon.adminPort}/v1/queue`;
    const secret = (await holdfast("token", "add", "sync", "--domain", DOMAIN)).trim();
    const ask = async (): Promise<number> => {
      const answer = await fetch(url, {
        headers: { authorization: `Bearer ${secret}`, connection: "close" },
      });
      await answer.arrayBuffer();
      return answer.status;
    };
    assert.match(await holdfast("token", "list"), /^sync +example\.test /m);
    assert.equal(await ask(), 200);
    assert.equal(await holdfast("token", "revoke", "sync"), "sync revoked.\n");
    assert.equal(await ask(), 401);
  });
});

test("if the configuration does not exist, the tool reports that no daemon can be found", async () => {
  const missing = await runHoldfast("/nowhere/holdfast.yaml", "queue", "list");
  assert.deepEqual([missing.code, missing.stdout], [2, ""]);
  assert.match(
    missing.stderr,
    /^holdfast: nothing says where the daemon is\n\S*\/nowhere\/holdfast\.yaml: does not exist; check the path$/m,
  );
});

test("if a relative storage path is resolved in another folder, the tool explains why it finds no daemon", async () => {
  await using folder = await tempFolder();
  const file = join(folder.path, "holdfast.yaml");
  await writeFile(file, "storage: sqlite:./nowhere\n");
  const { code, stderr } = await runHoldfast(file, "status");
  assert.equal(code, 3);
  assert.match(stderr, /^a relative `storage` begins in the folder where a command runs; /m);
});

test("a configuration mistake that hides the daemon from the tool is named", async () => {
  await using folder = await tempFolder();
  const file = join(folder.path, "holdfast.yaml");
  await writeFile(file, `stroage: sqlite:/var/q\nadmin: { socket: ${join(folder.path, "none.sock")} }\n`);
  const { code, stderr } = await runHoldfast(file, "status");
  assert.equal(code, 3);
  assert.match(
    stderr,
    /holdfast\.yaml:1:1: stroage: is not a known key; did you mean storage\?\nmend that and/,
  );
});

test("a second daemon on the same folder fails with one line that names the first", async () => {
  const { code, stderr } = await runHoldfast(site.daemon.config, "serve");
  assert.equal(code, 1);
  const told = `^holdfast: \\S+ is in use by process ${site.daemon.pid}; stop that one first, [^\n]*\n$`;
  assert.match(stderr, new RegExp(told));
  assert.equal((await site.daemon.status()).ready, true, "the first one goes on");
});
