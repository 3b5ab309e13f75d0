import { isDeepStrictEqual } from "node:util";
import type { Config } from "./shape.ts";

/** Keys that are read once, when the daemon starts. All others take effect with a reload. */
export const RESTART_KEYS: Readonly<Record<string, (config: Config) => unknown>> = {
  storage: (config) => config.storage,
  "smtp.listen": (config) => config.smtp.listen,
  "smtp.threads": (config) => config.smtp.threads,
  "admin.listen": (config) => config.admin.listen,
  "admin.socket": (config) => config.admin.socket,
  "log.file": (config) => config.log.file,
};

/** The keys that changed and that a reload cannot change. */
export function restartKeys(before: Config, after: Config): readonly string[] {
  return Object.entries(RESTART_KEYS)
    .filter(([, pick]) => !isDeepStrictEqual(pick(before), pick(after)))
    .map(([key]) => key);
}
