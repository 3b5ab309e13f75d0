import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { formatProblem, loadConfig, type Config, type LoadResult } from "../../../src/config/config.ts";
import { tempFolder } from "../../support/temp-folder.ts";

/** The shortest configuration; tests add the keys that they test. */
export const HEAD = 'hostname: mx2.example.net\nsmtp: { listen: ["127.0.0.1:2525"] }\n';
export const DOMAIN = "  example.com: { primary: { host: mail.example.com }, recipients: [alice] }\n";

/** Loads a text, with other files in the same folder. */
export async function load(text: string, files: Readonly<Record<string, string>> = {}): Promise<LoadResult> {
  await using folder = await tempFolder();
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder.path, name), content);
  const file = join(folder.path, "holdfast.yaml");
  await writeFile(file, text);
  return relative(loadConfig(file), folder.path);
}

/** Returns the configuration; fails if there is a problem. */
export async function configOf(text: string, files?: Readonly<Record<string, string>>): Promise<Config> {
  const result = await load(text, files);
  assert.ok(result.ok, JSON.stringify(result));
  return result.config;
}

/** Returns the problems, or else the warnings, as lines without the folder. */
export async function linesOf(text: string, files?: Readonly<Record<string, string>>): Promise<string[]> {
  const result = await load(text, files);
  return (result.ok ? result.warnings : result.problems).map(formatProblem);
}

function relative(result: LoadResult, folder: string): LoadResult {
  return JSON.parse(JSON.stringify(result).replaceAll(`${folder}/`, ""));
}
