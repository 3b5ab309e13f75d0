/** Priority prefixes of log lines for systemd's journal, which removes them. */
import { fstatSync } from "node:fs";
import type { LogLevel } from "../../runtime/log.ts";

/** sd-daemon(3). */
const PRIORITIES: Readonly<Record<LogLevel, string>> = {
  debug: "<7>",
  info: "<6>",
  warn: "<4>",
  error: "<3>",
};

/** Returns the prefix for each level; undefined if this descriptor does not lead to the journal. */
export function priorities(descriptor: number, env: NodeJS.ProcessEnv): typeof PRIORITIES | undefined {
  const journal = env["JOURNAL_STREAM"];
  if (journal === undefined) return undefined;
  // A shell between systemd and us may have redirected it.
  const { dev, ino } = fstatSync(descriptor);
  return journal === `${dev}:${ino}` ? PRIORITIES : undefined;
}
