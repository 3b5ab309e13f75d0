import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { createJournalSink } from "../../../src/adapters/journal/journal.ts";
import { formatProblem, loadConfig, type Config } from "../../../src/config/config.ts";
import type { DeclareResult, DirectoryWriter } from "../../../src/ports/directory.ts";
import { reload } from "../../../src/daemon/reload.ts";
import { systemClock } from "../../../src/runtime/clock.ts";
import { DirectoryEditor } from "../../../src/services/directory/directory.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { waitFor } from "../../support/wait.ts";
import { HEAD } from "../config/sample.ts";

function configAt(file: string): Config {
  const loaded = loadConfig(file);
  if (!loaded.ok) throw new Error(loaded.problems.map(formatProblem).join("\n"));
  return loaded.config;
}

/** A directory in which every change does what `result` says. */
function editorThat(result: DeclareResult): DirectoryEditor {
  const writer: Partial<DirectoryWriter> = { declare: async () => result };
  return new DirectoryEditor(writer as DirectoryWriter, () => {});
}

const QUIET: DeclareResult = { generation: 3, added: [], changed: [], draining: [], removed: [] };

test("a reload opens the log anew, with a broken file too, so that logs can be rotated", async () => {
  await using folder = await tempFolder();
  const [file, log] = ["holdfast.yaml", "holdfast.log"].map((name) => join(folder.path, name)) as [
    string,
    string,
  ];
  await writeFile(file, HEAD);
  const config = configAt(file);
  const sink = createJournalSink({ file: log, level: "info", clock: systemClock() });
  const parts = { editor: editorThat(QUIET), followers: [], sink };
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

test("a reload says which domains came, changed and went", async () => {
  await using folder = await tempFolder();
  const file = join(folder.path, "holdfast.yaml");
  await writeFile(file, HEAD);
  const sink = createJournalSink({
    file: join(folder.path, "holdfast.log"),
    level: "info",
    clock: systemClock(),
  });
  const moved = { added: ["new.example"], changed: [], draining: ["full.example"], removed: ["old.example"] };
  const editor = editorThat({ generation: 4, ...moved });
  const { result } = await reload(configAt(file), { editor, followers: [], sink });
  await sink.stop();
  assert.partialDeepStrictEqual(result, { ok: true, generation: 4, restart: [], domains: moved });
  assert.match(await readFile(join(folder.path, "holdfast.log"), "utf8"), /"removed":\["old\.example"\]/);
});

test("a reload tells what is most likely not meant so", async () => {
  await using folder = await tempFolder();
  const [file, log] = [join(folder.path, "holdfast.yaml"), join(folder.path, "holdfast.log")];
  await writeFile(file, HEAD);
  const config = configAt(file);
  await writeFile(file, `${HEAD}domains: { a.example: { primary: { host: m.example }, recipients: [] } }\n`);
  const sink = createJournalSink({ file: log, level: "info", clock: systemClock() });
  const { result } = await reload(config, { editor: editorThat(QUIET), followers: [], sink });
  await sink.stop();
  assert.equal(result.ok, true);
  assert.match(
    result.warnings?.join() ?? "",
    /domains\.a\.example\.recipients: the list is empty: every address/,
  );
  assert.match(await readFile(log, "utf8"), /"warnings":\["[^"]*the list is empty/);
});
