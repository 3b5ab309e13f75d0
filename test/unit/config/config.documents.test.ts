/** Each piece of configuration that the README and the guides show is read without a mistake. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { formatProblem } from "../../../src/config/config.ts";
import { HEAD, load } from "./sample.ts";

const ROOT = join(import.meta.dirname, "../../..");
const DOCUMENTS = ["README.md", "docs/operating.md", "docs/recipients.md", "docs/performance.md"];
const KEYS = "checks|notices|alerts|storage|admin|smtp|quota|recipients|tagSeparator|unknownDuringOutage";

function read(file: string): string {
  return readFileSync(join(ROOT, file), "utf8");
}

/** Code blocks, and code within the text: a key with its value, or the value of `recipients`. */
function examplesIn(text: string): readonly string[] {
  const blocks = [...text.matchAll(/^( *)```yaml\n([^]*?)\n *```$/gm)].map(([, indent = "", block = ""]) =>
    block.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
  );
  const pieces = text.matchAll(new RegExp(`\`((?:${KEYS}): [^\`]+)\``, "g"));
  const sources = text.matchAll(/`(\{ (?:file|url|list|callout|catchAll): [^`]+)`/g);
  return [
    ...blocks,
    ...[...pieces].map(([, piece = ""]) => piece.replaceAll(/\s+/g, " ")),
    ...[...sources].map(([, source = ""]) => `recipients: ${source}`),
  ];
}

/** Replaces placeholders by values. */
function written(example: string): string {
  return example
    .replaceAll("[...]", "[alice]")
    .replaceAll("https://...", "https://directory.example.net/list");
}

const PRIMARY = "primary: { host: 192.0.2.1 }";

/** Returns a configuration with the example: alone, with the keys that it lacks, or as keys of a domain. */
function around(example: string): string {
  if (example.startsWith("hostname:")) return example;
  if (/^(?:quota|recipients|tagSeparator|unknownDuringOutage):/.test(example)) {
    const recipients = example.startsWith("recipients:") ? "" : ", recipients: [alice]";
    return `${HEAD}domains: { example.net: { ${PRIMARY}, ${example}${recipients} } }\n`;
  }
  return `${HEAD}${example}\ndomains: { example.net: { ${PRIMARY}, recipients: [alice] } }\n`;
}

for (const document of DOCUMENTS)
  test(`the configuration examples in ${document} are valid`, async () => {
    for (const example of examplesIn(read(document))) {
      const result = await load(around(written(example)));
      const problems = result.ok ? [] : result.problems.map(formatProblem);
      // Files that only the operator has.
      const wrong = problems.filter((line) => !line.endsWith(" does not exist; check the path"));
      assert.deepEqual(wrong, [], example);
    }
  });
