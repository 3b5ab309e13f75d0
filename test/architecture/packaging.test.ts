/** What can be said of the Dockerfile, the unit and the compose file without Docker or systemd. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { tempFolder } from "../support/temp-folder.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const read = (file: string) => readFileSync(join(ROOT, file), "utf8");

interface Instruction {
  readonly name: string;
  readonly rest: string;
}

/** Comments gone, continued lines joined. */
function instructions(): readonly Instruction[] {
  const lines = read("Dockerfile").split("\n");
  const text = lines.filter((line) => !line.startsWith("#")).join("\n");
  return text
    .replaceAll(/\\\n\s*/g, "")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => ({ name: line.split(" ", 1)[0] ?? "", rest: line.slice(line.indexOf(" ") + 1) }));
}

/** Those of the image that runs. */
function lastStage(): readonly Instruction[] {
  const all = instructions();
  return all.slice(all.findLastIndex(({ name }) => name === "FROM"));
}

function only(name: string): string {
  const found = lastStage().filter((instruction) => instruction.name === name);
  assert.equal(found.length, 1, `${name} stands ${found.length} times`);
  return found[0]?.rest ?? "";
}

/** The value of a variable that the image sets. */
function environment(name: string): string {
  const set = only("ENV")
    .split(" ")
    .map((variable) => variable.split("="));
  return set.find(([key]) => key === name)?.[1] ?? "";
}

test("the image copies what exists and what the context holds", () => {
  const kept = read(".dockerignore").split("\n");
  assert.ok(kept.includes("*"));
  const copies = instructions().filter(({ name, rest }) => name === "COPY" && !rest.startsWith("--from"));
  assert.ok(copies.length > 0);
  for (const { rest } of copies) {
    for (const source of rest.split(" ").slice(0, -1)) {
      const name = source.replace(/\*$/, "");
      assert.ok(source.endsWith("*") || existsSync(join(ROOT, name)), `${name} does not exist`);
      assert.ok(kept.includes(`!${name}`), `${name} is left out by .dockerignore`);
    }
  }
});

test("the image runs Node as package.json asks for, without development packages", () => {
  const images = instructions().filter(({ name }) => name === "FROM");
  const { engines } = JSON.parse(read("package.json"));
  const major = /\d+/.exec(engines.node)?.[0];
  for (const { rest } of images) assert.match(rest, new RegExp(`^node:${major}-slim( AS \\w+)?$`));
  const installs = instructions().filter(({ rest }) => rest.includes("npm "));
  assert.deepEqual(
    installs.map(({ rest }) => rest),
    ["npm ci --omit=dev --no-audit --no-fund"],
  );
});

test("the image starts the daemon as a user of its own, with its mail in a volume", () => {
  const stage = lastStage();
  const start = JSON.parse(only("CMD"));
  assert.deepEqual(start, ["node", "src/holdfast.js", "serve", "--config", "/config/holdfast.yaml"]);
  assert.ok(existsSync(join(ROOT, String(start[1]))));
  assert.equal(only("USER"), "holdfast");
  assert.equal(only("VOLUME"), "/data");
  assert.equal(only("STOPSIGNAL"), "SIGTERM");
  assert.equal(
    stage.some(({ name }) => name === "ENTRYPOINT"),
    false,
  );
  const made = stage.findIndex(({ rest }) => rest.includes("install -d -o holdfast"));
  const volume = stage.findIndex(({ name }) => name === "VOLUME");
  assert.ok(made !== -1 && made < volume, "the folder must have its owner before it is a volume");
  assert.ok(stage[made]?.rest.includes("ln -s /data /app/data"), "./data must be the volume");
});

test("the image is built without asking for more than its base", () => {
  assert.doesNotMatch(
    read("Dockerfile"),
    /^#\s*syntax=/m,
    "what reads the file would have to be fetched first",
  );
});

test("the tool in the image finds the daemon", () => {
  const start = JSON.parse(only("CMD"));
  assert.equal(environment("HOLDFAST_CONFIG"), start.at(-1));
  const link = `ln -s /app/${start[1]} /usr/local/bin/holdfast`;
  assert.ok(lastStage().some(({ name, rest }) => name === "RUN" && rest.includes(link)));
});

async function health(socket: string): Promise<unknown> {
  const rest = only("HEALTHCHECK");
  const [command = "", ...args] = JSON.parse(rest.slice(rest.indexOf("CMD ") + 4)) as string[];
  assert.equal(command, "node");
  const child = spawn(process.execPath, args, { env: { HOLDFAST_SOCKET: socket }, stdio: "ignore" });
  const [code] = await once(child, "exit");
  return code;
}

test("the health check asks the daemon over its socket", async () => {
  await using folder = await tempFolder();
  const socket = join(folder.path, "admin.sock");
  let status = 200;
  const server = createServer((request, response) => {
    response.statusCode = request.url === "/healthz" ? status : 404;
    response.end();
  });
  await once(server.listen(socket), "listening");
  try {
    assert.equal(await health(socket), 0);
    status = 503;
    assert.equal(await health(socket), 1);
  } finally {
    server.close();
  }
  assert.equal(await health(join(folder.path, "none.sock")), 1);
});

test("the unit starts, reloads and stops as the daemon needs", () => {
  const lines = read("config/holdfast.service").split("\n");
  const settings = new Map(
    lines
      .filter((line) => /^\w+=/.test(line))
      .map((line) => [line.split("=", 1)[0], line.replace(/^\w+=/, "")]),
  );
  const expected = {
    ExecStart: "/usr/bin/node /opt/holdfast/src/holdfast.js serve --config /etc/holdfast/holdfast.yaml",
    ExecReload: "/usr/bin/node /opt/holdfast/src/holdfast.js reload --config /etc/holdfast/holdfast.yaml",
    // The daemon tells it by a child, after as long as mending the database takes.
    Type: "notify",
    NotifyAccess: "all",
    TimeoutStartSec: "infinity",
    Restart: "always",
    StartLimitIntervalSec: "0",
    TimeoutStopSec: "70",
    User: "holdfast",
    StateDirectory: "holdfast",
    WorkingDirectory: "/var/lib/holdfast",
    LogsDirectory: "holdfast",
    RuntimeDirectory: "holdfast",
    AmbientCapabilities: "CAP_NET_BIND_SERVICE",
    CapabilityBoundingSet: "CAP_NET_BIND_SERVICE",
    NoNewPrivileges: "yes",
    ProtectSystem: "strict",
    UMask: "0077",
  };
  for (const [key, value] of Object.entries(expected)) assert.equal(settings.get(key), value, key);
  assert.equal(settings.has("MemoryDenyWriteExecute"), false, "Node.js compiles while it runs");
});

test("the compose file keeps the client's address, the mail and the time to stop", () => {
  const { name, services, volumes } = parse(read("config/compose.yaml"));
  const { holdfast } = services;
  assert.equal(holdfast.network_mode, "host");
  assert.equal(holdfast.ports, undefined);
  assert.equal(holdfast.stop_grace_period, "70s");
  assert.ok(holdfast.volumes.includes("mail:/data"));
  assert.deepEqual(Object.keys(volumes), ["mail", "cache"]);
  assert.equal(name, "holdfast", "else it is named as its folder, as others are");
  assert.equal(holdfast.init, true, "process 1 would not be ended by a signal while it starts");
  assert.ok(holdfast.read_only);
  assert.ok(
    holdfast.volumes.includes(`cache:${environment("CACHE_DIRECTORY")}`),
    "read-only, it would stay empty",
  );
  assert.deepEqual(holdfast.cap_add, ["NET_BIND_SERVICE"]);
  assert.equal(holdfast.security_opt, undefined, "no-new-privileges would take port 25 away");
});
