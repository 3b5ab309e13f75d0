import assert from "node:assert/strict";
import { createServer } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { tempFolder } from "../../support/temp-folder.ts";
import { runOn, toolWorld } from "../../support/tool-bench.ts";

const VERBS: readonly (readonly string[])[] = [
  ["status"],
  ["queue", "list"],
  ["queue", "show", "x"],
  ["queue", "flush", "x"],
  ["queue", "hold", "x"],
  ["queue", "release", "x"],
  ["queue", "delete", "x"],
  ["queue", "export", "x"],
  ["domain", "list"],
  ["domain", "show", "x.example"],
  ["domain", "add", "x.example", "--mx"],
  ["domain", "remove", "x.example"],
  ["domain", "pause", "x.example"],
  ["domain", "resume", "x.example"],
  ["recipients", "list", "x.example"],
  ["recipients", "add", "x.example", "alice"],
  ["recipients", "remove", "x.example", "alice"],
  ["recipients", "replace", "x.example", "alice"],
  ["recipients", "check", "a@x.example"],
  ["trace", "x"],
  ["reload"],
  ["token", "add", "x"],
  ["token", "list"],
  ["token", "revoke", "x"],
];

test("without a daemon every verb ends with 3 and says what to do and which socket was tried", async () => {
  await using folder = await tempFolder();
  const socket = join(folder.path, "admin.sock");
  for (const words of VERBS) {
    const { code, stdout, stderr } = await runOn(socket, words);
    assert.deepEqual([code, stdout], [3, ""], words.join(" "));
    assert.ok(
      stderr.includes(socket) && stderr.includes("npm start") && stderr.includes("systemctl start holdfast"),
    );
  }
  assert.equal((await runOn(socket, ["health"])).code, 1);
});

test("where the configuration has a mistake, nobody is told to start a daemon by it", async () => {
  await using folder = await tempFolder();
  const socket = join(folder.path, "admin.sock");
  const mistakes = ["/etc/holdfast.yaml:1:1: stroage: is not a known key; did you mean storage?"];
  const { code, stderr } = await runOn(socket, ["status"], { mistakes });
  assert.equal(code, 3);
  assert.match(
    stderr,
    /^holdfast: no daemon answers on \S+\n\/etc\S+ stroage: .* storage\?\nmend that and ask again/,
  );
  await using tool = await toolWorld();
  const answered = await runOn(tool.socket, ["status"], { mistakes });
  assert.deepEqual(
    [answered.code, answered.stderr],
    [0, ""],
    "a daemon that runs is asked whatever the file says",
  );
});

/** Every verb that the tool has, by its own word. */
async function allVerbs(): Promise<readonly (readonly string[])[]> {
  const groups = ["queue", "quarantine", "domain", "recipients", "access", "token"];
  const helps = await Promise.all(groups.map((group) => runOn("/nowhere", [group, "--help"])));
  const grouped = helps.flatMap(({ stdout }) =>
    [...stdout.matchAll(/^ {2}holdfast (\S+) (\S+)/gm)].map(([, group = "", verb = ""]) => [group, verb]),
  );
  return [["status"], ["trace"], ["explain"], ["doctor"], ["trust-kit"], ["reload"], ["health"], ...grouped];
}

test("every verb has help with an example, and needs no daemon for it", async () => {
  for (const path of await allVerbs()) {
    const { code, stdout } = await runOn("/nowhere", [...path, "--help"]);
    assert.equal(code, 0, path.join(" "));
    assert.match(stdout, new RegExp(`^holdfast ${path.join(" ")}`));
    assert.equal((await runOn("/nowhere", [...path, "-h"])).stdout, stdout);
    assert.match(stdout, new RegExp(`^Example: holdfast ${path.join(" ")}`, "m"));
    assert.match(stdout, /^ {2}--config FILE {2}/m);
    assert.equal(/^ {2}--json {2}/m.test(stdout), path[1] !== "export", "what is listed is understood");
    assert.ok(
      stdout.split("\n").every((line) => line.length <= 80),
      stdout,
    );
  }
  const { code, stdout } = await runOn("/nowhere", ["queue", "--help"]);
  assert.equal(code, 0);
  assert.match(stdout, /holdfast queue list/);
});

test("wrong use ends with 2 and names the word", async () => {
  const wrong: readonly (readonly [words: readonly string[], complaint: RegExp])[] = [
    [["queu"], /^holdfast: there is no verb queu; see holdfast --help\n$/],
    [["queue"], /which\?/],
    [["queue", "lst"], /^holdfast queue: there is no verb lst; these are:\n {2}holdfast queue list/],
    [["--json", "status"], /^holdfast: there is no verb --json: the verb comes first/],
    [["status", "now"], /^holdfast status: takes no words, only options\n/],
    [["status", "--json=yes"], /^holdfast status: --json takes no value\n/],
    [
      ["queue", "list", "--limit", "-5"],
      /--limit needs a value; one that begins with - is written --limit=-VALUE\n/,
    ],
    [["queue", "list", "--limit", "0"], /--limit takes a whole number from 1 to 999999999, not 0\n/],
    [["queue", "list", "--limit", "99999999999999999999"], /from 1 to 999999999, not 99999999999999999999\n/],
    [
      ["domain", "change", "x.example", "--quota-mails", "1000000000"],
      /from 1 to 999999999, not 1000000000\n/,
    ],
    [
      ["queue", "delete", "--domain", "a.example", "--domain=b.example"],
      /^holdfast queue delete: --domain is given 2 times; it takes one value\n/,
    ],
    [["trace", "--csv"], /--csv goes with --ledger\n/],
    [["trace", "--ledger", "--csv", "--json"], /--csv or --json, not both\n/],
    [["queue", "export", "--all", "--json"], /there is no option --json\n/],
    [["recipients", "replace", "x.example", "a", "--empty"], /give recipients or --empty, not both/],
    [["queue", "show"], /ID is missing/],
    [["queue", "show", ""], /^holdfast queue show: ID is empty\n/],
    [["queue", "flush", ""], /^holdfast queue flush: ID is empty\n/],
    [
      ["queue", "delete", "--sender", ""],
      /^holdfast queue delete: --sender is empty; <> is the null sender\n/,
    ],
    [["trace", "--ledger", "--sender="], /^holdfast trace: --sender is empty; /],
    [["trace", "--ledger", "a@b.example", "--recipient", "c@b.example"], /ABOUT or --recipient, not both\n/],
    [["queue", "export", "--all", "--output", ""], /^holdfast queue export: --output is empty\n/],
    [["recipients", "replace", "x.example", "--file="], /^holdfast recipients replace: --file is empty\n/],
    [["doctor", "a.example", ""], /^holdfast doctor: DOMAIN is empty\n/],
    [["queue", "show", "a", "b"], /too many words; it takes ID\n/],
    [["queue", "list", "--colour"], /there is no option --colour\n/],
    [["queue", "list", "--limit", "many"], /--limit takes a whole number/],
    [["queue", "list", "--domain"], /^holdfast queue list: --domain needs a value\n/],
    [["domain", "add", "x.example"], /--primary/],
    [["domain", "add", "x.example", "--primary", "a:b:c"], /HOST:PORT/],
    [["recipients", "add", "x.example"], /which recipients/],
    [["recipients", "add", "x.example", "a", "--file", "b"], /not both/],
    [["\u001b[2J"], /no verb �\[2J/],
    [["constructor"], /no verb constructor/],
  ];
  for (const [words, complaint] of wrong) {
    const { code, stdout, stderr } = await runOn("/nowhere", words);
    assert.deepEqual([code, stdout], [2, ""], words.join(" "));
    assert.match(stderr, complaint);
  }
});

test("an answer that is no answer is exit code 1, not a crash", async () => {
  await using folder = await tempFolder();
  const socket = join(folder.path, "admin.sock");
  const server = createServer((_request, response) => void response.end("<html>"));
  await new Promise<void>((resolve) => void server.listen(socket, resolve));
  const { code, stderr } = await runOn(socket, ["status"]);
  assert.equal(code, 1);
  assert.match(stderr, /not JSON/);
  server.close();
  server.closeAllConnections();
});

test("a connection that breaks off is exit code 1", async () => {
  await using folder = await tempFolder();
  const socket = join(folder.path, "admin.sock");
  const server = createServer((_request, response) => {
    response.writeHead(200, { "Content-Length": "100" });
    response.write("half");
    setImmediate(() => response.destroy());
  });
  await new Promise<void>((resolve) => void server.listen(socket, resolve));
  for (const words of [["status"], ["queue", "export", "x"]])
    assert.equal((await runOn(socket, words)).code, 1);
  server.close();
  server.closeAllConnections();
});

test("trouble within the daemon is exit code 1 with its hint", async () => {
  await using tool = await toolWorld();
  tool.world.trouble = new Error("disk");
  const { code, stderr } = await tool.run(["queue", "list"]);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /see the daemon's log for the cause, and `holdfast status` for the state of the storage/,
  );
});

test("what is not there, or there already, is told with what helps", async () => {
  await using tool = await toolWorld();
  const cases: readonly (readonly [string, RegExp])[] = [
    ["token revoke sync", /no token of this name\n`holdfast token list` shows them/],
    ["quarantine sender-forget a@b.example", /allowed senders\n`holdfast quarantine senders` shows them/],
    ["domain test example.com --recipient bob", /not an address of example\.com\nwrite alice@example\.com/],
    [
      "domain add example.com --primary mail.example.com",
      /exists already, .*\nchange it there, then run `holdfast reload`/,
    ],
    [
      "domain add new.example --primary mail.new.example --catch-all --callout",
      /nobody is asked\nleave one of them out/,
    ],
  ];
  for (const [words, expected] of cases) assert.match((await tool.run(words.split(" "))).stderr, expected);
});
