import assert from "node:assert/strict";
import { appendFileSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { formatProblem, loadConfig, markNow, rereadList, type Config } from "../../../src/config/config.ts";
import { tempFolder } from "../../support/temp-folder.ts";

const HEAD = 'hostname: mx2.example\nsmtp: { listen: ["127.0.0.1:2525"] }\n';

async function read(recipients: string, more = ""): Promise<ReturnType<typeof loadConfig>> {
  await using folder = await tempFolder();
  const file = join(folder.path, "holdfast.yaml");
  writeFileSync(join(folder.path, "users.txt"), "alice\n");
  writeFileSync(join(folder.path, "empty"), "\n");
  const own = recipients === "" ? "" : `, recipients: ${recipients}`;
  writeFileSync(file, `${HEAD}domains:\n  a.example: { primary: { host: m.example }${own}${more} }\n`);
  return loadConfig(file);
}

async function settingsOf(recipients: string, more = "") {
  const result = await read(recipients, more);
  assert.ok(result.ok, JSON.stringify(result));
  const [domain] = result.config.domains;
  const { callout, fetched, catchAll, unknownDuringOutage } = domain?.settings ?? {};
  return {
    recipients: domain?.recipients,
    callout,
    fetched,
    catchAll,
    unknownDuringOutage,
    warnings: result.warnings,
  };
}

async function wrong(recipients: string): Promise<string[]> {
  const result = await read(recipients);
  assert.ok(!result.ok, recipients);
  return result.problems.map((problem) => {
    const text = formatProblem(problem);
    return text.slice(text.indexOf(": ") + 2).replaceAll(new RegExp(`${tmpdir()}/[^/ ]+/`, "g"), "");
  });
}

test("callout is allowed alone or with a list, which is then not complete", async () => {
  const none = { recipients: undefined, fetched: undefined, catchAll: false, warnings: [] };
  assert.deepEqual(await settingsOf("{ callout: true }"), {
    ...none,
    callout: true,
    unknownDuringOutage: "accept",
  });
  const beside = await settingsOf("{ list: [alice], callout: true }", ", unknownDuringOutage: defer");
  assert.deepEqual(beside, { ...none, recipients: ["alice"], callout: true, unknownDuringOutage: "defer" });
  const listed = await settingsOf("{ file: users.txt, callout: false }");
  assert.deepEqual(listed, {
    ...none,
    recipients: ["alice"],
    callout: undefined,
    unknownDuringOutage: "reject",
  });
  assert.deepEqual((await settingsOf("[]", ", mode: reflector")).callout, undefined);
  const reflector = await settingsOf("", ", mode: reflector");
  assert.deepEqual(reflector, { ...none, callout: true, unknownDuringOutage: "accept" });
});

test("a fetched list gets its defaults", async () => {
  const plain = await settingsOf("{ url: https://lists.example/a }");
  assert.deepEqual(plain.fetched, { url: "https://lists.example/a", every: 600_000 });
  assert.equal(plain.unknownDuringOutage, "reject");
  const all = await settingsOf(
    "{ url: http://127.0.0.1:8080/a, every: 1h, authorizationFile: users.txt, allowEmpty: true, callout: true }",
  );
  assert.equal(all.fetched?.every, 3_600_000);
  assert.match(all.fetched?.authorizationFile ?? "", /^\/.*users\.txt$/);
  assert.equal(all.fetched?.allowEmpty, true);
  assert.equal(all.unknownDuringOutage, "accept");
  for (const host of ["localhost:8080", "[::1]:8080"]) {
    const here = await settingsOf(`{ url: "http://${host}/a" }`);
    assert.equal(here.fetched?.url, `http://${host}/a`);
  }
});

test("each mistake in recipients has its own message", async () => {
  const url = "domains.a.example.recipients.url";
  const here = "domains.a.example.recipients";
  const secret = "contains a user name or a password; write authorizationFile or authorizationEnv instead";
  const right = "write an https address such as https://directory.example.com/recipients";
  const cases: Record<string, string> = {
    "{ url: lists.example }": `${url}: is not a URL; ${right}`,
    "{ url: ftp://lists.example/ }": `${url}: "ftp:" is not https; ${right}`,
    "{ url: http://lists.example/ }": `${url}: is not encrypted; write https; http is allowed to this machine only`,
    "{ url: http://127.evil.example/ }": `${url}: is not encrypted; write https; http is allowed to this machine only`,
    "{ url: https://u:p@lists.example/ }": `${url}: ${secret}`,
    "{ url: https://u@lists.example/ }": `${url}: ${secret}`,
    '{ url: "https://:p@lists.example/" }': `${url}: ${secret}`,
    "{ url: https://x.example/, every: 1s }": `${here}.every: "1s" is too small; write a duration from 10s to 7d, such as 90s, 5m or 12h`,
    "{ url: https://x.example/, file: users.txt }": `${here}: has both file and url; keep one`,
    "{ list: [a], file: users.txt }": `${here}: has both list and file; keep one`,
    "{ list: [a], every: 1h }": `${here}: has every without url; add url, or remove it`,
    "{ url: https://x.example/, authorizationEnv: HOLDFAST_NOT_SET }": `${here}.authorizationEnv: "HOLDFAST_NOT_SET" is not set in the environment; set it for the daemon, or use authorizationFile`,
    "{ url: https://x.example/, authorizationFile: none }": `${here}.authorizationFile: none does not exist; check the path`,
    "{ url: https://x.example/, authorizationFile: empty }": `${here}.authorizationFile: empty has an empty first line; write the Authorization field there`,
    "{ url: https://x.example/, authorizationFile: users.txt, authorizationEnv: X }": `${here}: has both authorizationFile and authorizationEnv; keep one`,
    "{ list: [alice, a b], callout: true }": `${here}.list[1]: "a b" is not a local part; write a local part such as alice, an address of the domain, or a prefix such as "list-*"`,
    "{ callout: maybe }": `${here}.callout: "maybe" is neither true nor false; write true or false`,
    "{ callouts: true }": `${here}.callouts: is not a known key; did you mean callout?`,
  };
  for (const [recipients, expected] of Object.entries(cases)) {
    const [first, ...others] = await wrong(recipients);
    assert.equal(first?.replace(/^\d+:\d+: /, ""), expected, recipients);
    assert.deepEqual(others, []);
  }
  const [both] = await wrong("{ callout: true, catchAll: true }");
  assert.match(both ?? "", /has both callout and catchAll; write a list such as/);
  assert.match((await wrong("{ callout: false }"))[0] ?? "", /has no list, file, url, callout or catchAll/);
});

test("a recipient file that is read again yields its present content, or its faults with their lines", async () => {
  await using folder = await tempFolder();
  const [file, list] = [join(folder.path, "holdfast.yaml"), join(folder.path, "users.txt")];
  writeFileSync(list, "alice\n");
  writeFileSync(
    file,
    `${HEAD}domains: { a.example: { primary: { host: m.example }, recipients: { file: users.txt } } }\n`,
  );
  const result = loadConfig(file);
  assert.ok(result.ok);
  const [domain] = result.config.domains as [Config["domains"][number]];
  assert.equal(domain.recipientsFile?.path, list);
  appendFileSync(list, "bob\n");
  const longer = rereadList(domain);
  assert.ok("recipients" in longer);
  assert.deepEqual(longer.recipients, ["alice", "bob"]);
  assert.ok(domain.recipientsFile !== undefined);
  assert.equal(longer.recipientsFile?.mark, (await markNow(domain.recipientsFile)).mark);
  assert.notEqual(longer.recipientsFile?.mark, domain.recipientsFile.mark);
  appendFileSync(list, "a b\n");
  const again = rereadList(domain);
  assert.ok("problems" in again && again.problems[0] !== undefined);
  assert.match(formatProblem(again.problems[0]), /users\.txt:3:1: .*"a b" is not a local part/);
  rmSync(list);
  const gone = rereadList(domain);
  assert.ok("problems" in gone && gone.problems[0] !== undefined);
  assert.match(formatProblem(gone.problems[0]), /does not exist/);
});

test("a recipient file that has not changed since it was loaded is not read again", async () => {
  await using folder = await tempFolder();
  const [file, list] = [join(folder.path, "holdfast.yaml"), join(folder.path, "users.txt")];
  writeFileSync(list, "alice\n");
  const write = (name: string, more = ""): void =>
    writeFileSync(
      file,
      `${HEAD}domains: { ${name}: { primary: { host: m.example }, recipients: { file: users.txt }${more} } }\n`,
    );
  const load = (before?: Config): Config => {
    const result = loadConfig(file, before);
    assert.ok(result.ok, JSON.stringify(result));
    return result.config;
  };
  write("a.example");
  const first = load();
  write("a.example", ", tagSeparator: none");
  const second = load(first);
  assert.equal(second.domains[0]?.recipients, first.domains[0]?.recipients);
  assert.equal(second.domains[0]?.settings.tagSeparator, "", "all else is as it is written now");
  write("b.example");
  assert.notEqual(load(second).domains[0]?.recipients, first.domains[0]?.recipients, "another domain");
  write("a.example");
  appendFileSync(list, "bob\n");
  assert.deepEqual(load(second).domains[0]?.recipients, ["alice", "bob"]);
});

test("a recipient file is read again if only its time, or only its inode, has changed", async () => {
  await using folder = await tempFolder();
  const [file, list, other] = ["holdfast.yaml", "users.txt", "new.txt"].map((name) =>
    join(folder.path, name),
  ) as [string, string, string];
  const write = (path: string, text: string, time: number): void => {
    writeFileSync(path, text);
    utimesSync(path, time, time);
  };
  const load = (before?: Config): Config => {
    const result = loadConfig(file, before);
    assert.ok(result.ok, JSON.stringify(result));
    return result.config;
  };
  const domain = "a.example: { primary: { host: m.example }, recipients: { file: users.txt } }";
  writeFileSync(file, `${HEAD}domains: { ${domain} }\n`);
  write(list, "alice\n", 1000);
  const first = load();
  write(list, "carol\n", 1001);
  const second = load(first);
  assert.deepEqual(second.domains[0]?.recipients, ["carol"]);
  write(other, "david\n", 1001);
  renameSync(other, list);
  assert.deepEqual(load(second).domains[0]?.recipients, ["david"]);
});

test("a recipient file whose path cannot be resolved is reported at its key", async () => {
  await using folder = await tempFolder();
  const file = join(folder.path, "holdfast.yaml");
  symlinkSync("loop.txt", join(folder.path, "loop.txt"));
  for (const name of ["loop.txt", "x".repeat(300)]) {
    writeFileSync(
      file,
      `${HEAD}domains: { a.example: { primary: { host: m.example }, recipients: { file: ${name} } } }\n`,
    );
    const result = loadConfig(file);
    assert.ok(!result.ok);
    assert.match(
      result.problems.map(formatProblem).join(""),
      /:3:\d+: .*recipients.* cannot be read \((ELOOP|ENAMETOOLONG)\)/,
    );
  }
});
