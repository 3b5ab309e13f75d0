import assert from "node:assert/strict";
import { test } from "node:test";
import { HEAD, linesOf } from "./sample.ts";

/** Returns the problems of general checks and one domain's checks together, without place and path. */
async function faults(all: string, own: string, mode = "backup"): Promise<string[]> {
  const checks = all === "" ? "" : `checks: { ${all} }\n`;
  const domain = `{ mode: ${mode}, primary: { host: m.example }, recipients: [x], checks: { ${own} } }`;
  const lines = await linesOf(`${HEAD}${checks}domains:\n  a.example: ${domain}\n`);
  return lines.map((line) => line.replace(/^holdfast\.yaml:\d+:\d+: domains\.a\.example\.checks\./, ""));
}

test("a domain's dnsbl without lists needs lists in checks.dnsbl", async () => {
  const none = ["dnsbl: has no lists; add lists here or in checks.dnsbl"];
  for (const [all, own, wanted] of [
    ["dnsbl: { lists: [{ zone: a.b }] }", "dnsbl: { defer: 2 }", []],
    ["dnsbl: off", "dnsbl: { defer: 2 }", none],
    ["", "dnsbl: { defer: 2 }", none],
    ["", "dnsbl: { lists: [{ zone: a.b }] }", []],
    ["dnsbl: off", "dnsbl: off", []],
    ["", "helo: tag", []],
  ] as const)
    assert.deepEqual(await faults(all, own), wanted, `${all} ${own}`);
});

test("a domain's scanner without servers needs servers of the same scanner in checks", async () => {
  const none = (scanner: string) => [`${scanner}: has no servers; add servers here or in checks.${scanner}`];
  const rspamd = 'rspamd: { servers: ["127.0.0.1:11333"] }';
  for (const [all, own, wanted] of [
    ["clamav: { servers: [/a] }", "clamav: { found: tag }", []],
    [rspamd, "clamav: { found: tag }", none("clamav")],
    [rspamd, "rspamd: { softReject: tag }", []],
    ["clamav: off", "clamav: { found: tag }", none("clamav")],
    ["rspamd: off", "rspamd: { softReject: tag }", none("rspamd")],
    ["", "clamav: { servers: [/a] }", []],
    ["", "clamav: off, rspamd: off", []],
    ["", "clamav: { found: tag }, rspamd: { softReject: tag }", [...none("clamav"), ...none("rspamd")]],
  ] as const)
    assert.deepEqual(await faults(all, own), wanted, `${all} ${own}`);
});

test("reachability may be off for a reflector and on for a backup, but not on for a reflector", async () => {
  assert.deepEqual(await faults("", "reachability: off", "reflector"), []);
  assert.deepEqual(await faults("", "helo: tag", "reflector"), []);
  assert.deepEqual(await faults("", "reachability: on"), []);
  assert.equal((await faults("", "reachability: on", "reflector")).length, 1);
});

test("stress.ends must be below stress.begins", async () => {
  const told = async (begins: number, ends: number) =>
    (
      await linesOf(`${HEAD.replace("smtp: {", `smtp: { stress: { begins: ${begins}%, ends: ${ends}% },`)}`)
    ).some((line) => line.includes("smtp.stress.ends"));
  assert.deepEqual([await told(60, 59), await told(60, 60), await told(60, 61)], [false, true, true]);
});

test("two spellings of one address are recognised as the same listener", async () => {
  const taken = async (listen: string) =>
    (await linesOf(HEAD.replace('"127.0.0.1:2525"', listen))).filter((line) =>
      line.includes("is already used by"),
    );
  assert.equal((await taken('"[::1]:26", "[0:0::1]:26"')).length, 1);
  assert.deepEqual(await taken('"[::1]:26", "[::1]:27"'), []);
});
