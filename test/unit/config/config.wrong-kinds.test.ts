/** A value of the wrong kind is reported with its place in the file; it never causes an exception. */
import assert from "node:assert/strict";
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { tempFolder } from "../../support/temp-folder.ts";
import { DOMAIN, HEAD, linesOf } from "./sample.ts";

const EMPTY = "domains: {}\n";

test("a mapping in place of a list or a text is reported", async () => {
  for (const [text, line] of [
    [
      HEAD.replace('["127.0.0.1:2525"]', '{ address: "127.0.0.1:2525" }'),
      'holdfast.yaml:2:17: smtp.listen: is a mapping; write a list such as ["0.0.0.0:25", "[::]:25"]',
    ],
    [
      `${HEAD}admin: { socket: { path: /run/holdfast/admin.sock } }\n`,
      "holdfast.yaml:3:18: admin.socket: is a mapping; write the path of a Unix socket, such as /run/holdfast/admin.sock",
    ],
  ] as const)
    assert.deepEqual(await linesOf(text + EMPTY), [line]);
});

test("a log file or a socket below a folder that cannot be looked at causes a warning", async () => {
  await using folder = await tempFolder();
  const circle = join(folder.path, "circle");
  await symlink(circle, circle);
  for (const [place, key, directive] of [
    [join(circle, "x.log"), "log.file", "LogsDirectory"],
    [join("/tmp", "a".repeat(300), "x.log"), "log.file", "LogsDirectory"],
    [join(circle, "x.sock"), "admin.socket", "RuntimeDirectory"],
  ] as const) {
    const [section, name] = key.split(".");
    const [line] = await linesOf(`${HEAD}${section}: { ${name}: ${place} }\ndomains:\n${DOMAIN}`);
    assert.match(
      line ?? "nothing",
      new RegExp(`${key}: .* is not a folder, .*unless systemd does so \\(${directive}\\)`),
    );
  }
});

test("a list or a mapping instead of a key is reported with the likely cause", async () => {
  const warned: string[] = [];
  const listener = (warning: Error): void => void warned.push(warning.message);
  process.on("warning", listener);
  try {
    const right = "write a key as one word; put IPv6 addresses in quotes";
    for (const [text, place, key] of [
      [HEAD.replace('"127.0.0.1:2525"', "[::]:25"), "2:18", "smtp.listen[0]"],
      [`${HEAD}? { a: b }\n: c\n`, "3:3", ""],
      [`${HEAD}dns:\n  [a, b]: c\n`, "4:3", "dns"],
    ] as const) {
      const [line, ...more] = await linesOf(text);
      const named = key === "" ? "" : `${key}: `;
      assert.equal(line, `holdfast.yaml:${place}: ${named}a list or a mapping instead of a key; ${right}`);
      assert.deepEqual(more, []);
    }
    // Node.js emits a warning in the next turn.
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(warned, []);
  } finally {
    process.off("warning", listener);
  }
});

test("a storage folder with control characters or a leading blank is refused", async () => {
  for (const [folder, wrong] of [
    ["sqlite:/var/a\\0b", "contains control characters"],
    ["sqlite: /var/lib/holdfast", "a space before the folder"],
  ] as const) {
    const [line = ""] = await linesOf(`${HEAD}storage: "${folder}"\ndomains:\n${DOMAIN}`);
    assert.ok(line.startsWith(`holdfast.yaml:3:10: storage: ${wrong}; `), line);
  }
});
