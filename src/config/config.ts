/**
 * The configuration. This room alone reads the configuration file, the recipient files that it names and the
 * environment; the rest of Holdfast gets one frozen value.
 *
 * The steps: parse the YAML with positions (document), check each key by its schema (schema and the *-schema files,
 * with the description that the reference page shows), check keys against each other (consistency, doubts), read
 * domains and their lists (domains), then build the value (build). A mistake never ends the search for others. Each is
 * a Problem with file, line, column, key, what is wrong and what would be right; with any problem there is no
 * configuration at all.
 *
 * What the daemon reads (certificates, lists, programs) is relative to the folder of the file; what it writes
 * (storage, log, socket) is relative to the folder in which it was started.
 */
import { dirname, resolve } from "node:path";
import { buildConfig } from "./build.ts";
import { contradictions } from "./consistency.ts";
import { readDocument, type ConfigText } from "./document.ts";
import { examineDomains } from "./domains.ts";
import { doubts } from "./doubts.ts";
import { remarksOf, soundParts } from "./remarks.ts";
import { MAX_CONFIG_BYTES } from "./locate.ts";
import { inOrder, keyText, type Fault, type Problem, type Remark } from "./problem.ts";
import { root } from "./schema.ts";
import type { Config } from "./shape.ts";
import { readText } from "./text-file.ts";

export { adminSocket, configPath } from "./locate.ts";
export { formatProblem } from "./problem.ts";
export { markNow, rereadList, type ListedRecipients } from "./read-list.ts";
export { configSchema, referencePage } from "./reference.ts";
export { keepStarted, restartKeys } from "./reload.ts";
export type { Config, Endpoint } from "./shape.ts";

export type LoadResult =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * Reads the configuration file and all files that it names; blocks meanwhile. Reports all problems at once, in the
 * order of the file. Recipient files that have not changed since `before` are not read again.
 */
export function loadConfig(path: string, before?: Config): LoadResult {
  const file = resolve(path);
  const content = readText(file, MAX_CONFIG_BYTES);
  if ("fault" in content) return { ok: false, problems: [wholeFile(file, content.fault)] };
  const text = readDocument(content.text);
  return text.value === undefined
    ? { ok: false, problems: inOrder(faultProblems(file, text), file) }
    : examine(file, text, before);
}

function examine(file: string, text: ConfigText, before?: Config): LoadResult {
  const folder = dirname(file);
  const result = root.safeParse(text.value, { reportInput: true });
  const parts = result.success ? result.data : (soundParts(root, text.value) ?? {});
  const domains = examineDomains(parts.domains ?? {}, folder, before?.domains);
  const place = (remark: Remark) => placed(file, text, remark);
  const remarks = [
    ...remarksOf(result.error?.issues ?? []),
    ...contradictions(parts, folder),
    ...domains.remarks,
  ];
  const problems = [...faultProblems(file, text), ...remarks.map(place), ...domains.elsewhere];
  if (!result.success || problems.length > 0) return { ok: false, problems: inOrder(problems, file) };
  const warnings = [...doubts(result.data, folder), ...domains.warnings].map(place);
  const config = buildConfig(file, result.data, domains.listed);
  return { ok: true, config, warnings: inOrder(warnings, file) };
}

function wholeFile(file: string, fault: Fault): Problem {
  return { file, line: 0, column: 0, key: "", ...fault };
}

function faultProblems(file: string, text: ConfigText): readonly Problem[] {
  return text.faults.map((fault) => ({ file, ...fault }));
}

function placed(file: string, text: ConfigText, { path, wrong, right, atKey }: Remark): Problem {
  return { file, ...text.locate(path, atKey), key: keyText(path), wrong, right };
}
