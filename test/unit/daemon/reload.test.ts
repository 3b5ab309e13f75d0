import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { JournalSink } from "../../../src/adapters/journal/journal.ts";
import { formatProblem, loadConfig, type Config } from "../../../src/config/config.ts";
import type { DeclareResult, DirectoryWriter } from "../../../src/ports/directory.ts";
import { reload } from "../../../src/daemon/reload.ts";
import { systemClock } from "../../../src/runtime/clock.ts";
import { DirectoryEditor } from "../../../src/services/directory/directory.ts";
import { FakeDirectory } from "../../support/fake-directory.ts";
import { MemoryJournal } from "../../support/memory-journal.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { waitFor } from "../../support/wait.ts";
import { HEAD } from "../config/sample.ts";

function configAt(file: string): Config {
  const loaded = loadConfig(file);
  if (!loaded.ok) throw new Error(loaded.problems.map(formatProblem).join("\n"));
  return loaded.config;
}

/** An editor of a directory whose every change yields `result`. */
function editorThat(result: DeclareResult): DirectoryEditor {
  const writer: Partial<DirectoryWriter> = { declare: async () => result };
  return new DirectoryEditor(writer as DirectoryWriter, new FakeDirectory());
}

const QUIET: DeclareResult = { generation: 3, added: [], changed: [], draining: [], removed: [] };

test("a reload reopens the log even if the configuration has a mistake", async () => {
  await using folder = await tempFolder();
  const [file, log] = ["holdfast.yaml", "holdfast.log"].map((name) => join(folder.path, name)) as [
    string,
    string,
  ];
  await writeFile(file, HEAD);
  const config = configAt(file);
  const sink = new JournalSink({ file: log, level: "info", clock: systemClock() });
  const parts = { editor: editorThat(QUIET), followers: [], sink, putInForce: () => {} };
  for (const text of [HEAD, `${HEAD}nonsense: 1\n`]) {
    sink.log.info("before");
    await rename(log, `${log}.1`);
    await writeFile(file, text);
    await reload(config, parts);
    await waitFor({ what: "a new log", deadline: 5000 }, () => existsSync(log));
  }
  sink.log.info("after");
  await sink.stop();
  assert.match(await readFile(log, "utf8"), /"event":"after"/);
  assert.match(await readFile(`${log}.1`, "utf8"), /"event":"before"/);
});

test("a reload reports the domains that were added, are draining and were removed", async () => {
  await using folder = await tempFolder();
  const file = join(folder.path, "holdfast.yaml");
  await writeFile(file, HEAD);
  const sink = new JournalSink({
    file: join(folder.path, "holdfast.log"),
    level: "info",
    clock: systemClock(),
  });
  const moved = { added: ["new.example"], changed: [], draining: ["full.example"], removed: ["old.example"] };
  const editor = editorThat({ generation: 4, ...moved });
  const result = await reload(configAt(file), { editor, followers: [], sink, putInForce: () => {} });
  await sink.stop();
  assert.partialDeepStrictEqual(result, { ok: true, generation: 4, restart: [], domains: moved });
  assert.match(await readFile(join(folder.path, "holdfast.log"), "utf8"), /"removed":\["old\.example"\]/);
});

test("a reload reports and logs the warnings of the configuration", async () => {
  await using folder = await tempFolder();
  const [file, log] = [join(folder.path, "holdfast.yaml"), join(folder.path, "holdfast.log")];
  await writeFile(file, HEAD);
  const config = configAt(file);
  await writeFile(file, `${HEAD}domains: { a.example: { primary: { host: m.example }, recipients: [] } }\n`);
  const sink = new JournalSink({ file: log, level: "info", clock: systemClock() });
  const parts = { editor: editorThat(QUIET), followers: [], sink, putInForce: () => {} };
  const result = await reload(config, parts);
  await sink.stop();
  assert.equal(result.ok, true);
  assert.match(
    result.warnings?.join() ?? "",
    /domains\.a\.example\.recipients: the list is empty: every address/,
  );
  assert.match(await readFile(log, "utf8"), /"level":"warn".*"warnings":\["[^"]*the list is empty/);
});

interface Failing {
  readonly check?: string;
  readonly declare?: string;
  readonly use?: string;
  /** Text in the file after the new domain. */
  readonly mistake?: string;
}

/** Reloads a file to which a.example was added; the named steps fail with these messages. */
async function reloadWith(failing: Failing) {
  await using folder = await tempFolder();
  const file = join(folder.path, "holdfast.yaml");
  await writeFile(file, HEAD);
  const config = configAt(file);
  const domains = "domains: { a.example: { primary: { host: m.example }, recipients: [a] } }\n";
  await writeFile(file, HEAD + domains + (failing.mistake ?? ""));
  const act = async (what: keyof Failing): Promise<void> => {
    if (failing[what] !== undefined) throw new Error(failing[what]);
  };
  const steps: string[] = [];
  const domainsOf = ({ domains }: Config): string => domains.map(({ name }) => name).join();
  const failingFollower = { check: () => act("check"), use: () => act("use") };
  const sound = {
    check: async () => {},
    use: async (config: Config) => void steps.push(`used ${domainsOf(config)}`),
  };
  const writer: Partial<DirectoryWriter> = { declare: () => act("declare").then(() => QUIET) };
  const journal = new MemoryJournal();
  const editor = new DirectoryEditor(writer as DirectoryWriter, new FakeDirectory());
  editor.onChange(() => steps.push("directory"));
  const result = await reload(config, {
    editor,
    followers: [sound, failingFollower, sound],
    sink: { reopen: () => {}, record: (event) => journal.record(event) },
    putInForce: (config) => void steps.push(`in force ${domainsOf(config)}`),
  });
  return { result, steps, journal, told: (why: string) => [`${file}: ${why}`] };
}

for (const step of ["check", "declare"] as const)
  test(`a reload whose ${step} fails before the directory has switched changes nothing`, async () => {
    const { result, steps, journal, told } = await reloadWith({ [step]: "no such key" });
    assert.deepEqual(result, { ok: false, problems: told("no such key") });
    assert.deepEqual(steps, []);
    assert.deepEqual(journal.events, [{ kind: "config.refused", errors: told("no such key") }]);
  });

test("a reload with a mistake in the file is reported and recorded, and changes nothing", async () => {
  const { result, steps, journal } = await reloadWith({ mistake: "nonsense: 1\n" });
  assert.equal(result.ok, false);
  assert.match(result.problems?.join() ?? "", /nonsense/);
  assert.deepEqual(steps, []);
  assert.deepEqual(journal.events, [{ kind: "config.refused", errors: result.problems }]);
});

test("a failure after the directory has switched causes a warning, and the new configuration is in force", async () => {
  const { result, steps, journal, told } = await reloadWith({ use: "tls.crt: no such file" });
  const warnings = told("not all of it is in effect: tls.crt: no such file");
  assert.partialDeepStrictEqual(result, { ok: true, generation: 3, warnings });
  assert.deepEqual(steps, ["directory", "in force a.example", "used a.example", "used a.example"]);
  assert.partialDeepStrictEqual(journal.events, [{ kind: "config.reloaded", warnings }]);
});

test("a changed setting that needs a restart is named, and its previous value stays in force", async () => {
  await using folder = await tempFolder();
  const file = join(folder.path, "holdfast.yaml");
  await writeFile(file, HEAD);
  const config = configAt(file);
  await writeFile(file, HEAD.replace(config.hostname, "other.example.net"));
  const inForce: string[] = [];
  const journal = new MemoryJournal();
  const result = await reload(config, {
    editor: editorThat(QUIET),
    followers: [{ use: async ({ hostname }) => void inForce.push(hostname) }],
    sink: { reopen: () => {}, record: (event) => journal.record(event) },
    putInForce: ({ hostname }) => void inForce.push(hostname),
  });
  assert.deepEqual([result.restart, inForce], [["hostname"], [config.hostname, config.hostname]]);
  assert.partialDeepStrictEqual(journal.events, [{ kind: "config.reloaded", restart: ["hostname"] }]);
});
