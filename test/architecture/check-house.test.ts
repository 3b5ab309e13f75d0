/** The checker itself: each rule is seen to fail on a small bad tree, and good trees are left alone. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { checkHouse } from "./check-house.ts";
import { maskSource } from "./mask.ts";
import { scanFunctions } from "./scan-functions.ts";
import { scanImports } from "./scan-imports.ts";

const DOOR = "/** What the room does. */\n";
/** Enough of a house that single files can be added to it. */
const SOUND: Readonly<Record<string, string>> = {
  "main.ts": 'import { serve } from "./app.ts";\nserve();\n',
  "app.ts":
    'import { openQueue } from "./services/queue/queue.ts";\nnew Worker(new URL("./threads/smtp-thread.ts", import.meta.url));\nexport function serve() { openQueue(); }\n',
  "threads/smtp-thread.ts": 'import { openDns } from "../adapters/dns/dns.ts";\nopenDns();\n',
  "daemon/daemon-status.ts": "export const status = 1;\n",
  "services/queue/queue.ts": `${DOOR}import type { Store } from "../../ports/store.ts";\nimport { due } from "./due.ts";\nexport const openQueue = () => due;\n`,
  "services/queue/due.ts": "export const due = 1;\n",
  "services/bounce/bounce.ts": `${DOOR}export const bounce = 1;\n`,
  "services/delivery/delivery.ts": `${DOOR}import { bounce } from "../bounce/bounce.ts";\nexport { bounce };\n`,
  "services/health/health.ts": `${DOOR}export const health = 1;\n`,
  "adapters/dns/dns.ts": `${DOOR}import dnsbl from "dnsbl";\nexport const openDns = () => dnsbl;\n`,
  "adapters/storage/sqlite/sqlite.ts": `${DOOR}import Database from "better-sqlite3";\nexport { Database };\n`,
  "endpoints/admin/admin.ts": `${DOOR}export const admin = 1;\n`,
  "endpoints/admin/contract.ts": 'import { z } from "zod";\nexport { z };\n',
  "config/config.ts": `${DOOR}import { parse } from "yaml";\nexport { parse };\n`,
  "cli/cli.ts": `${DOOR}import { z } from "../endpoints/admin/contract.ts";\nexport { z };\n`,
  "ports/store.ts": 'import type { Mail } from "../mail/mail.ts";\nexport type Store = Mail;\n',
  "mail/mail.ts": "export type Mail = string;\n",
  "runtime/clock.ts": "export const now = Date.now;\n",
};

function findings(changes: Readonly<Record<string, string>>): string[] {
  return checkHouse(new Map(Object.entries({ ...SOUND, ...changes })));
}

function assertOne(changes: Readonly<Record<string, string>>, expected: RegExp): void {
  const found = findings(changes);
  assert.equal(found.length, 1, found.join("\n"));
  assert.match(found[0] ?? "", expected);
}

test("a sound house has no findings", () => {
  assert.deepEqual(findings({}), []);
});

describe("storeys", () => {
  const bad: readonly [name: string, path: string, source: string, expected: RegExp][] = [
    [
      "a port that imports a service",
      "ports/a.ts",
      'import { openQueue } from "../services/queue/queue.ts";',
      /upward: ports may not import services/,
    ],
    [
      "a type import upward",
      "mail/a.ts",
      'import type { Store } from "../ports/store.ts";',
      /upward: mail may not import ports/,
    ],
    [
      "mail that imports runtime",
      "mail/a.ts",
      'import { now } from "../runtime/clock.ts";',
      /upward: mail may not import runtime/,
    ],
    [
      "a service that imports an adapter",
      "services/queue/a.ts",
      'import { openDns } from "../../adapters/dns/dns.ts";',
      /services may not import adapters/,
    ],
    [
      "an adapter that imports a service",
      "adapters/dns/a.ts",
      'export { bounce } from "../../services/bounce/bounce.ts";',
      /adapters may not import services/,
    ],
    [
      "an endpoint that imports an adapter",
      "endpoints/admin/a.ts",
      'const a = await import("../../adapters/dns/dns.ts");',
      /endpoints may not import adapters/,
    ],
    [
      "a service that reads the configuration",
      "services/queue/a.ts",
      'import { parse } from "../../config/config.ts";',
      /services may not import config/,
    ],
    [
      "a file that imports a root",
      "services/queue/a.ts",
      'import { serve } from "../../app.ts";',
      /services may not import root/,
    ],
    [
      "a worker of another storey",
      "ports/a.ts",
      'new Worker(new URL("../threads/smtp-thread.ts", import.meta.url));',
      /ports may not import threads/,
    ],
    [
      "a thread that reaches for the daemon",
      "threads/a.ts",
      'import { status } from "../daemon/daemon-status.ts";',
      /threads may not import daemon/,
    ],
    [
      "a client that looks behind the contract",
      "cli/a.ts",
      'import { admin } from "../endpoints/admin/admin.ts";',
      /cli may not import endpoints/,
    ],
    [
      "a type named by import()",
      "mail/a.ts",
      'export type A = import("../runtime/clock.ts").A;',
      /mail may not import runtime/,
    ],
    [
      "a folder that is not in the house",
      "plumbing/a.ts",
      'import "../mail/mail.ts";',
      /plumbing\/ is no folder of the house/,
    ],
  ];
  for (const [name, path, source, expected] of bad) test(name, () => assertOne({ [path]: source }, expected));
});

describe("rooms", () => {
  test("a sideways arrow that is not listed", () =>
    assertOne(
      { "services/bounce/a.ts": 'import { openQueue } from "../queue/queue.ts";' },
      /sideways: services\/bounce may not import services\/queue/,
    ));
  test("adapters never import each other", () =>
    assertOne(
      { "adapters/dns/a.ts": 'import { Database } from "../storage/sqlite/sqlite.ts";' },
      /sideways/,
    ));
  test("a listed arrow goes through the door", () =>
    assertOne(
      { "services/delivery/a.ts": 'import { due } from "../queue/due.ts";' },
      /past the door: import services\/queue\/queue.ts/,
    ));
  test("a root goes through the door", () =>
    assertOne(
      { "threads/reader-thread.ts": 'import { due } from "../services/queue/due.ts";' },
      /past the door/,
    ));
  test("a room without a door", () =>
    assertOne(
      { "services/access/tokens.ts": "export {};", "services/access/a.ts": "export {};" },
      /services\/access: has no door/,
    ));
  test("a door without its comment", () =>
    assertOne({ "services/health/health.ts": "export const health = 1;" }, /opens with a comment/));
  test("a door with too long a comment", () =>
    assertOne(
      { "services/health/health.ts": `/**\n${" * a\n".repeat(25)} */\nexport {};` },
      /comment has 27 lines/,
    ));
  test("a file that does not exist", () =>
    assertOne({ "mail/a.ts": 'import "./gone.ts";' }, /mail\/gone.ts does not exist/));
});

describe("floors of a room", () => {
  const room = "adapters/storage/sqlite";
  const bodies = { [`${room}/bodies/body.ts`]: "export const body = 1;" };
  test("one below, and the door", () =>
    assert.deepEqual(
      findings({
        ...bodies,
        [`${room}/queue/claim.ts`]: 'export { body } from "../bodies/body.ts";',
        [`${room}/sqlite.ts`]: `${DOOR}export { body } from "./queue/claim.ts";`,
      }),
      [],
    ));
  test("one above", () =>
    assertOne(
      { ...bodies, [`${room}/wire/wire.ts`]: 'import type { body } from "../bodies/body.ts";' },
      /upstairs: adapters\/storage\/sqlite\/wire may not import bodies/,
    ));
  test("the door", () =>
    assertOne({ [`${room}/wire/wire.ts`]: 'import { Database } from "../sqlite.ts";' }, /upstairs/));
  test("a folder that is none", () =>
    assertOne(
      { ...bodies, [`${room}/odds/a.ts`]: 'import { body } from "../bodies/body.ts";' },
      /sqlite\/odds is no floor of its room/,
    ));
});

describe("circles", () => {
  test("two files", () =>
    assertOne(
      { "mail/a.ts": 'import { b } from "./b.ts";', "mail/b.ts": 'export { a } from "./a.ts";' },
      /circle: mail\/a.ts -> mail\/b.ts -> mail\/a.ts/,
    ));
  test("three files, by types only", () =>
    assertOne(
      {
        "mail/a.ts": 'import type { B } from "./b.ts";',
        "mail/b.ts": 'import { type C } from "./c.ts";',
        "mail/c.ts": 'export type { A } from "./a.ts";',
      },
      /circle: mail\/a.ts -> mail\/b.ts -> mail\/c.ts -> mail\/a.ts/,
    ));
  test("a file that imports itself", () =>
    assertOne({ "mail/a.ts": 'import "./a.ts";' }, /circle: mail\/a.ts -> mail\/a.ts/));
});

describe("packages", () => {
  const bad: readonly [name: string, path: string, source: string, expected: RegExp][] = [
    [
      "outside its folder",
      "services/queue/a.ts",
      'import { createTransport } from "nodemailer";',
      /"nodemailer" is imported only by adapters\/smtp-client/,
    ],
    [
      "a subpath counts",
      "endpoints/admin/a.ts",
      'import { SMTPStream } from "smtp-server/lib/smtp-stream.js";',
      /"smtp-server" is imported only by endpoints\/smtp/,
    ],
    [
      "a scoped package",
      "config/a.ts",
      'import { serve } from "@hono/node-server";',
      /"@hono\/node-server" is imported only/,
    ],
    [
      "a dev package",
      "adapters/dns/a.ts",
      'import { encode } from "dns-packet";',
      /"dns-packet" belongs to no folder/,
    ],
    ["any package in mail/", "mail/a.ts", 'import { z } from "zod";', /"zod" is imported only/],
    ["a bare built-in", "mail/a.ts", 'import { join } from "path";', /"path" belongs to no folder/],
    ["a root file", "app.ts", 'import pino from "pino";', /"pino" is imported only/],
    [
      "require",
      "adapters/dns/a.ts",
      'const a = createRequire(import.meta.url)("pino");',
      /cannot be checked/,
    ],
    [
      "a computed import",
      "adapters/dns/a.ts",
      "const a = await import(`./${name}.ts`);",
      /cannot be checked/,
    ],
    [
      "exec",
      "adapters/alerts/alerts.ts",
      `${DOOR}import { exec } from "node:child_process";`,
      /"exec" of node:child_process/,
    ],
    [
      "execSync among others",
      "adapters/alerts/alerts.ts",
      `${DOOR}import { spawn, execSync as run } from "node:child_process";`,
      /"execSync" of/,
    ],
    [
      "all of node:child_process",
      "adapters/alerts/alerts.ts",
      `${DOOR}import * as run from "node:child_process";`,
      /"\*" of/,
    ],
  ];
  for (const [name, path, source, expected] of bad) test(name, () => assertOne({ [path]: source }, expected));
  test("execFile, spawn and types are allowed", () => {
    const source = `${DOOR}import { execFile, type SpawnOptions, spawn } from "node:child_process";\nimport type { ChildProcess } from "node:child_process";`;
    assert.deepEqual(findings({ "adapters/alerts/alerts.ts": source }), []);
  });
});

describe("what a thread loads", () => {
  const journal = {
    "adapters/journal/journal.ts": `${DOOR}import pino from "pino";\nexport const sink = pino;\n`,
    "adapters/journal/remote.ts": "export const remote = 1;\nexport type Sink = 1;\n",
  };
  const root = (line: string) => findings({ ...journal, "threads/reader-thread.ts": line });
  test("a package of the main thread, with the way that leads to it", () => {
    const found = root('import { sink } from "../adapters/journal/journal.ts";');
    assert.equal(found.length, 1, found.join("\n"));
    assert.match(
      found[0] ?? "",
      /threads\/reader-thread.ts: loads "pino", .*: threads\/reader-thread.ts -> adapters\/journal\/journal.ts -> pino/,
    );
  });
  for (const line of [
    'import { remote } from "../adapters/journal/remote.ts";',
    'import type { Sink } from "../adapters/journal/journal.ts";',
    'import type Sink from "../adapters/journal/journal.ts";',
    'const late = () => import("../adapters/journal/journal.ts");',
  ])
    test(`nothing by ${line}`, () => assert.deepEqual(root(line), []));
  test("a type among others loads the file", () =>
    assert.equal(root('import { type Sink } from "../adapters/journal/journal.ts";').length, 1));
});

describe("names, exports, time", () => {
  test("a file that is named for nothing", () =>
    assertOne({ "mail/utils.ts": "export {};" }, /"utils" says nothing/));
  test("a folder that is named for nothing", () =>
    assertOne({ "services/queue/helpers/a.ts": "export {};" }, /"helpers" says nothing/));
  test("camel case", () => assertOne({ "mail/mailBox.ts": "export {};" }, /not kebab-case/));
  test("a default export", () => assertOne({ "mail/a.ts": "export default 1;" }, /default export/));
  test("a default export by another way", () =>
    assertOne({ "mail/a.ts": "const a = 1;\nexport { a as default };" }, /default export/));
  test("a barrel", () => assertOne({ "mail/a.ts": 'export * from "./mail.ts";' }, /barrel/));
  for (const call of ["Date.now()", "Math.random()", "new Date()", "setTimeout(f, 1)", "setInterval(f, 1)"]) {
    test(`${call} in a service`, () =>
      assertOne({ "services/queue/a.ts": `export const a = ${call};` }, /handed in/));
  }
  test("time in words is nothing", () =>
    assert.deepEqual(
      findings({ "mail/a.ts": '// Date.now() is not used\nexport const a = "Math.random()";' }),
      [],
    ));
});

describe("sizes", () => {
  test("a file of 301 lines", () => assertOne({ "mail/a.ts": "export {};\n".repeat(301) }, /301 lines/));
  test("a file of 300 lines", () =>
    assert.deepEqual(findings({ "mail/a.ts": "export {};\n".repeat(300) }), []));
  // 59 lines between the first and the last line of each.
  const long = "  a();\n".repeat(59);
  const shapes: Readonly<Record<string, string>> = {
    declaration: `export function big(a: string): void {\n${long}}`,
    method: `class A {\n  big(): Promise<Map<string, { a: 1 }>> {\n${long}}\n}`,
    "private generic method": `class A {\n  async #big<T>(a: T): Promise<void> {\n${long}}\n}`,
    "method that returns a function": `class A {\n  big(): () => void {\n${long}}\n}`,
    "computed method": `class A {\n  [Symbol.asyncDispose](): Promise<void> {\n${long}}\n}`,
    getter: `class A {\n  get big(): { a: string } {\n${long}}\n}`,
    arrow: `export const big = (a: string): void => {\n${long}};`,
    "arrow with its parameters on several lines": `export const big = (\n  a: string,\n): void => {\n${long.slice(14)}};`,
    "bare arrow": `export const big = a => {\n${long}};`,
    "arrow without a block": `export const big = () => ({\n${"  a: 1,\n".repeat(59)}});`,
    "function expression": `run(function () {\n${long}});`,
  };
  for (const [name, source] of Object.entries(shapes)) {
    test(`a function of 61 lines: ${name}`, () =>
      assertOne({ "mail/a.ts": source }, /function .* has 61 lines/));
  }
  test("brackets in words do not count", () => {
    const source = `function a(): void {\n  b("}", \`{\${c("}")}\`, /[{/]{/); // {\n}\n${"d();\n".repeat(70)}`;
    assert.deepEqual(
      scanFunctions(maskSource(source)).map((found) => [found.name, found.lines]),
      [["a", 3]],
    );
  });
  test("blocks, calls and types are no functions", () => {
    const source =
      "if (a) {\n}\nfor (const b of c) {\n}\nconst d = e ? f(1) : { g: 1 };\nclass H extends I(j) {\n}\ninterface K { l(): void }\n";
    assert.deepEqual(scanFunctions(maskSource(source)), []);
  });
});

test("the scanner reads what the source says, not what strings and comments say", () => {
  const source = [
    'import a, { type B, c as d } from "./a.ts";',
    '// import e from "./e.ts";',
    "const f = \"import g from './g.ts'\";",
    "const h = `${await import('./h.ts')} import('./i.ts')`;",
    "export {\n  j,\n  k,\n} from './j.ts';",
    "import './l.ts';",
    "const m = 6 / 2; import type { N } from './n.ts'; const o = 1 / 3;",
  ].join("\n");
  const found = scanImports(source, maskSource(source));
  assert.deepEqual(found.map(({ specifier, line, names }) => [specifier, line, names]).toSorted(), [
    ["./a.ts", 1, ["type B", "c", "default"]],
    ["./h.ts", 4, ["*"]],
    ["./j.ts", 5, ["j", "k"]],
    ["./l.ts", 9, []],
    ["./n.ts", 10, ["type N"]],
  ]);
});
