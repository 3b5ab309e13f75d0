/** `check-config`: reads a configuration and its certificates, and says what is wrong with them. */
import { certificateLine, readTls } from "../adapters/tls/tls.ts";
import { configPath, formatProblem, loadConfig } from "../config/config.ts";
import { counted } from "../runtime/quantities.ts";
import { readConfig } from "./read-config.ts";
import { WRONG_USE } from "./wrong-use.ts";

export async function checkConfig(path: string | undefined, json: boolean): Promise<number> {
  if (json) return checkAsJson(path);
  const config = readConfig(path);
  if (config === undefined) return WRONG_USE;
  const told = config.notices.route.kind === "off" ? "; senders are not notified (notices.route is off)" : "";
  process.stdout.write(`${path ?? config.file}: ok, ${counted(config.domains.length, "domain")}${told}\n`);
  for (const files of config.smtp.tls ?? [])
    process.stdout.write(`${certificateLine(files, await readTls(files), Date.now())}\n`);
  return 0;
}

/** Prints the same format as `reload --json`. */
function checkAsJson(path: string | undefined): number {
  const loaded = loadConfig(configPath(path));
  const told = loaded.ok
    ? { ok: true, domains: loaded.config.domains.length, warnings: loaded.warnings.map(formatProblem) }
    : { ok: false, problems: loaded.problems.map(formatProblem) };
  process.stdout.write(`${JSON.stringify(told, null, 2)}\n`);
  return loaded.ok ? 0 : WRONG_USE;
}
