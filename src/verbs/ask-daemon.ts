/** Runs the verbs that talk to a running daemon, found through the configuration that both read. */
import { closeSync, openSync } from "node:fs";
import { join, resolve, sep } from "node:path";
import { runTool } from "../cli/cli.ts";
import { adminSocket, configPath, formatProblem, loadConfig } from "../config/config.ts";
import { codeOf } from "../runtime/system-code.ts";
import { complain } from "./wrong-use.ts";

/** The socket of a daemon with the default `storage`, for a configuration that cannot be read. */
const DEFAULT_SOCKET = resolve("data/admin.sock");

/** Runs a verb against the daemon of this configuration, and never against another one. */
export async function askDaemon(
  verb: string,
  args: readonly string[],
  file: string | undefined,
): Promise<number> {
  const config = configPath(file);
  const socket = adminSocket(config) ?? (config === configPath(undefined, {}) ? DEFAULT_SOCKET : undefined);
  const mistakes = (): readonly string[] => mistakesIn(config);
  if (socket !== undefined)
    return runTool(verb, args, { socket, config, mistakes, ...astray(socket, config) });
  return complain(["holdfast: nothing says where the daemon is", ...whyNowhere(config), ""].join("\n"));
}

/** Says why the daemon of this configuration cannot be found, and what to do. */
export function whyNowhere(config: string): readonly string[] {
  if (!isForbidden(config)) return mistakesIn(config);
  return [`${config}: you may not read it; run this as the daemon's user or as root`];
}

/** Returns whether this user may not read the file. */
function isForbidden(file: string): boolean {
  try {
    closeSync(openSync(file, "r"));
    return false;
  } catch (error) {
    return codeOf(error) === "EACCES";
  }
}

/** Most mistakes shown: a file that is no configuration at all has very many. */
const MOST_MISTAKES = 5;

/**
 * Returns the mistakes that may keep `storage` or `admin.socket` from being found: those in these keys, and those of
 * the whole file. Others are left out, because this user may be unable to read other files that the daemon can read.
 */
export function mistakesIn(config: string): readonly string[] {
  const loaded = loadConfig(config);
  const problems = loaded.ok ? [] : loaded.problems;
  const leading = problems.filter(
    ({ file, key }) => file === config && /^(?:(?:storage|admin)\b.*|[^.[]*)$/.test(key),
  );
  return leading.slice(0, MOST_MISTAKES).map(formatProblem);
}

/** Returns a hint if a relative `storage` led to the working directory although the configuration is elsewhere. */
function astray(socket: string, config: string): { hint?: string } {
  const here = join(process.cwd(), sep);
  if (!socket.startsWith(here) || config.startsWith(here)) return {};
  return {
    hint: "a relative `storage` begins in the folder where a command runs; write a whole path, or run this where the daemon was started",
  };
}
