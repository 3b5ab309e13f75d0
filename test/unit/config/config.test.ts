import { testCertificate } from "../../support/test-certificate.ts";
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { loadConfig } from "../../../src/config/config.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { configOf, DOMAIN, HEAD, linesOf, load } from "./sample.ts";

const ROOT = resolve(import.meta.dirname, "../../..");

test("a short configuration gets every default", async () => {
  const config = await configOf(`${HEAD}domains:\n${DOMAIN}`);
  const cores = Math.min(4, Math.max(1, availableParallelism() - 1));
  assert.deepEqual(config, {
    file: "holdfast.yaml",
    hostname: "mx2.example.net",
    storage: { kind: "sqlite", folder: resolve("data") },
    smtp: {
      listen: [{ address: "127.0.0.1", port: 2525, tls: "starttls", proxy: [], xclient: [] }],
      threads: cores,
      maxMessageSize: 50_000_000,
      greetDelay: 100,
      rates: { period: 600_000 },
      greetAtOnce: [],
      limits: {
        commandTimeout: 300_000,
        dataTimeout: 180_000,
        handshakeTimeout: 60_000,
        proxyTimeout: 10_000,
        commandLine: 4096,
        minDataRate: 500,
        commands: 1000,
        commandsWithoutMail: 100,
        refusedRecipients: 10,
        recipients: 1000,
        connections: 10_000,
        connectionsPerClient: 250,
        mailsPerConnection: 1000,
        headerSize: 1_048_576,
        headerFields: 5000,
        received: 100,
        ownReceived: 5,
        errors: 20,
        bodyMemory: 4_194_304,
        memory: 2 ** 30,
      },
      stress: {
        begins: 0.8,
        ends: 0.7,
        commandTimeout: 10_000,
        dataTimeout: 30_000,
        commandsWithoutMail: 20,
        refusedRecipients: 3,
        errors: 3,
        networkShare: 0.05,
      },
      longLines: "accept",
    },
    admin: { socket: resolve("data/admin.sock") },
    dns: { servers: [] },
    store: { reserve: { percent: 5 } },
    retention: {
      waiting: 30 * 86_400_000,
      parked: 30 * 86_400_000,
      refusedContent: 7 * 86_400_000,
      quarantine: 30 * 86_400_000,
      ledger: 90 * 86_400_000,
      trace: 30 * 86_400_000,
      traceSize: 1e9,
    },
    delivery: { connections: 20, mailsPerConnection: 100, connectTimeout: 30_000 },
    notices: { route: { kind: "off" }, perSender: 20, fullSize: 50_000, retention: 5 * 86_400_000 },
    alerts: { oldest: 4 * 3_600_000 },
    log: { level: "info" },
    checks: {
      dnsbl: "off",
      helo: "off",
      clientName: "off",
      senderDomain: "off",
      trace: true,
      spf: "off",
      dkim: "off",
      dmarc: "off",
      greylist: "off",
      reachability: "off",
      earlyTalker: "off",
      clamav: "off",
      rspamd: "off",
    },
    domains: [
      {
        name: "example.com",
        settings: {
          mode: "backup",
          primaries: [{ host: "mail.example.com", port: 25, tls: "opportunistic", preference: 10 }],
          catchAll: false,
          tagSeparator: "+",
          unknownDuringOutage: "reject",
          bareNewlines: "normalise",
        },
        recipients: ["alice"],
      },
    ],
  });
});

const EVERYTHING = `
hostname: MX2.Bücher.example.
postmaster: Admin@bücher.example
storage: sqlite:/var/lib/holdfast
smtp:
  listen:
    - "127.0.0.1:2525"
    - { address: "[::1]:465", tls: implicit, proxy: ["10.0.0.0/8", "2001:DB8::1"], xclient: [192.0.2.7] }
  tls: { certificate: chain.pem, key: key.pem }
  threads: 3
  maxMessageSize: 64MiB
  greetDelay: 2s
  limits: { recipients: 200, commandTimeout: 1h }
admin: { listen: "127.0.0.1:8025", socket: /run/holdfast/admin.sock }
dns: { servers: ["127.0.0.1:5353", 192.0.2.53, "::1", "[::1]:54"] }
store: { reserve: 2GB }
retention: { waiting: 2w, parked: 14d, refusedContent: 3d, quarantine: 7d, ledger: 365d, trace: 1h30m, traceSize: 10MB }
delivery: { connections: 2, mailsPerConnection: 5, connectTimeout: 5s }
alerts: { webhook: "https://alerts.example.net/x", command: [./page.sh, --team, mail], oldest: 90s }
log: { level: debug, file: log/holdfast.log }
checks: { greylist: off, spf: off }
domains:
  Bücher.example:
    mode: reflector
    primary:
      - { host: Mäil.example, port: 2525, tls: verify, preference: 1 }
      - { host: "[IPv6:2001:DB8::1]", tls: none }
      - { mx: true, preference: 20 }
    recipients: { file: users.txt }
    tagSeparator: none
    unknownDuringOutage: defer
    bareNewlines: reject
    checks: { dnsbl: off }
  all.example:
    primary: { host: 192.0.2.7 }
    recipients: { catchAll: true }
`;

test("every key is read in its longer form", async () => {
  const { certificate, key } = await testCertificate();
  const files = { "chain.pem": certificate, "key.pem": key, "users.txt": "Ann\nlist-*\n" };
  const config = await configOf(EVERYTHING, files);
  assert.equal(config.hostname, "mx2.xn--bcher-kva.example");
  assert.equal(config.postmaster, "Admin@xn--bcher-kva.example");
  assert.deepEqual(config.storage, { kind: "sqlite", folder: "/var/lib/holdfast" });
  assert.deepEqual(config.smtp.listen[1], {
    address: "::1",
    port: 465,
    tls: "implicit",
    proxy: ["10.0.0.0/8", "2001:db8::1"],
    xclient: ["192.0.2.7"],
  });
  assert.deepEqual(config.smtp.tls, [{ certificate: "chain.pem", key: "key.pem" }]);
  assert.deepEqual(
    [config.smtp.threads, config.smtp.maxMessageSize, config.smtp.greetDelay],
    [3, 2 ** 26, 2000],
  );
  assert.equal(config.smtp.limits.recipients, 200);
  assert.deepEqual(config.admin, {
    listen: { address: "127.0.0.1", port: 8025 },
    socket: "/run/holdfast/admin.sock",
  });
  assert.deepEqual(config.dns.servers, ["127.0.0.1:5353", "192.0.2.53:53", "[::1]:53", "[::1]:54"]);
  assert.deepEqual(config.store.reserve, { bytes: 2e9 });
  assert.deepEqual(config.retention, {
    waiting: 14 * 86_400_000,
    parked: 14 * 86_400_000,
    refusedContent: 3 * 86_400_000,
    quarantine: 7 * 86_400_000,
    ledger: 365 * 86_400_000,
    trace: 5_400_000,
    traceSize: 1e7,
  });
  assert.deepEqual(config.alerts, {
    webhook: "https://alerts.example.net/x",
    command: ["page.sh", "--team", "mail"],
    oldest: 90_000,
  });
  assert.deepEqual(config.log, { level: "debug", file: resolve("log/holdfast.log") });
  const [first, second] = config.domains;
  assert.deepEqual(first, {
    name: "xn--bcher-kva.example",
    settings: {
      mode: "reflector",
      primaries: [
        { host: "xn--mil-qla.example", port: 2525, tls: "verify", preference: 1 },
        { host: "2001:db8::1", port: 25, tls: "none", preference: 10 },
        { host: "", port: 25, tls: "opportunistic", preference: 20, mx: true },
      ],
      catchAll: false,
      tagSeparator: "",
      unknownDuringOutage: "defer",
      bareNewlines: "reject",
      checks: { dnsbl: "off" },
    },
    recipients: ["ann", "list-*"],
    recipientsFile: { path: "users.txt", mark: first?.recipientsFile?.mark },
  });
  assert.equal(second?.settings.catchAll, true);
  assert.equal(second?.settings.unknownDuringOutage, "accept");
  assert.equal(second !== undefined && "recipients" in second, false);
});

test("a retention that is a single duration sets how long mail waits", async () => {
  const { retention } = await configOf(`${HEAD}retention: 10d\n`);
  assert.equal(retention.waiting, 10 * 86_400_000);
  assert.equal(retention.ledger, 90 * 86_400_000);
});

test("an alert program without a slash is searched in PATH", async () => {
  await using folder = await tempFolder();
  const file = join(folder.path, "holdfast.yaml");
  await writeFile(file, `${HEAD}alerts: { command: page }\n`);
  const loaded = loadConfig(file);
  assert.ok(loaded.ok);
  assert.deepEqual(loaded.config.alerts.command, ["page"]);
});

test("relative paths of secrets and of an alert program start from the folder of the configuration", async () => {
  await using folder = await tempFolder();
  const at = (name: string): string => join(folder.path, name);
  for (const name of ["a.secret", "b.secret", "c.secret"]) await writeFile(at(name), "secret\n");
  const login = (name: string) => `tls: verify, login: { user: u, passwordFile: ${name} }`;
  const text = `${HEAD}alerts: { command: [./page, ./alert] }
notices: { route: { host: smarthost.example, ${login("a.secret")} } }
domains:
  a.example:
    primary: { host: m.example, ${login("b.secret")} }
    recipients: { url: https://lists.example, authorizationFile: c.secret }
`;
  await writeFile(at("holdfast.yaml"), text);
  const loaded = loadConfig(at("holdfast.yaml"));
  assert.ok(loaded.ok);
  const { alerts, notices, domains } = loaded.config;
  assert.deepEqual(alerts.command, [at("page"), "./alert"]);
  assert.partialDeepStrictEqual(notices.route, { login: { passwordFile: at("a.secret") } });
  assert.partialDeepStrictEqual(domains[0]?.settings, {
    primaries: [{ login: { passwordFile: at("b.secret") } }],
    fetched: { authorizationFile: at("c.secret") },
  });
});

test("a log file or a socket in a missing folder causes a warning, because systemd may create the folder", async () => {
  const end = (await linesOf(HEAD)).length;
  for (const [section, key, directive] of [
    ["log", "file", "LogsDirectory"],
    ["admin", "socket", "RuntimeDirectory"],
  ]) {
    const told = async (file: string): Promise<string | undefined> =>
      (await linesOf(`${HEAD}${section}: { ${key}: ${file} }\n`))[end]?.replace(
        /^holdfast\.yaml:3:\d+: /,
        "",
      );
    const there = `${section}.${key}: `;
    assert.equal(
      await told("/nowhere/holdfast/one"),
      `${there}/nowhere/holdfast is not a folder, and the daemon does not start without it; create it for the daemon's user, unless systemd does so (${directive})`,
    );
    assert.equal(await told("/etc"), `${there}/etc is a folder; name a file in it`);
    assert.equal(await told("/tmp/holdfast.one"), undefined);
  }
});

test("an alert program that cannot be run causes a warning", async () => {
  const warning = (line: string, file: string): string =>
    `holdfast.yaml:${line}: alerts.command: ${file} is not a program that can be run, so no alert can be sent this way; name a program that the daemon's user may run`;
  const end = (await linesOf(HEAD)).length;
  const told = async (command: string): Promise<readonly string[]> =>
    (await linesOf(`${HEAD}alerts: { command: ${command} }\n`)).slice(end);
  assert.deepEqual(await told("./page"), [warning("3:20", "page")]);
  assert.deepEqual(await told("[/etc, now]"), [warning("3:20", "/etc")]);
  assert.deepEqual(await told("[/bin/sh, page]"), []);
  assert.deepEqual(await told("[sh, page]"), []);
  const [unknown = ""] = await told("page-nobody");
  assert.match(
    unknown,
    /: alerts\.command: no folder in PATH contains the program "page-nobody", so no alert can be sent this way; /,
  );
  const [line = ""] = await told("mail -s down root");
  assert.match(
    line,
    /the program "mail -s down root", .*; write a list of the program and its arguments: \["mail","-s","down","root"\]$/,
  );
});

test("a key without a value counts as left out, and an alias stands for its anchor", async () => {
  const text = `${HEAD}admin:\nlog:\n  file:\ndomains:\n  a.example: &a { primary: { host: m.example }, recipients: [x] }\n  b.example: *a\n`;
  const { domains } = await configOf(text);
  assert.deepEqual(
    domains.map(({ name, recipients }) => [name, recipients]),
    [
      ["a.example", ["x"]],
      ["b.example", ["x"]],
    ],
  );
});

test("recipients that look like numbers or booleans stay as written", async () => {
  const text = `${HEAD}domains:\n  a.example: { primary: { host: m.example }, recipients: [0123, 1e3, true, null, off] }\n`;
  const { domains } = await configOf(text);
  assert.deepEqual(domains[0]?.recipients, ["0123", "1e3", "true", "null", "off"]);
});

test("the configuration is deeply frozen", () => {
  const result = loadConfig(join(ROOT, "config/holdfast.yaml"));
  assert.ok(result.ok);
  const thawed: string[] = [];
  const look = (value: unknown, path: string): void => {
    if (typeof value !== "object" || value === null) return;
    if (!Object.isFrozen(value)) thawed.push(path);
    for (const [key, part] of Object.entries(value)) look(part, `${path}.${key}`);
  };
  look(result.config, "config");
  assert.deepEqual(thawed, []);
});

test("the shipped configuration uses loopback only, and the examples are valid without a warning", () => {
  for (const name of ["holdfast", "backup-mx.example", "reflector.example"]) {
    const result = loadConfig(join(ROOT, `config/${name}.yaml`));
    assert.ok(result.ok, JSON.stringify(result));
    assert.deepEqual(result.warnings, []);
  }
  const shipped = loadConfig(join(ROOT, "config/holdfast.yaml"));
  assert.ok(shipped.ok);
  const { hostname, smtp, admin, storage, domains } = shipped.config;
  assert.equal(hostname, "mx2.example.test");
  assert.deepEqual(
    smtp.listen.map(({ address, port }) => `${address}:${port}`),
    ["127.0.0.1:2525"],
  );
  assert.deepEqual(admin.listen, { address: "127.0.0.1", port: 8025 });
  assert.equal(storage.folder, resolve("data"));
  assert.deepEqual(domains[0]?.settings.primaries, [
    { host: "127.0.0.1", port: 2526, tls: "opportunistic", preference: 10 },
  ]);
  assert.deepEqual(domains[0]?.recipients, ["alice", "bob", "list-*"]);
});

test("a file with 100,000 recipients is read completely", async () => {
  await using folder = await tempFolder();
  const lines = Array.from({ length: 100_000 }, (_, index) => `User${index}@example.com # since 2019\n`);
  await writeFile(join(folder.path, "users.txt"), lines.join(""));
  const file = join(folder.path, "holdfast.yaml");
  const domain = "  example.com: { primary: { host: m.example }, recipients: { file: users.txt } }\n";
  await writeFile(file, `${HEAD}domains:\n${domain}`);
  const result = loadConfig(file);
  assert.ok(result.ok);
  assert.equal(result.config.domains[0]?.recipients?.length, 100_000);
  assert.equal(result.config.domains[0]?.recipients?.[99_999], "user99999");
});

test("an access rule for every client causes a warning, unless it blocks what earlier rules do not allow", async () => {
  const head = 'hostname: mx2.example.net\nsmtp: { listen: ["127.0.0.1:2525"] }\n';
  const domains = "domains: { a.example: { primary: { host: 192.0.2.1 }, recipients: [x] } }\n";
  const doubted = async (rules: string): Promise<string[]> =>
    (await linesOf(`${head}${domains}checks: { access: [${rules}] }\n`)).map((line) =>
      line.replace(/^\S+ /, ""),
    );
  assert.deepEqual(
    await doubted('{ action: block, network: "0.0.0.0/0" }, { action: allow, network: "::/0" }'),
    [
      "checks.access[0].network: 0.0.0.0/0 is every IPv4 client, and all their mail is refused; name a smaller network, or first those that you allow",
      "checks.access[1].network: ::/0 is every IPv6 client, and all of them skip the reputation checks; name a smaller network",
    ],
  );
  assert.deepEqual(
    await doubted('{ action: allow, network: "192.0.2.0/24" }, { action: block, network: "0.0.0.0/0" }'),
    [],
  );
  assert.equal((await doubted('{ action: block, network: "0.0.0.0/0" }')).length, 1);
  assert.deepEqual(await doubted('{ action: block, network: "0.0.0.0/0", sender: "@junk.example" }'), []);
});

test("following the advice of a warning ends the warning", async () => {
  assert.deepEqual(await linesOf(`${HEAD}retention: 5d\ndomains:\n${DOMAIN}`), []);
  assert.equal((await linesOf(`${HEAD}retention: 119h\ndomains:\n${DOMAIN}`)).length, 1);
});

test("settings that are valid but perhaps not intended cause warnings", async () => {
  const text = `hostname: mx2
postmaster: admin@elsewhere.example
smtp: { listen: ["192.0.2.1:25"] }
admin: { listen: "0.0.0.0:8025" }
retention: 2d
domains:
  a.example: { primary: { host: mx2 }, recipients: [] }
  b.example: { primary: [{ host: 192.0.2.1 }], recipients: { catchAll: true }, unknownDuringOutage: defer }
  c.example: { primary: { host: m.example }, recipients: [x], unknownDuringOutage: accept }
  d.example: { primary: { host: m.example }, recipients: [x], unknownDuringOutage: reject }
  e.example: { primary: { host: m.example }, recipients: { catchAll: true }, unknownDuringOutage: reject }
  f.example: { primary: { host: m.example }, recipients: { list: [], callout: true }, unknownDuringOutage: defer }
`;
  assert.deepEqual(await linesOf(text), [
    "holdfast.yaml:1:11: hostname: is not a fully qualified name, and some servers refuse such a name in EHLO; write the name in your MX record",
    'holdfast.yaml:2:13: postmaster: "elsewhere.example" is not a domain declared here, so mail for this postmaster goes to the postmaster of the first domain; write an address in one of the declared domains',
    "holdfast.yaml:4:18: admin.listen: tokens cross the network in plain HTTP; listen on 127.0.0.1 behind a TLS proxy",
    "holdfast.yaml:5:12: retention: waiting mail expires before the 4 to 5 days that RFC 5321 §4.5.4.1 asks for; write at least 5d, such as 30d",
    "holdfast.yaml:7:25: domains.a.example.primary: mx2 port 25 is this server itself: mail would loop; name the domain's own mail server",
    "holdfast.yaml:7:52: domains.a.example.recipients: the list is empty: every address except postmaster is unknown until recipients are added through the API; list the recipients",
    "holdfast.yaml:8:25: domains.b.example.primary: 192.0.2.1 port 25 is this server itself: mail would loop; name the domain's own mail server",
    "holdfast.yaml:8:101: domains.b.example.unknownDuringOutage: has no effect, because with catchAll no address is unknown; remove it",
    "holdfast.yaml:9:84: domains.c.example.unknownDuringOutage: has no effect, because without callout the list is complete, even during an outage; remove it",
    "holdfast.yaml:11:99: domains.e.example.unknownDuringOutage: has no effect, because with catchAll no address is unknown; remove it",
  ]);
  const everywhere =
    'hostname: mx2.example.net\nsmtp: { listen: ["192.0.2.1:26", "0.0.0.0:25"] }\ndomains:\n';
  assert.deepEqual(
    await linesOf(`${everywhere}  a.example: { primary: { host: 127.0.0.1 }, recipients: [x] }\n`),
    [
      "holdfast.yaml:4:25: domains.a.example.primary: 127.0.0.1 port 25 is this server itself: mail would loop; name the domain's own mail server",
    ],
  );
  assert.deepEqual(
    await linesOf(`${everywhere}  a.example: { primary: { host: "::1" }, recipients: [x] }\n`),
    [],
  );
  const one = everywhere.replace(', "0.0.0.0:25"', ', "192.0.2.1:25"');
  assert.deepEqual(
    await linesOf(`${one}  a.example: { primary: { host: 127.0.0.1 }, recipients: [x] }\n`),
    [],
  );
  assert.deepEqual(
    await linesOf(`${HEAD}postmaster: admin@example.com\ndomains:\n${DOMAIN.replace("example", "Example")}`),
    [],
  );
  assert.deepEqual(await linesOf(HEAD), [
    "holdfast.yaml:1:1: domains: no domain is declared: mail is accepted only for domains added through the API; declare a domain",
  ]);
});

test("a domain inherits the lists of clients and overrides its own keys", async () => {
  const result = await load(
    [
      "hostname: mx.us",
      "smtp: { listen: ['127.0.0.1:2525'] }",
      "checks:",
      "  contact: see https://us.test",
      "  dnsbl:",
      "    lists: [{ zone: ZEN.example., codes: [127.0.0.2-11] }, { zone: wl.example, weight: -3, name: Good }]",
      "    reject: 5",
      "domains:",
      "  a.test: { primary: { host: a }, recipients: [x], checks: { dnsbl: { defer: off, tag: 1 } } }",
      "  b.test: { primary: { host: b }, recipients: [x], checks: { greylist: on, helo: tag } }",
      "  c.test: { primary: { host: c }, recipients: [x], checks: { dnsbl: { lists: [{ zone: c.example, action: tag }] } } }",
    ].join("\n"),
  );
  assert.ok(result.ok);
  const { checks, domains } = result.config;
  const lists = [
    { zone: "zen.example", codes: ["127.0.0.2-11"], weight: 1 },
    { zone: "wl.example", codes: ["127.*.*.*"], weight: -3, name: "Good" },
  ];
  assert.equal(checks.contact, "see https://us.test");
  assert.deepEqual(checks.dnsbl, { lists, defer: 1, reject: 5 });
  const own = [{ zone: "c.example", codes: ["127.*.*.*"], weight: 1, action: "tag" }];
  assert.deepEqual(
    domains.map(({ settings }) => settings.checks),
    [
      { dnsbl: { lists, tag: 1, reject: 5 } },
      { greylist: { delay: 60_000, action: "defer" }, helo: "tag" },
      { dnsbl: { lists: own, defer: 1, reject: 5 } },
    ],
  );
});

test("access rules are stored in the spelling that is compared", async () => {
  const access = [
    '{ action: allow, network: "2001:db8::/32", note: partner }',
    '{ action: block, sender: "@JUNK.example", helo: "*.Dyn.example", until: 2027-01-31 }',
  ];
  const text = `hostname: mx.us\nsmtp: { listen: ['127.0.0.1:2525'] }\nchecks: { access: [${access.join(", ")}] }\n`;
  const result = await load(text);
  assert.ok(result.ok);
  assert.deepEqual(result.config.checks.access, [
    { action: "allow", network: "2001:db8::/32", note: "partner" },
    { action: "block", helo: "*.dyn.example", sender: "@junk.example", until: Date.UTC(2027, 0, 31) },
  ]);
});

test("caps of a client network that are off are left out", async () => {
  const rates = "{ period: 1h, mails: 100, size: 2MiB, connections: off, address: { mails: 50, size: 1TB } }";
  const result = await load(`hostname: mx.us\nsmtp: { listen: ['127.0.0.1:2525'], rates: ${rates} }\n`);
  assert.ok(result.ok);
  assert.deepEqual(result.config.smtp.rates, {
    period: 3_600_000,
    mails: 100,
    kibibytes: 2048,
    address: { mails: 50, kibibytes: 976_562_500 },
  });
});

test("a domain overrides single keys of a scanner and inherits the others", async () => {
  const result = await load(
    [
      "hostname: mx2.us",
      "smtp: { listen: ['127.0.0.1:2525'] }",
      "checks:",
      "  clamav: { servers: [/run/clamav/clamd.ctl], unavailable: tag }",
      "domains:",
      "  a.test: { primary: { host: a }, recipients: [x], checks: { clamav: { found: quarantine } } }",
      "  b.test: { primary: { host: b }, recipients: [x], checks: { clamav: off, rspamd: { servers: ['localhost:11333'] } } }",
    ].join("\n"),
  );
  assert.ok(result.ok);
  const { config } = result;
  const forAll = {
    servers: ["/run/clamav/clamd.ctl"],
    timeout: 15_000,
    connections: 8,
    maxSize: 100e6,
    found: "reject",
    oversize: "quarantine",
    unavailable: "tag",
  };
  assert.deepEqual([config.checks.clamav, config.checks.rspamd], [forAll, "off"]);
  const [a, b] = config.domains.map(({ settings }) => settings.checks);
  assert.deepEqual(a, { clamav: { ...forAll, found: "quarantine" } });
  assert.equal(b?.clamav, "off");
  assert.deepEqual(b?.rspamd, {
    servers: ["localhost:11333"],
    timeout: 15_000,
    connections: 16,
    maxSize: 20e6,
    reject: "defer",
    softReject: "defer",
    greylist: "accept",
    addHeader: "tag",
    headers: false,
    unavailable: "defer",
  });
});
