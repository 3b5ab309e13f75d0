import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { formatProblem, loadConfig } from "../../../src/config/config.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { DOMAIN, HEAD, linesOf } from "./sample.ts";

/** Returns the problems of HEAD and this text, which begins in line 3, without the name of the file. */
async function after(text: string, files?: Readonly<Record<string, string>>): Promise<string[]> {
  return (await linesOf(HEAD + text, files)).map((line) => line.replace(/^holdfast\.yaml:/, ""));
}

/** Returns the message of the only problem, without its place and key. */
async function wrong(text: string): Promise<string> {
  const lines = await after(text);
  assert.equal(lines.length, 1, lines.join("\n"));
  return (lines[0] ?? "").replace(/^\d+:\d+: [^ ]+: /, "");
}

const KNOWN =
  "hostname, postmaster, storage, smtp, admin, dns, store, retention, delivery, notices, alerts, log, checks, domains";
const THREE_FORMS =
  'write a list such as [alice, bob, "list-*"], { file: users.txt }, { url: https://... }, { callout: true }, or { catchAll: true } to accept every address';
const PRIMARY = "write { host: mail.example.com, port: 25 }, a list of these, or { mx: true }";

test("a configuration file that cannot be read is named", async () => {
  await using folder = await tempFolder();
  const none = loadConfig(`${folder.path}/none.yaml`);
  assert.ok(!none.ok);
  assert.deepEqual(none.problems.map(formatProblem), [
    `${folder.path}/none.yaml: does not exist; check the path`,
  ]);
  const directory = loadConfig(folder.path);
  assert.ok(!directory.ok);
  assert.deepEqual(directory.problems.map(formatProblem), [`${folder.path}: is a folder; name a file`]);
});

test("a syntax error is reported with its line and what would be right", async () => {
  const cases: readonly (readonly [string, string])[] = [
    ["a:\n\tb: 1\n", "2:1: a tab in the indentation; indent with spaces"],
    ['a:\n  b:\n    - "x"\n\tc: 2\n  d: 3\n', "4:1: a tab in the indentation; indent with spaces"],
    [
      "a: [1, 2\nb: 3\n",
      "2:1: a [ or { that is not closed, or goes on in a line that is not indented; close it with ] or }, or indent that line",
    ],
    ["a:\n  b: 1\n c: 2\n", "3:1: wrong indentation; indent the keys of one mapping equally"],
    [
      "a: b: c\n",
      "1:4: a second colon on one line; put the value in quotes, or the mapping on a line of its own",
    ],
    [
      "a:\n  b: one\n    c: 2\n",
      "2:6: the next line is indented deeper, but this key already has a value; indent the keys of one mapping equally",
    ],
    ["a:1\nb: 2\n", "1:1: not a key with a value; write key: value, with a space after the colon"],
    ["a: 1\nb:2\n", "2:1: not a key with a value; write key: value, with a space after the colon"],
    ["a: 1\nb\nc: 2\n", "2:1: not a key with a value; write key: value, with a space after the colon"],
    ["a: 1\n---\nb: 2\n", "2:1: a second document (---); keep one document in the file"],
    ["a: [*, x]\n", '1:5: an alias without a name; put a text that begins with * in quotes, such as "*"'],
    ["a: [*x]\n", '1:5: the alias *x has no anchor; put a text that begins with * in quotes, such as "*"'],
    ["a: &a [x]\nb: &b [*a]\n", "2:8: an alias inside an anchored value; write the values out"],
    [
      "listen: [::]:25\n",
      "1:13: not valid YAML: Unexpected scalar at node end; check quotes, brackets and colons; IPv6 addresses and texts that begin with * or @ need quotes",
    ],
  ];
  for (const [text, line] of cases) {
    assert.deepEqual(await linesOf(text), [`holdfast.yaml:${line}`], text);
  }
  assert.deepEqual(await after("log: !pretty { level: info }\n"), [
    "3:6: a YAML tag; remove the tag, or put a text that begins with ! in quotes",
  ]);
  assert.deepEqual(await linesOf("nonsense\n"), [
    `holdfast.yaml:1:1: "nonsense" is a single value; write a mapping with the keys ${KNOWN}`,
  ]);
});

test("a key without a space after its colon, or without a value, is reported", async () => {
  const right = "not a key with a value; write key: value, with a space after the colon";
  const primary = "{ host: mail.example.com, tls:require }";
  assert.deepEqual(await after(`domains:\n  a.example: { primary: ${primary}, recipients: [x] }\n`), [
    `4:51: domains.a.example.primary.tls:require: ${right}`,
  ]);
  assert.deepEqual(await after("checks: { spf, dkim: tag }\n"), [`3:11: checks.spf: ${right}`]);
  assert.deepEqual(await after("? checks\n"), [`3:3: checks: ${right}`]);
  assert.deepEqual(await after("domains: { a.example }\n"), [`3:12: domains.a.example: ${right}`]);
  const empty = await after(`checks: { spf: , dkim: }\ndomains:\n${DOMAIN}`);
  assert.deepEqual(empty, [], "as if commented out");
});

test("a mistake in an anchored value is reported at its line for each key that uses the value", async () => {
  const text = `domains:
  a.example: &same
    primary: { hots: m.example }
    recipients: [a]
  b.example: *same
`;
  const wrong = "is not a known key; did you mean host?";
  assert.deepEqual(await after(text), [
    `5:16: domains.a.example.primary.hots: ${wrong}`,
    `5:16: domains.b.example.primary.hots: ${wrong}`,
  ]);
});

test("a thousand aliases are read, and more are refused", async () => {
  const list = (count: number): string =>
    `checks: { access: [${["{ action: block, helo: &name a.example }", ...Array<string>(count).fill("{ action: block, helo: *name }")].join(", ")}] }\ndomains:\n${DOMAIN}`;
  assert.deepEqual(await after(list(1000)), []);
  const [first = "", ...more] = await after(list(1001));
  assert.match(first, /more than 1000 aliases; write the values out$/);
  assert.deepEqual(more, []);
});

test("an empty file is reported with the keys that are missing", async () => {
  assert.deepEqual(await linesOf("# nothing\n"), [
    "holdfast.yaml:1:1: hostname: is missing; write a host name such as mx2.example.net",
    "holdfast.yaml:1:1: smtp: is missing; write a mapping with the keys listen, tls, threads, maxMessageSize, greetDelay, rates, greetAtOnce, limits, stress, longLines",
  ]);
});

test("unknown, misspelt and duplicate keys, and __proto__, are reported", async () => {
  assert.deepEqual(
    await after("stroage: x\nlimits: {}\nlog: { lvel: info }\nhostname: b.example\n__proto__: { x: y }\n"),
    [
      "3:1: stroage: is not a known key; did you mean storage?",
      `4:1: limits: is not a known key; the keys here are ${KNOWN}`,
      "5:8: log.lvel: is not a known key; did you mean level?",
      "6:1: hostname: is a duplicate: the same key is on line 1; keep one",
      "7:1: __proto__: is not a known key; remove it",
    ],
  );
  assert.equal(Object.hasOwn(Object.prototype, "x"), false);
  assert.match(
    await wrong("alerts: &all { oldest: 5h }\nlog: { <<: *all, level: info }\n"),
    /^is not a known key; keys are not merged: write them out/,
  );
});

test("syntax errors are reported in the order of the file", async () => {
  const lines = await linesOf(`a: *b\nhostname: x\nhostname: y\nc: *d\n`);
  assert.deepEqual(
    lines.map((line) => line.split(": ")[0]),
    ["holdfast.yaml:1:4", "holdfast.yaml:3:1", "holdfast.yaml:4:4"],
  );
});

test("duplicate domains (after IDNA), invalid names and domains without settings are reported", async () => {
  const text = `domains:
  Bücher.example: { primary: { host: m.example }, recipients: [a] }
  xn--bcher-kva.example: { primary: { host: m.example }, recipients: [a] }
  "*.example": { primary: { host: m.example }, recipients: [a] }
  192.0.2.1: { primary: { host: m.example }, recipients: [a] }
  "a b.example": { primary: { host: m.example }, recipients: [a] }
  empty.example:
  text.example: yes
  __proto__: { primary: { host: m.example }, recipients: [a] }
`;
  const keys = "mode, primary, recipients, tagSeparator, unknownDuringOutage, bareNewlines, quota, checks";
  assert.deepEqual(await after(text), [
    '5:3: domains.xn--bcher-kva.example: is the same domain as "Bücher.example" (xn--bcher-kva.example in the DNS); keep one',
    '6:3: domains.*.example: "*.example" is not a domain; list each domain by name; wildcards are not supported',
    '7:3: domains.192.0.2.1: "192.0.2.1" is not a domain; write a domain such as example.com',
    '8:3: domains.a b.example: "a b.example" is not a domain; write a domain such as example.com',
    `9:17: domains.empty.example: is empty; write a mapping with the keys ${keys}`,
    `10:17: domains.text.example: "yes" is a single value; write a mapping with the keys ${keys}`,
    "11:3: domains.__proto__: is not a known key; remove it",
  ]);
});

test("a quota needs at least one limit, a number of mails or a size", async () => {
  const quota = (text: string): string =>
    `domains:\n  a.example: { primary: { host: m.example }, recipients: [a], quota: ${text} }\n`;
  const forms = "write { messages: 100000 }, { bytes: 20GB }, or both";
  assert.equal(await wrong(quota("{}")), `sets no limit; ${forms}`);
  assert.match(await wrong(quota("{ messages: 0 }")), /^"0" is too small; /);
  assert.match(await wrong(quota("{ bytes: lots }")), /^"lots" is not a size; write a size from 1MB/);
  assert.match(await wrong(quota("{ mails: 3 }")), /is not a known key; .*messages/);
  assert.deepEqual(await after(quota("{ messages: 3 }")), []);
  assert.deepEqual(await after(quota("{ bytes: 1MB }")), []);
});

test("a domain without valid recipients is reported with all forms of the key", async () => {
  const text = `domains:
  a.example: { primary: { host: m.example } }
  b.example: { primary: { host: m.example }, recipients: alice }
  c.example: { primary: { host: m.example }, recipients: { catchAll: false } }
  d.example: { primary: { host: m.example }, recipients: { catchAll: true, file: x } }
  e.example: { primary: { host: m.example }, recipients: { files: x } }
`;
  assert.deepEqual(await after(text), [
    `4:3: domains.a.example.recipients: is missing; ${THREE_FORMS}`,
    `5:58: domains.b.example.recipients: "alice" is a single value; ${THREE_FORMS}`,
    `6:58: domains.c.example.recipients: has no list, file, url, callout or catchAll; ${THREE_FORMS}`,
    `7:58: domains.d.example.recipients: has both file and catchAll; ${THREE_FORMS}`,
    "8:60: domains.e.example.recipients.files: is not a known key; did you mean file?",
  ]);
});

test("a wrong recipient is reported with its place in the list or in the file", async () => {
  const text = `domains:
  a.example: { primary: { host: m.example }, recipients: [alice, "*", bob@b.example, a b, "", "@a.example", a*b] }
  b.example: { primary: { host: m.example }, recipients: { file: users.txt } }
  c.example: { primary: { host: m.example }, recipients: { file: none.txt } }
`;
  const local = 'write a local part such as alice, an address of the domain, or a prefix such as "list-*"';
  const files = { "users.txt": "# staff\nalice\n\nbob@c.example\nb..b # oops\n" };
  const every = "means every address; write { catchAll: true } instead of the list";
  assert.deepEqual(await linesOf(HEAD + text, files), [
    `holdfast.yaml:4:66: domains.a.example.recipients[1]: "*" ${every}`,
    'holdfast.yaml:4:71: domains.a.example.recipients[2]: "bob@b.example" is not an address of a.example; list addresses of a.example only',
    `holdfast.yaml:4:86: domains.a.example.recipients[3]: "a b" is not a local part; ${local}`,
    `holdfast.yaml:4:91: domains.a.example.recipients[4]: the entry is empty; ${local}`,
    `holdfast.yaml:4:95: domains.a.example.recipients[5]: "@a.example" ${every}`,
    `holdfast.yaml:4:109: domains.a.example.recipients[6]: "a*b" is not a local part; ${local}`,
    "holdfast.yaml:6:66: domains.c.example.recipients.file: none.txt does not exist; check the path",
    'users.txt:4:1: domains.b.example.recipients: "bob@c.example" is not an address of b.example; list addresses of b.example only',
    `users.txt:5:1: domains.b.example.recipients: "b..b" is not a local part; ${local}`,
  ]);
});

function primaryFault(primary: string): Promise<string> {
  return wrong(`domains:\n  a.example: { primary: ${primary}, recipients: [x] }\n`);
}

test("each mistake in a primary has its own message", async () => {
  assert.equal(await primaryFault("mail.example.com"), `"mail.example.com" is a single value; ${PRIMARY}`);
  assert.equal(await primaryFault("[]"), `is an empty list; ${PRIMARY}`);
  assert.equal(await primaryFault("{ port: 25 }"), `has no host; ${PRIMARY}`);
  assert.equal(await primaryFault("{ host: a.example, mx: true }"), "has both host and mx; keep one");
  assert.equal(
    await primaryFault('{ host: "a.example:26" }'),
    '"a.example:26" contains a port; write host: a.example and port: 26',
  );
  const host = "is not a host name; write a host name such as mail.example.com, or an IP address";
  assert.equal(await primaryFault("{ host: smtp://a.example }"), `"smtp://a.example" ${host}`);
  assert.equal(await primaryFault("{ host: 192.0.2.256 }"), `"192.0.2.256" ${host}`);
  assert.equal(
    await primaryFault("{ host: a.example, tls: maybe }"),
    '"maybe" is not a known value; write one of none, opportunistic, require, verify, pin',
  );
  assert.equal(
    await primaryFault("{ host: a.example, port: 0 }"),
    '"0" is too small; write a whole number from 1 to 65535',
  );
  assert.equal(
    await primaryFault("[{ host: a.example }, { host: A.example. }]"),
    "is the same server as an earlier one; remove one",
  );
});

function settingFault(setting: string): Promise<string> {
  return wrong(`domains:\n  a.example: { primary: { host: m.example }, recipients: [x], ${setting} }\n`);
}

test("each mistake in a domain's choices has its own message", async () => {
  assert.equal(
    await settingFault("mode: mirror"),
    '"mirror" is not a known value; write one of backup, reflector',
  );
  assert.equal(await settingFault('tagSeparator: "-"'), '"-" is not a known value; write one of +, none');
  assert.equal(await settingFault('tagSeparator: ""'), "is empty; write one of +, none");
  assert.equal(
    await settingFault("bareNewlines: keep"),
    '"keep" is not a known value; write one of normalise, reject',
  );
  assert.equal(
    await settingFault("unknownDuringOutage: bounce"),
    '"bounce" is not a known value; write one of accept, defer, reject',
  );
  assert.equal(
    await settingFault("checks: { reachability: reject }"),
    '"reject" is not a known value; write one of off, on',
  );
});

test("each mistake in the lists of clients (DNSBL) has its own message", async () => {
  const lists = (text: string) => wrong(`checks: { dnsbl: { lists: [${text}] } }\n`);
  const zone = "write the DNS zone of a list, such as zen.example";
  assert.equal(await lists("{ zone: https://zen.example }"), `"https://zen.example" is a URL; ${zone}`);
  assert.equal(await lists("{ zone: 192.0.2.1 }"), `"192.0.2.1" is not a DNS zone; ${zone}`);
  assert.equal(await lists("{ zone: zen..example }"), `"zen..example" is not a DNS zone; ${zone}`);
  const code = "write a code such as 127.0.0.2, 127.0.0.4-7 or 127.0.*.3";
  const codes = (text: string) => lists(`{ zone: zen.example, codes: [${text}] }`);
  assert.equal(await codes("127.0.0"), `"127.0.0" is not a code; ${code}`);
  assert.equal(await codes("127.0.0.9-4"), `"127.0.0.9-4" is not a code; ${code}`);
  assert.equal(await codes("10.0.0.2"), `"10.0.0.2" is outside 127.0.0.0/8; ${code}`);
  assert.equal(
    await codes("127.255.255.254"),
    `"127.255.255.254" is how a list refuses a query, and never counts as a listing; ${code}`,
  );
  assert.match(
    await lists("{ zone: zen.example, weight: 101 }"),
    /^"101" is not a weight; write a whole number/,
  );
  assert.match(await lists("{ zone: zen.example }, { zone: Zen.Example. }"), /^zen.example is listed twice;/);
  assert.match(await wrong("checks: { dnsbl: { lists: [] } }\n"), /^is empty, so no list would be queried;/);
  assert.match(
    await wrong("checks: { dnsbl: on }\n"),
    /^"on" is not a known value; write off, or \{ lists: \[/,
  );
  assert.match(
    await wrong("checks: { dnsbl: { lists: [{ zone: a.b }], defer: 0 } }\n"),
    /^"0" is not a threshold/,
  );
  assert.match(await settingFault("checks: { dnsbl: { defer: 2 } }"), /^has no lists; add lists here/);
});

test("texts that appear in replies must be short and in US-ASCII", async () => {
  const words = "write a sentence or an address of yours, in US-ASCII";
  // Its low octet is a carriage return.
  assert.equal(
    await wrong("checks: { contact: r\u010dka@us.test }\n"),
    `"r\u010dka@us.test" contains characters that are not printable US-ASCII; ${words}`,
  );
  assert.match(
    await wrong(`checks: { contact: ${"c".repeat(201)} }\n`),
    /^"c+.*" has more than 200 characters; write a sentence/,
  );
  assert.match(
    await wrong("checks: { dnsbl: { lists: [{ zone: a.b, name: \u010d }] } }\n"),
    /^"\u010d" contains characters that are not printable US-ASCII; write a short name/,
  );
});

test("each mistake in an access rule has its own message", async () => {
  const rule = (text: string) => wrong(`checks: { access: [{ action: block, ${text} }] }\n`);
  assert.match(
    await rule('network: "192.0.2.1/24"'),
    /^"192.0.2.1\/24" has bits set beyond its prefix length; write 192.0.2.0\/24 for the network, or 192.0.2.1 for/,
  );
  assert.match(await rule("network: example.com"), /^"example.com" is not a network;/);
  assert.match(
    await rule('network: "192.0.2.0/33"'),
    /^"192.0.2.0\/33" has a prefix length above 32, .*; write a prefix length of up to 32, such as 192.0.2.0\/24, or 192.0.2.0 for/,
  );
  assert.match(await rule('helo: "a b"'), /^"a b" is not a name;/);
  assert.match(await rule("sender: nobody"), /^"nobody" is not an address;/);
  assert.match(await rule('recipient: "<>"'), /^"<>" is not an address;/);
  assert.match(
    await rule('sender: "*@junk.example"'),
    /^"\*@junk.example" contains a \*, .*; write "@junk.example" for the whole domain, or a single address$/,
  );
  assert.match(await rule('recipient: "list-*@example.com"'), /^"list-\*@example.com" contains a \*, .*;/);
  assert.match(await rule("until: soon, helo: a"), /^"soon" is not a date;/);
  assert.match(await rule("until: 2027-02-30, helo: a"), /^"2027-02-30" is a day that does not exist;/);
  assert.match(await rule('until: "2027-02-29T18:00Z", helo: a'), /^"2027-02-29T18:00Z" is a day that/);
  assert.match(await rule('until: "9999-12-31T23:59-00:01", helo: a'), /^"\S+" is after the year 9999;/);
  assert.match(await rule('note: "why"'), /^matches every client; name a network/);
});

test("each mistake in the caps on networks and addresses has its own message", async () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["rates: { address: { mails: 0 } }", /^"0" is not a cap; write a whole number from 1/],
    ["rates: { address: { size: 1KB } }", /^"1KB" is not a cap; write a size from 1MiB/],
    ["rates: { address: { period: 1m } }", /^is not a known key/],
    ["rates: { mails: many }", /^"many" is not a cap/],
    ["limits: { connectionsPerAddress: 0 }", /^"0" is not a cap/],
  ];
  for (const [text, expected] of cases) {
    const lines = await linesOf(`hostname: mx.us\nsmtp: { listen: ["127.0.0.1:2525"], ${text} }\n`);
    assert.match((lines[0] ?? "").replace(/^[^ ]+ [^ ]+: /, ""), expected, text);
  }
});

test("each mistake in reachability, greylist, earlyTalker and trace has its own message", async () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["reachability: maybe", /^"maybe" is not a known value; write one of off, on/],
    ["reachability: [on]", /^is a list; write off, on or \{ delay: 5m \}/],
    ["reachability: { delay: 5h }", /^"5h" is too large;/],
    ["reachability: { delay: soon }", /^"soon" is not a duration;/],
    ["reachability: { remember: 1s }", /^"1s" is too small;/],
    ["reachability: { action: reject }", /^"reject" is not a known value; write one of tag, defer/],
    ["reachability: { dealy: 5m }", /^is not a known key; did you mean delay/],
    ["greylist: { action: reject }", /^"reject" is not a known value; write one of tag, defer/],
    ["earlyTalker: on", /^"on" is not a known value; write one of off, tag, defer, reject/],
    ["trace: maybe", /^"maybe" is neither true nor false/],
  ];
  for (const [text, expected] of cases) assert.match(await wrong(`checks: { ${text} }\n`), expected, text);
});

test("reachability is refused for a reflector of its own, because there is no other server", async () => {
  const domain =
    "{ mode: reflector, recipients: [a], primary: { host: m.example }, checks: { reachability: on } }";
  assert.deepEqual(await after(`domains: { a.example: ${domain} }\n`), [
    "3:113: domains.a.example.checks.reachability: a reflector is the only MX: there is no other server to send clients to; remove it",
  ]);
});

test("reachability causes a warning if it refers senders to a port that they do not use", async () => {
  const told = (keys: string, all = "off") =>
    after(`checks: { reachability: ${all} }\ndomains: { a.example: { recipients: [a], ${keys} } }\n`);
  const port = "primary: { host: m.example, port: 2525 }";
  const warning = [
    "4:51: domains.a.example.primary: senders connect to port 25 only, but reachability refers them to port 2525; write checks: { reachability: off } for this domain",
  ];
  assert.deepEqual(await told(`${port}, checks: { reachability: on }`), warning);
  assert.deepEqual(await told(port, "on"), warning);
  assert.deepEqual(await told(`${port}, checks: { reachability: off }`, "on"), []);
  assert.deepEqual(await told(`${port}, mode: reflector`, "on"), []);
  assert.deepEqual(await told("primary: { host: m.example }", "on"), []);
  assert.deepEqual(await told("primary: { mx: true, port: 2525 }", "on"), []);
});

test("a reflector with the primary mx: true causes a warning, because it would find no server but itself", async () => {
  const domain = (mode: string, primary: string) =>
    after(`domains: { a.example: { mode: ${mode}, primary: ${primary}, recipients: [a] } }\n`);
  assert.deepEqual(await domain("reflector", "[{ host: m.example }, { mx: true }]"), [
    "3:73: domains.a.example.primary[1]: a reflector is the only MX: with mx, there is no other server to deliver to; write the host of the domain's own mail server",
  ]);
  assert.deepEqual(await domain("backup", "{ mx: true }"), []);
  assert.deepEqual(await domain("reflector", "{ host: m.example, mx: false }"), []);
});

test("greylist is off, on or a mapping", async () => {
  assert.match(
    await wrong("checks: { greylist: maybe }\n"),
    /^"maybe" is not a known value; write one of off, on/,
  );
  assert.match(await wrong("checks: { greylist: { delay: 2h } }\n"), /^"2h" is too large;/);
});

test("each mistake in the scanners has its own message", async () => {
  const clamav = (text: string) => wrong(`checks: { clamav: { ${text} } }\n`);
  const server = (text: string) => clamav(`servers: ["${text}"]`);
  assert.match(
    await wrong("checks: { clamav: on }\n"),
    /^"on" is not a known value; write off, or \{ servers: \[/,
  );
  assert.match(await clamav("found: tag"), /^is missing; write a list such as/);
  assert.match(await clamav("servers: []"), /^is empty, so no scanner would be used; write/);
  assert.match(await server("clamd.ctl"), /^"clamd.ctl" is neither an absolute path nor a host and a port;/);
  assert.match(await server("127.0.0.1"), /is neither an absolute path nor a host and a port;/);
  assert.match(await server("127.0.0.1:0"), /^port 0 is not between 1 and 65535;/);
  assert.match(await server("[::x]:3310"), /^"::x" is not an IPv6 address;/);
  assert.match(await server("a b:3310"), /^"a b" is not a host name;/);
  assert.match(await server("http://localhost:3310"), /^"http:.*" is a URL;/);
  assert.match(
    await clamav("servers: [/a], unavailable: reject"),
    /^"reject" is not a known value; write one of/,
  );
  assert.match(await clamav("servers: [/a], timeout: 1m"), /^"1m" is too large;/);
  assert.match(await clamav("servers: [/a], found: accept"), /^"accept" is not a known value;/);
  const rspamd = (text: string) => wrong(`checks: { rspamd: { servers: ["[::1]:11333"], ${text} } }\n`);
  assert.match(await rspamd("headers: maybe"), /^"maybe" is neither true nor false;/);
  assert.match(await rspamd("softReject: no"), /^"no" is not a known value; write one of accept, tag/);
  assert.match(await rspamd("connections: 0"), /^"0" is too small;/);
  assert.match(
    await settingFault("checks: { rspamd: { reject: reject } }"),
    /^has no servers; add servers here or in checks.rspamd/,
  );
});

test("checks and storages that do not exist are refused, not ignored", async () => {
  assert.deepEqual(await after("checks:\n  dmarc: { a: b }\n  spf: on\n  reachability: []\n  spff: off\n"), [
    "4:10: checks.dmarc: is a mapping; write one of off, tag, defer, quarantine, reject",
    '5:8: checks.spf: "on" is not a known value; write one of off, tag, defer, reject',
    "6:17: checks.reachability: is a list; write off, on or { delay: 5m }",
    "7:3: checks.spff: is not a known key; did you mean spf?",
  ]);
  const folder = "write sqlite: and a folder, such as sqlite:./data or sqlite:/var/lib/holdfast";
  assert.equal(await wrong("storage: postgres://db/mail\n"), `PostgreSQL is not supported; ${folder}`);
  assert.equal(await wrong("storage: ./data\n"), `"./data" is not a storage; ${folder}`);
  assert.equal(await wrong('storage: "sqlite::memory:"\n'), `":memory:" is not a folder; ${folder}`);
  assert.equal(
    await wrong("storage: sqlite://data\n"),
    `"sqlite://data" looks like a URL with a host; ${folder}`,
  );
  assert.equal(await wrong("storage: sqlite:~/data\n"), "~ is not expanded; write the full path");
});

test("each mistake in the listeners has its own message", async () => {
  const text = `hostname: mx2.example.net
smtp:
  listen:
    - "localhost:25"
    - ":25"
    - "[::]:99999"
    - ::1:25
    - 25
    - { address: "127.0.0.1:465", tls: implicit, proxy: ["10.0.0.0/8", "10.0.0.0/33"], xclient: [10.0.0.1, ::/0] }
    - "127.0.0.1:26"
    - { address: "127.0.0.1:26" }
    - { tls: none }
    - [x]
admin: { listen: "127.0.0.1:26" }
domains:
${DOMAIN}`;
  const network = 'write an IP address or a network, such as 192.0.2.7, 10.0.0.0/8 or "2001:db8::/32"';
  const form = 'write an IP address and a port, such as "127.0.0.1:2525" or "[::]:25"';
  assert.deepEqual(
    (await linesOf(text)).map((line) => line.replace("holdfast.yaml:", "")),
    [
      '4:7: smtp.listen[0]: localhost is a name, not an IP address; write "127.0.0.1:25"',
      '5:7: smtp.listen[1]: no address before the port; write "0.0.0.0:25" for all IPv4 addresses, or "[::]:25" for all IPv6 addresses',
      `6:7: smtp.listen[2]: port 99999 is not between 1 and 65535; ${form}`,
      `7:7: smtp.listen[3]: "::1:25" is not an address and a port; ${form}`,
      `8:7: smtp.listen[4]: "25" is not an address and a port; ${form}`,
      `9:72: smtp.listen[5].proxy[1]: "10.0.0.0/33" has a prefix length above 32, the number of bits in an IPv4 address; write a prefix length of up to 32, such as 10.0.0.0/24, or 10.0.0.0 for the single address`,
      `9:108: smtp.listen[5].xclient[1]: "::/0" includes every address, so every client would be trusted; ${network}`,
      `12:7: smtp.listen[8].address: is missing; ${form}`,
      '12:14: smtp.listen[8].tls: "none" is not a known value; write one of starttls, implicit',
      '13:7: smtp.listen[9]: is a list; write a text such as "[::]:25", or { address: "[::]:465", tls: implicit }',
    ],
  );
  const taken = text.split("\n").filter((_, index) => ![3, 4, 5, 6, 7, 11, 12].includes(index));
  const sound = taken.join("\n").replace(/, proxy.*\]/, "");
  assert.deepEqual(
    (await linesOf(sound)).map((line) => line.replace("holdfast.yaml:", "")),
    [
      "4:40: smtp.listen[0].tls: implicit TLS without a certificate; add smtp.tls with certificate and key, or write tls: starttls",
      "6:7: smtp.listen[2]: 127.0.0.1:26 is already used by smtp.listen[1]; give each its own address or port",
      "7:18: admin.listen: 127.0.0.1:26 is already used by smtp.listen[1]; give each its own address or port",
    ],
  );
  assert.deepEqual(await linesOf("hostname: mx2.example.net\nsmtp: { listen: [] }\n"), [
    'holdfast.yaml:2:17: smtp.listen: is empty, so no mail could be received; write a list such as ["0.0.0.0:25", "[::]:25"]',
  ]);
});

test("a listener on all addresses conflicts with one on a single address of the same family and port", async () => {
  const told = (listen: string) =>
    linesOf(
      `hostname: mx.example.net\nsmtp: { listen: [${listen}] }\ndomains: { a.example: { primary: { host: m.example }, recipients: [x] } }\n`,
    );
  const right = "give each its own address or port";
  assert.deepEqual(await told('"0.0.0.0:26", "127.0.0.1:26"'), [
    `holdfast.yaml:2:32: smtp.listen[1]: 127.0.0.1:26 is already used by smtp.listen[0] (0.0.0.0:26); ${right}`,
  ]);
  assert.deepEqual(await told('"[::1]:26", "[::]:26"'), [
    `holdfast.yaml:2:30: smtp.listen[1]: [::]:26 is already used by smtp.listen[0] ([::1]:26); ${right}`,
  ]);
  assert.deepEqual(await told('"[0::0]:26", "[::1]:26"'), [
    `holdfast.yaml:2:31: smtp.listen[1]: [::1]:26 is already used by smtp.listen[0] ([::]:26); ${right}`,
  ]);
  assert.deepEqual(await told('"0.0.0.0:26", "[::]:26", "127.0.0.1:27"'), []);
});

test("a wrong value is reported with what would be right", async () => {
  const duration = "a duration from 1s to 3650d, such as 90s, 5m, 12h or 30d";
  const cases: readonly (readonly [string, string])[] = [
    ["postmaster: nobody", '"nobody" is not an address; write an address such as admin@example.net'],
    ["retention: never", `"never" is not a duration; write ${duration}`],
    ["retention: { parked: 30 }", `"30" has no unit; write ${duration}`],
    ["retention: { waiting: 9999d }", `"9999d" is too large; write ${duration}`],
    ["retention: [30d]", "is a list; write a duration such as 30d, or { waiting: 30d, parked: 30d }"],
    [
      "retention: { traceSize: 5XB }",
      '"5XB" is not a size; write a size from 1MB to 1TB, such as 50MB or 2GB',
    ],
    [
      "store: { reserve: 90% }",
      '"90%" is too large; write a share of the disk from 0% to 50%, or a size such as 2GB',
    ],
    [
      "store: { reserve: much }",
      '"much" is neither a percentage nor a size; write a share of the disk from 0% to 50%, or a size such as 2GB',
    ],
    ["delivery: { connections: many }", '"many" is not a whole number; write a whole number from 1 to 1000'],
    ["log: { level: loud }", '"loud" is not a known value; write one of error, warn, info, debug'],
    ["log: info", '"info" is a single value; write a mapping with the keys level, file'],
    ["log: { file: [a] }", "is a list; write the path of a file"],
    ['log: { file: " " }', "is empty; write the path of a file"],
    ['log: { file: "a\\nb" }', "contains control characters; write the path of a file"],
    [
      "alerts: { webhook: ftp://x.example }",
      '"ftp:" is not http or https; write an http or https address such as https://alerts.example.net/holdfast',
    ],
    [
      "alerts: { webhook: 'https://user:password@:443/' }",
      "is not a URL; write an http or https address such as https://alerts.example.net/holdfast",
    ],
    [
      "alerts: { command: [] }",
      'is an empty list; write the path of a program, or a list such as ["/usr/local/bin/page", "--team", "mail"]',
    ],
    [
      "dns: { servers: 127.0.0.1 }",
      '"127.0.0.1" is a single value; write a list of IP addresses such as ["127.0.0.1:5353"]',
    ],
    [
      "dns: { servers: [ns.example] }",
      '"ns.example" is not the IP address of a name server; write an IP address, with or without a port, such as 192.0.2.53 or "127.0.0.1:5353"',
    ],
    [
      "admin: { listen: 8025 }",
      '"8025" is not an address and a port; write an IP address and a port, such as "127.0.0.1:2525" or "[::]:25"',
    ],
  ];
  for (const [text, line] of cases) assert.equal(await wrong(`${text}\ndomains:\n${DOMAIN}`), line, text);
});

async function nameFault(name: string): Promise<string | undefined> {
  return (await linesOf(`hostname: ${name}\nsmtp: { listen: ["127.0.0.1:2525"] }\n`))[0];
}

test("hostname must be a host name, not an IP address", async () => {
  const right = "write a host name such as mx2.example.net";
  assert.equal(
    await nameFault("192.0.2.1"),
    `holdfast.yaml:1:11: hostname: "192.0.2.1" is an address, not a name; ${right}`,
  );
  assert.equal(
    await nameFault("mx2_.-x"),
    `holdfast.yaml:1:11: hostname: "mx2_.-x" is not a host name; ${right}`,
  );
  assert.equal(
    await nameFault('"a\\r\\nb"'),
    `holdfast.yaml:1:11: hostname: "a b" is not a host name; ${right}`,
  );
});

test("a socket path that is too long is refused at the key that it comes from", async () => {
  const long = `/${"a".repeat(100)}`;
  const right = "set admin.socket to a short path such as /run/holdfast/admin.sock";
  const fault = (bytes: number): string =>
    `the socket path "/${"a".repeat(59)}..." has ${bytes} bytes, but at most 100 are possible; ${right}`;
  assert.deepEqual(await after(`admin: { socket: ${long} }\n`), [`3:18: admin.socket: ${fault(101)}`]);
  assert.deepEqual(await after(`admin: { socket: ${long.slice(0, 100)} }\ndomains:\n${DOMAIN}`), []);
  assert.equal((await after(`admin: { socket: /${"ü".repeat(50)} }\n`)).length, 1);
  assert.deepEqual(await after(`storage: sqlite:${long}\n`), [`3:10: storage: ${fault(112)}`]);
});

test("a mistake in a list with one element is reported at its own line and column", async () => {
  const text = `smtp:
  listen: ["127.0.0.1:25"]
  tls:
    - certificate: none.pem
      key: none.key
domains:
  a.example:
    recipients: [x]
    primary:
      - host: mail.example.com
        tls: verify
        login: { user: x, passwordFile: none.txt }
`;
  const lines = await linesOf(`hostname: mx2.example.net\n${text}`);
  assert.deepEqual(
    lines.map((line) => line.replace(/: \S+ does not exist.*/, "")),
    [
      "holdfast.yaml:5:20: smtp.tls.certificate",
      "holdfast.yaml:6:12: smtp.tls.key",
      "holdfast.yaml:13:41: domains.a.example.primary.login.passwordFile",
    ],
  );
});

test("one mistake does not hide others", async () => {
  const text = `domains:
  a.example: { mode: mirror, primary: { host: m.example }, recipients: [a b] }
store: { reserve: lots }
admin: { listen: "127.0.0.1:2525" }
`;
  const places = (await after(text)).map((line) => line.replace(/ .*/, ""));
  assert.deepEqual(places, ["4:22:", "4:73:", "5:19:", "6:18:"]);
});

function primary(keys: string): Promise<string> {
  return wrong(
    `domains:\n  example.com: { primary: { host: m.example.com, ${keys} }, recipients: [alice] }\n`,
  );
}

function login(keys: string): string {
  return `tls: require, login: { user: u, ${keys} }`;
}

test("pin, login and tls of a primary must fit each other", async () => {
  const PIN = "write the SHA-256 of the certificate or of its public key, such as sha256:9f86d0...";
  assert.equal(await primary("tls: pin"), `needs the key pin; add pin with ${PIN.slice("write ".length)}`);
  assert.equal(await primary("tls: pin, pin: abc"), `"abc" is not a SHA-256 fingerprint; ${PIN}`);
  assert.equal(
    await primary(`pin: sha256:${"0".repeat(64)}`),
    "has no effect without tls: pin; write tls: pin, or remove it",
  );
  assert.equal(await primary("tls: none, implicitTls: true"), "contradicts tls: none; remove one");
  assert.equal(
    await primary("login: { user: u, passwordEnv: PATH }"),
    "could be sent unencrypted; write tls: require, verify or pin",
  );
  assert.equal(await primary(login("method: plain")), "has no password; write passwordFile or passwordEnv");
  assert.equal(
    await primary(login("passwordEnv: HOLDFAST_NOT_SET")),
    '"HOLDFAST_NOT_SET" is not set in the environment; set it for the daemon, or use passwordFile',
  );
  assert.match(await primary(login("passwordFile: none.txt")), /none\.txt does not exist; check the path$/);
});

test("a secret that consists of blanks is reported as missing", async () => {
  await using folder = await tempFolder();
  const file = `${folder.path}/blank.secret`;
  await writeFile(file, " \t\nsecret\n");
  assert.match(
    await primary(login(`passwordFile: ${file}`)),
    /blank\.secret has an empty first line; write the password there$/,
  );
  process.env["HOLDFAST_BLANK"] = "  ";
  try {
    assert.match(await primary(login("passwordEnv: HOLDFAST_BLANK")), /^"HOLDFAST_BLANK" is not set/);
  } finally {
    delete process.env["HOLDFAST_BLANK"];
  }
});

test("each mistake in a primary's limits, pipelining and chunking has its own message", async () => {
  assert.equal(await primary("connections: 0"), '"0" is too small; write a whole number from 1 to 1000');
  assert.match(await primary("mailsPerSecond: fast"), /write a whole number from 1 to 100000/);
  assert.match(await primary("mailsPerConnection: -1"), /write a whole number from 1 to 100000/);
  assert.match(await primary("weight: 0"), /write a whole number from 1 to 1000/);
  assert.match(await primary("pipelining: all"), /write one of none, envelope, mails/);
  assert.match(await primary("chunking: maybe"), /write true or false/);
});

test("stress that ends above where it begins, and an unknown longLines, are reported", async () => {
  const smtp = (keys: string): string =>
    `hostname: mx2.example.net\nsmtp: { listen: ["127.0.0.1:25"], ${keys} }\n`;
  assert.deepEqual(
    (await linesOf(smtp("stress: { begins: 60% }")))[0],
    "holdfast.yaml:2:35: smtp.stress.ends: 70% is not below smtp.stress.begins (60%); write a percentage below 60%",
  );
  assert.deepEqual(
    (await linesOf(smtp("stress: { begins: 55%, ends: 57% }")))[0],
    "holdfast.yaml:2:64: smtp.stress.ends: 57% is not below smtp.stress.begins (55%); write a percentage below 55%",
  );
  assert.deepEqual(
    (await linesOf(smtp("stress: { begins: 5 }, longLines: cut")))[0],
    'holdfast.yaml:2:53: smtp.stress.begins: "5" is not a percentage; write a percentage from 10% to 100%',
  );
  assert.deepEqual((await linesOf(smtp("limits: { commandLine: 100B, longLines: cut }"))).length, 2);
});
