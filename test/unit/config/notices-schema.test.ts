import assert from "node:assert/strict";
import { test } from "node:test";
import type { Config } from "../../../src/config/config.ts";
import { DOMAIN, HEAD, linesOf, load } from "./sample.ts";

async function configOf(text: string): Promise<Config> {
  const result = await load(text);
  assert.ok(result.ok, JSON.stringify(result));
  return result.config;
}

/** Returns the message of the only problem, without its place and key. */
async function wrong(text: string): Promise<string> {
  const lines = await linesOf(HEAD + text);
  assert.equal(lines.length, 1, lines.join("\n"));
  return (lines[0] ?? "").replace(/^holdfast\.yaml:3:\d+: [^ ]+: /, "");
}

test("notices.route is read in both forms", async () => {
  assert.deepEqual((await configOf(`${HEAD}notices: { route: direct, delay: 4h }\n`)).notices, {
    route: { kind: "direct" },
    delay: 4 * 3_600_000,
    perSender: 20,
    fullSize: 50_000,
    retention: 5 * 86_400_000,
  });
  const login = "login: { user: u, passwordEnv: PATH }";
  const host = `route: { host: smart.example.net, port: 587, tls: verify, ${login} }`;
  const { route } = (await configOf(`${HEAD}notices: { ${host} }\n`)).notices;
  assert.deepEqual(route, {
    kind: "host",
    host: "smart.example.net",
    port: 587,
    tls: "verify",
    login: { user: "u", passwordEnv: "PATH" },
  });
});

test("each mistake in notices has its own message", async () => {
  const notices = (keys: string): Promise<string> => wrong(`notices: { ${keys} }\n`);
  const route = "write off, direct, or a host such as { host: smarthost.example.net, port: 587 }";
  const host = "write a host name such as mail.example.com, or an IP address";
  const cases: readonly (readonly [string, string])[] = [
    ["route: on", `"on" is not a known value; ${route}`],
    ["route: [direct]", `is a list; ${route}`],
    ["route: { port: 25 }", `is missing; ${host}`],
    ["route: { host: a b }", `"a b" is not a host name; ${host}`],
    [
      "route: { host: a.example, identity: xclient }",
      "is not a known key; the keys here are host, port, tls, implicitTls, pin, login",
    ],
    ["route: { host: a.example, port: 0 }", '"0" is too small; write a whole number from 1 to 65535'],
    [
      "route: { host: a.example, login: { user: u, passwordEnv: PATH } }",
      "could be sent unencrypted; write tls: require, verify or pin",
    ],
    [
      "route: { host: a.example, tls: verify, login: { user: u, passwordEnv: HOLDFAST_NOT_SET } }",
      '"HOLDFAST_NOT_SET" is not set in the environment; set it for the daemon, or use passwordFile',
    ],
    [
      "route: { host: a.example, tls: verify, login: { user: u, passwordFile: none.txt } }",
      "none.txt does not exist; check the path",
    ],
    [
      "delay: soon",
      '"soon" is not a duration; write a duration from 1m to 365d, such as 90s, 5m, 12h or 30d',
    ],
    ["delay: 10s", '"10s" is too small; write a duration from 1m to 365d, such as 90s, 5m, 12h or 30d'],
    ["delay: [1]", "is a list; write off, or a duration such as 4h"],
    ["perSender: 0", '"0" is too small; write a whole number from 1 to 10000'],
    ["fullSize: 1MB", '"1MB" is too large; write a size from 0B to 256KiB, such as 64KiB'],
    ["retention: 90d", '"90d" is too large; write a duration from 1m to 60d, such as 90s, 5m, 12h or 30d'],
  ];
  for (const [keys, line] of cases) assert.equal(await notices(keys), line, keys);
  assert.equal(
    await wrong("retention: { refusedContent: never }\n"),
    '"never" is not a duration; write a duration from 1s to 3650d, such as 90s, 5m, 12h or 30d',
  );
});

test("a notice route without SPF causes a warning, because no notice would be sent", async () => {
  const doubts = (more: string): Promise<string[]> =>
    linesOf(
      `${HEAD}notices: { route: direct }\ndomains:\n  a.test: { primary: { host: b }, recipients: [x]${more} }\n`,
    );
  const found = await doubts("");
  assert.match(found.join("\n"), /notices\.route: no notice is ever sent.*add checks: \{ spf: tag \}/);
  assert.doesNotMatch((await doubts(", checks: { spf: tag }")).join("\n"), /notices/);
});

test("a delay notice that is never sent, and a smart host that is this server, cause warnings", async () => {
  const doubts = async (keys: string): Promise<string[]> =>
    (await linesOf(`${HEAD}checks: { spf: tag }\nnotices: { ${keys} }\ndomains:\n${DOMAIN}`)).map((line) =>
      line.replace(/^\S+ /, ""),
    );
  assert.deepEqual(await doubts("delay: 4h"), [
    "notices.delay: has no effect, because notices.route is off; set notices.route, or remove it",
  ]);
  assert.deepEqual(await doubts("route: direct, delay: 30d"), [
    "notices.delay: has no effect, because mail is given up after 30 d; write less than retention.waiting",
  ]);
  assert.deepEqual(await doubts("route: { host: 127.0.0.1, port: 2525 }"), [
    "notices.route: 127.0.0.1:2525 is this server itself, which relays for nobody; name a server that relays",
  ]);
  for (const sound of ["route: direct, delay: 29d", "route: { host: 127.0.0.1 }", "delay: off"])
    assert.deepEqual(await doubts(sound), [], sound);
});
