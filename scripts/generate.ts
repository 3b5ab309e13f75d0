/**
 * Writes what is made from the source: the configuration's reference page and JSON Schema. With `--check` nothing
 * is written, and what differs from the committed files is named; exit status 1 then.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { configSchema, referencePage } from "../src/config/config.ts";

const ROOT = resolve(import.meta.dirname, "..");

const GENERATED: Readonly<Record<string, () => string>> = {
  "docs/configuration.md": referencePage,
  "config/holdfast.schema.json": configSchema,
};

function current(file: string): string {
  try {
    return readFileSync(resolve(ROOT, file), "utf8");
  } catch {
    return "";
  }
}

const stale = Object.entries(GENERATED).filter(([file, make]) => current(file) !== make());
if (process.argv.includes("--check")) {
  for (const [file] of stale)
    console.error(`${file} is not what the source makes of it: run \`npm run generate\``);
  process.exitCode = stale.length === 0 ? 0 : 1;
} else {
  for (const [file, make] of stale) {
    writeFileSync(resolve(ROOT, file), make());
    console.log(`${file} written`);
  }
}
