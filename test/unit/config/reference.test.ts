import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { configSchema, referencePage } from "../../../src/config/config.ts";
import { RESTART_KEYS } from "../../../src/config/reload.ts";

const ROOT = resolve(import.meta.dirname, "../../..");

test("the committed page and schema are what the source generates", () => {
  assert.equal(readFileSync(join(ROOT, "docs/configuration.md"), "utf8"), referencePage());
  assert.equal(readFileSync(join(ROOT, "config/holdfast.schema.json"), "utf8"), configSchema());
  const check = spawnSync(process.execPath, [join(ROOT, "scripts/generate.ts"), "--check"]);
  assert.equal(check.status, 0, String(check.stderr));
});

test("every key has a row with a meaning and an example", () => {
  const rows = referencePage()
    .split("\n")
    .filter((line) => line.startsWith("| `"));
  for (const row of rows) {
    const [key = "", type = "", initial = "", meaning = "", example = ""] = row.split(" | ");
    assert.ok(type !== "" && initial !== "" && meaning.endsWith("."), row);
    assert.ok(example.startsWith("`") || type === "mapping", key);
  }
  const page = rows.join("\n");
  for (const key of ["smtp.limits.bodyMemory", "domains.<domain>.primary.preference", "smtp.listen[].tls"])
    assert.ok(page.includes(`\`${key}\``), key);
  for (const key of Object.keys(RESTART_KEYS)) assert.ok(page.includes(`| \`${key}\` *restart* |`), key);
});

test("the JSON Schema has the types that an editor reads", () => {
  const { properties, required, additionalProperties } = JSON.parse(configSchema());
  assert.deepEqual(required, ["hostname", "smtp"]);
  assert.equal(additionalProperties, false);
  const { limits, threads } = properties.smtp.properties;
  assert.deepEqual(
    { ...limits.properties.recipients, description: "" },
    { default: 1000, type: "integer", minimum: 100, maximum: 100_000, description: "" },
  );
  assert.deepEqual([threads.type, threads.minimum, threads.maximum], ["integer", 1, 16]);
  assert.deepEqual(properties.checks.properties.dmarc.enum, ["off", "tag", "defer", "quarantine", "reject"]);
  const domain = properties.domains.additionalProperties.properties;
  assert.deepEqual(domain.tagSeparator.enum, ["+", "none"]);
  assert.equal(domain.recipients.anyOf.length, 2);
});
