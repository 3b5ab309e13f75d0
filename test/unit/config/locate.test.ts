import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { adminSocket, configPath } from "../../../src/config/config.ts";
import { tempFolder } from "../../support/temp-folder.ts";

test("the flag takes precedence over the environment, and the environment over the default", () => {
  assert.equal(configPath("a.yaml", { HOLDFAST_CONFIG: "/b.yaml" }), resolve("a.yaml"));
  assert.equal(configPath(undefined, { HOLDFAST_CONFIG: "/b.yaml" }), "/b.yaml");
  assert.equal(configPath(undefined, { HOLDFAST_CONFIG: "" }), resolve("config/holdfast.yaml"));
  assert.equal(configPath(undefined, {}), resolve("config/holdfast.yaml"));
});

test("the socket is found in a configuration with mistakes", async () => {
  const cases: readonly (readonly [string, string | undefined])[] = [
    ["", resolve("data/admin.sock")],
    ["hostname: [\n", resolve("data/admin.sock")],
    ["storage: sqlite:/var/q\n", "/var/q/admin.sock"],
    ["stroage: x\nstorage: sqlite:./q\nsmtp: nonsense\n", resolve("q/admin.sock")],
    ["storage: sqlite:/var/q\nadmin: { socket: /run/h.sock }\nlog: loud\n", "/run/h.sock"],
    ["storage: sqlite:/var/q\nadmin: {}\na: [*, ]\nb:\n\tc: 1\n", "/var/q/admin.sock"],
    ["a: &x { socket: /run/h.sock }\nadmin: *x\n", "/run/h.sock"],
    ['a: "\nstorage: "sqlite:/var/q" # here\n', "/var/q/admin.sock"],
    ["domains:\n  a.example: [\nstorage: sqlite:/var/q\n", "/var/q/admin.sock"],
    ["domains: # ours\n  a.example: {}\n# x\n\nstorage: sqlite:/var/q", "/var/q/admin.sock"],
    ["storage: sqlite:/var/q\r\ndomains:\r\n  a.example: {}\r\n\r\n# x\r\n", "/var/q/admin.sock"],
    [
      "domains:\n  a.example:\n    admin: { socket: /a.sock }\nadmin:\n  socket: /run/h.sock\n",
      "/run/h.sock",
    ],
    ['{"storage": "sqlite:/var/q", "domains": {"a.example": {"storage": "x"}}}', "/var/q/admin.sock"],
    ['{\n  "admin": { "socket": "/run/h.sock" },\n  "storage": "sqlite:/var/q" }\n', "/run/h.sock"],
    ['{"admin": [], "storage": 5}', undefined],
    ['{"hostname": "x"}', resolve("data/admin.sock")],
    ['{"storage": "sqlite:/var/q", }', "/var/q/admin.sock"],
    ["storage: postgres://db/mail\n", undefined],
    ["storage: postgres://db/mail\nadmin: { socket: run/h.sock }\n", resolve("run/h.sock")],
  ];
  await using folder = await tempFolder();
  const file = join(folder.path, "holdfast.yaml");
  for (const [text, socket] of cases) {
    await writeFile(file, text);
    assert.equal(adminSocket(file), socket, text);
  }
  assert.equal(adminSocket(join(folder.path, "none.yaml")), undefined);
});

test("the socket is found at once in JSON with thousands of domains", async () => {
  await using folder = await tempFolder();
  const file = join(folder.path, "holdfast.json");
  const recipients = Array.from({ length: 20 }, (_, i) => `user${i}`);
  const domains = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`d${i}.test`, { recipients }]));
  await writeFile(file, JSON.stringify({ domains, storage: "sqlite:/var/q" }, undefined, 1));
  const begun = process.cpuUsage();
  assert.equal(adminSocket(file), "/var/q/admin.sock");
  const { user } = process.cpuUsage(begun);
  assert.ok(user < 250_000, `${user / 1000} ms`);
});
