/** How a line tells systemd's journal how grave it is: by a number before it, which the journal takes off. */
import { fstatSync } from "node:fs";
import type { LogLevel } from "../../runtime/log.ts";

/** sd-daemon(3). */
const PRIORITIES: Readonly<Record<LogLevel, string>> = {
  debug: "<7>",
  info: "<6>",
  warn: "<4>",
  error: "<3>",
};

/** What stands before a line of each level; undefined where it is not the journal that reads this descriptor. */
export function priorities(descriptor: number, env: NodeJS.ProcessEnv): typeof PRIORITIES | undefined {
  const journal = env["JOURNAL_STREAM"];
  if (journal === undefined) return undefined;
  // A shell between systemd and us may have sent it elsewhere.
  const { dev, ino } = fstatSync(descriptor);
  return journal === `${dev}:${ino}` ? PRIORITIES : undefined;
}
