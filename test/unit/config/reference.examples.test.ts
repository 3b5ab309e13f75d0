/** Each example in docs/configuration.md is read without a mistake, and each default, written out, changes nothing. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parse, stringify } from "yaml";
import { formatProblem, referencePage } from "../../../src/config/config.ts";
import { load } from "./sample.ts";

interface Mapping {
  [key: string]: unknown;
}

const PAIR = { certificate: "fullchain.pem", key: "privkey.pem" };

/** What a domain may override. */
const CHECKS = {
  dnsbl: { lists: [{ zone: "zen.example" }] },
  clamav: { servers: ["127.0.0.1:3310"] },
  rspamd: { servers: ["127.0.0.1:11333"] },
};

/** Keys that a mapping needs before one of its other keys can be tested. */
const NEEDS: readonly (readonly [RegExp, Mapping])[] = [
  [/^smtp\.listen\[\]$/, { address: "127.0.0.1:2525" }],
  [/^smtp\.tls$/, PAIR],
  [/^notices\.route$/, { host: "smarthost.example.net" }],
  [/\.login$/, { user: "holdfast", passwordFile: "primary.secret" }],
  [/^checks\.access\[\]$/, { action: "block", sender: "@junk.example" }],
  [/checks\.dnsbl$/, { lists: [{ zone: "zen.example" }] }],
  [/checks\.dnsbl\.lists\[\]$/, { zone: "zen.example" }],
  [/checks\.(?:clamav|rspamd)$/, { servers: ["127.0.0.1:3310"] }],
  [/\.primary$/, { host: "192.0.2.1" }],
  [/\.recipients$/, { url: "https://directory.example.net/list" }],
];

/** Returns a configuration with this key; if `value` is undefined, the same configuration without it. */
function configured(key: string, value: unknown): string {
  const domain = { primary: { host: "192.0.2.1" }, recipients: ["alice"] };
  const root: Mapping = {
    hostname: "mx2.example.net",
    smtp: { listen: ["127.0.0.1:2525"], ...(key === "smtp.listen[].tls" && { tls: PAIR }) },
    ...(key.startsWith("domains.<domain>.checks") && { checks: CHECKS }),
    domains: { "example.net": { ...domain }, "example.com": domain },
  };
  const steps = key.replace("<domain>", "example#com").split(".");
  let place: Mapping = root;
  for (const [at, step] of steps.slice(0, -1).entries()) {
    const path = steps.slice(0, at + 1).join(".");
    const [, needed = {}] = NEEDS.find(([pattern]) => pattern.test(path)) ?? [];
    place = enter(place, step.replace("#", "."), needed);
  }
  if (value !== undefined) put(place, steps.at(-1) ?? "", value);
  return stringify(root);
}

/** Returns the mapping below a key, with the keys that it needs. */
function enter(place: Mapping, step: string, needed: Mapping): Mapping {
  const name = step.replace("[]", "");
  const known = place[name];
  const isMapping = typeof known === "object" && known !== null && !Array.isArray(known);
  const inside: Mapping = { ...(isMapping ? (known as Mapping) : {}), ...needed };
  put(place, name, step.endsWith("[]") ? [inside] : inside);
  return inside;
}

/** Sets a key; removes the keys that it excludes, and adds those that it requires. */
function put(place: Mapping, name: string, value: unknown): void {
  if (name === "mx" && value === true) delete place["host"];
  if (name === "passwordEnv") delete place["passwordFile"];
  if (name === "pin") place["tls"] = "pin";
  if (name === "login") place["tls"] = "verify";
  if (["list", "file", "callout", "catchAll"].includes(name)) delete place["url"];
  place[name] = value;
}

/** Returns the configuration, or its problems. An empty list counts as none. */
async function configOf(text: string): Promise<object | readonly string[]> {
  const result = await load(text);
  if (!result.ok)
    return result.problems
      .map(formatProblem)
      .filter((line) => !line.endsWith(" does not exist; check the path"));
  return JSON.parse(
    JSON.stringify(result.config, (_, value) =>
      Array.isArray(value) && value.length === 0 ? undefined : value,
    ),
  );
}

const ROWS = referencePage()
  .split("\n")
  .filter((line) => line.startsWith("| `"))
  .map((line) => line.slice(2, -2).split(" | "));

test("each example is read without a mistake", async (t) => {
  for (const name of ["PRIMARY_PASSWORD", "DIRECTORY_AUTHORIZATION"]) {
    process.env[name] = "x";
    t.after(() => delete process.env[name]);
  }
  for (const [cell = "", , , , example = ""] of ROWS) {
    const [, key = ""] = /^`([^`]+)`/.exec(cell) ?? [];
    const [, text] = /^`(.*)`$/.exec(example) ?? [];
    if (text === undefined) continue;
    const outcome = await configOf(configured(key, parse(text)));
    assert.ok(!Array.isArray(outcome) || outcome.length === 0, `${key}: ${text}\n${String(outcome)}`);
  }
});

/** Defaults that are applied where they are used, are another key's value, or name no source of recipients. */
const ELSEWHERE =
  /\.primary\.(?:identity|pipelining|chunking|weight|connections|mailsPerConnection)$|\.(?:allowEmpty|catchAll)$/;

test("each default, written out, changes nothing", async () => {
  let compared = 0;
  for (const [cell = "", , initial = ""] of ROWS) {
    const [, key = ""] = /^`([^`]+)`/.exec(cell) ?? [];
    const [, text] = /^`([^`]*)`$/.exec(initial) ?? [];
    if (text === undefined || ELSEWHERE.test(key)) continue;
    const without = await configOf(configured(key, undefined));
    assert.deepEqual(await configOf(configured(key, parse(text))), without, `${key}: ${text}`);
    compared++;
  }
  assert.ok(compared > 80, `${compared} defaults`);
});
